import json
import unittest

import openai
from pydantic import BaseModel

from clients import LOREM, openai_client

TOOLS = [{"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}, "strict": False}]


class Answer(BaseModel):
    answer: str


class Responses(unittest.TestCase):
    def setUp(self):
        self.client = openai_client()
        self.addCleanup(self.client.close)

    def test_a_buffered_answer_has_text_reasoning_and_usage(self):
        answer = self.client.responses.create(model="echo+think=3", input="one two", instructions="be brief")

        self.assertEqual((answer.status, answer.output_text), ("completed", "one two"))
        self.assertEqual(answer.output[0].summary[0].text, "so we go")
        self.assertEqual((answer.usage.input_tokens, answer.usage.output_tokens), (4, 5))
        self.assertEqual(answer.usage.output_tokens_details.reasoning_tokens, 3)

    def test_a_stream_has_the_same_text_and_usage(self):
        with self.client.responses.stream(model="lorem+think=3", input="?") as stream:
            deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
            answer = stream.get_final_response()

        self.assertEqual(("".join(deltas), answer.output_text), (LOREM, LOREM))
        self.assertEqual((answer.status, answer.usage.output_tokens), ("completed", 19))

    def test_a_short_answer_says_why(self):
        answer = self.client.responses.create(model="lorem", input="?", max_output_tokens=16 - 1)

        self.assertEqual((answer.status, answer.incomplete_details.reason), ("incomplete", "max_output_tokens"))

    def test_a_tool_is_called_buffered_and_streamed(self):
        buffered = self.client.responses.create(model="tool", input="one two", tools=TOOLS)
        with self.client.responses.stream(model="tool", input="one two", tools=TOOLS) as stream:
            streamed = stream.get_final_response()

        for answer in (buffered, streamed):
            call = answer.output[0]
            self.assertEqual((call.type, call.name), ("function_call", "look_up"))
            self.assertEqual(json.loads(call.arguments), {"text": "one two"})

    def test_json_is_what_was_asked_for(self):
        answer = self.client.responses.parse(model="echo", input="one", text_format=Answer)

        self.assertEqual(answer.output_parsed, Answer(answer="one"))

    def test_a_failure_within_a_stream_is_its_last_event(self):
        events = list(self.client.responses.create(model="lorem+overload=3", input="?", stream=True))

        self.assertEqual(events[-1].type, "response.failed")
        self.assertEqual(events[-1].response.error.code, "server_error")

    def test_a_rate_limit_is_raised(self):
        with self.assertRaises(openai.RateLimitError):
            self.client.responses.create(model="echo+fail=429:1", input="?")
