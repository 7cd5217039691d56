import json
import unittest

import openai
from pydantic import BaseModel

from clients import LOREM, azure_client, openai_client

TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]


class Answer(BaseModel):
    answer: str


def ask(text):
    return [{"role": "system", "content": "be brief"}, {"role": "user", "content": text}]


class Chat(unittest.TestCase):
    def setUp(self):
        self.client = openai_client()
        self.addCleanup(self.client.close)
        self.create = self.client.chat.completions.create

    def test_a_buffered_answer_has_text_and_usage(self):
        answer = self.create(model="echo+think=3", messages=ask("one two"))

        self.assertEqual(answer.choices[0].message.content, "one two")
        self.assertEqual(answer.choices[0].message.reasoning_content, "so we go")
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual((answer.usage.prompt_tokens, answer.usage.completion_tokens), (4, 5))
        self.assertEqual(answer.usage.completion_tokens_details.reasoning_tokens, 3)

    def test_a_stream_has_the_same_text_and_usage(self):
        with self.client.chat.completions.stream(
            model="lorem", messages=ask("?"), stream_options={"include_usage": True}
        ) as stream:
            answer = stream.get_final_completion()

        self.assertEqual(answer.choices[0].message.content, LOREM)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual(answer.usage.completion_tokens, 16)

    def test_a_tool_is_called_buffered_and_streamed(self):
        buffered = self.create(model="tool", messages=ask("one two"), tools=TOOLS)
        with self.client.chat.completions.stream(model="tool", messages=ask("one two"), tools=TOOLS) as stream:
            streamed = stream.get_final_completion()

        for answer in (buffered, streamed):
            choice = answer.choices[0]
            self.assertEqual(choice.finish_reason, "tool_calls")
            self.assertEqual(choice.message.tool_calls[0].function.name, "look_up")
            self.assertEqual(json.loads(choice.message.tool_calls[0].function.arguments), {"text": "one two"})

    def test_json_is_what_was_asked_for(self):
        plain = self.create(model="echo", messages=ask("one"), response_format={"type": "json_object"})
        parsed = self.client.chat.completions.parse(model="echo", messages=ask("one"), response_format=Answer)

        self.assertEqual(json.loads(plain.choices[0].message.content), {"answer": "one"})
        self.assertEqual(parsed.choices[0].message.parsed, Answer(answer="one"))

    def test_logprobs_are_as_documented(self):
        request = {"model": "echo", "messages": ask("one two"), "logprobs": True, "top_logprobs": 2}
        with self.client.chat.completions.stream(**request) as stream:
            streamed = stream.get_final_completion()

        for answer in (self.create(**request), streamed):
            found = [(token.token, token.logprob, [top.logprob for top in token.top_logprobs])
                     for token in answer.choices[0].logprobs.content]
            self.assertEqual(found, [("one", -0.25, [-0.25, -1.25]), (" two", -0.25, [-0.25, -1.25])])

    def test_an_error_has_its_type_code_and_status(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            self.create(model="echo+nostream", messages=ask("?"), stream=True)

        self.assertEqual((raised.exception.code, raised.exception.param), ("unsupported_value", "stream"))
        with self.assertRaises(openai.NotFoundError):
            self.create(model="gpt-4o", messages=ask("?"))

    def test_a_server_error_is_retried(self):
        model = "echo+fail=500:0.5"

        def fails_at_first(text):
            try:
                self.create(model=model, messages=ask(text))
            except openai.InternalServerError:
                return True
            return False

        text = next(text for text in map(str, range(40)) if fails_at_first(text))

        answer = self.client.with_options(max_retries=9).chat.completions.create(model=model, messages=ask(text))

        self.assertEqual(answer.choices[0].message.content, text)

    def test_an_error_within_a_stream_is_raised(self):
        stream = self.create(model="lorem+overload=3", messages=ask("?"), stream=True)

        with self.assertRaises(openai.APIError) as raised:
            list(stream)

        self.assertIn("overloaded", str(raised.exception))

    def test_azure_finds_its_deployment(self):
        with azure_client() as client:
            answer = client.chat.completions.create(model="echo+ttft=1ms", messages=ask("one"))

        self.assertEqual((answer.model, answer.choices[0].message.content), ("echo+ttft=1ms", "one"))

    def test_models_are_listed_and_found(self):
        self.assertIn("echo", [model.id for model in self.client.models.list()])
        self.assertEqual(self.client.models.retrieve("echo+ttft=2s").id, "echo+ttft=2s")
