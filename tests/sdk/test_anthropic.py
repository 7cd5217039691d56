import unittest

import anthropic

from clients import LOREM, anthropic_client

TOOLS = [{"name": "look_up", "input_schema": {"type": "object", "properties": {}}}]


def ask(model, text="one two", **options):
    messages = [{"role": "user", "content": text}]
    return {"model": model, "max_tokens": 99, "system": "be brief", "messages": messages} | options


class Messages(unittest.TestCase):
    def setUp(self):
        self.client = anthropic_client()
        self.addCleanup(self.client.close)
        self.create = self.client.messages.create

    def streamed(self, request):
        with self.client.messages.stream(**request) as stream:
            return stream.get_final_message()

    def test_a_buffered_answer_has_text_and_usage(self):
        answer = self.create(**ask("echo"))

        self.assertEqual(([block.text for block in answer.content], answer.stop_reason), (["one two"], "end_turn"))
        self.assertEqual((answer.usage.input_tokens, answer.usage.output_tokens), (4, 2))

    def test_a_stream_has_the_same_text_and_usage(self):
        with self.client.messages.stream(**ask("lorem")) as stream:
            text = "".join(stream.text_stream)
            answer = stream.get_final_message()

        self.assertEqual((text, answer.content[0].text), (LOREM, LOREM))
        self.assertEqual((answer.stop_reason, answer.usage.output_tokens), ("end_turn", 16))

    def test_the_limit_of_tokens_is_a_stop_reason(self):
        self.assertEqual(self.create(**ask("lorem", max_tokens=3)).stop_reason, "max_tokens")

    def test_a_tool_is_called_buffered_and_streamed(self):
        request = ask("tool", tools=TOOLS)

        for answer in (self.create(**request), self.streamed(request)):
            call = answer.content[0]
            self.assertEqual((call.type, call.name, call.input), ("tool_use", "look_up", {"text": "one two"}))
            self.assertEqual(answer.stop_reason, "tool_use")

    def test_thinking_comes_first_buffered_and_streamed(self):
        request = ask("echo+think=3")

        for answer in (self.create(**request), self.streamed(request)):
            thinking, text = answer.content
            self.assertEqual((thinking.thinking, text.text), ("so we go", "one two"))
            self.assertTrue(thinking.signature)
            self.assertEqual(answer.usage.output_tokens_details.thinking_tokens, 3)

    def test_an_error_has_its_status_and_request(self):
        with self.assertRaises(anthropic.RateLimitError) as raised:
            self.create(**ask("echo+fail=429:1"))

        self.assertEqual(raised.exception.body["error"]["type"], "rate_limit_error")
        self.assertTrue(raised.exception.body["request_id"].startswith("req_"))

    def test_an_error_within_a_stream_is_raised(self):
        with self.assertRaises(anthropic.APIStatusError) as raised:
            self.streamed(ask("lorem+overload=3"))

        self.assertEqual(raised.exception.body["error"]["type"], "overloaded_error")
