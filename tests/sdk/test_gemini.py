import json
import unittest

from google.genai import errors, types

from clients import LOREM, google_client

TOOL = types.Tool(function_declarations=[types.FunctionDeclaration(name="look_up")])


class Gemini(unittest.TestCase):
    def setUp(self):
        self.client = google_client()
        self.addCleanup(self.client.close)

    def buffered(self, model, text="one two", **config):
        return self.client.models.generate_content(
            model=model, contents=text, config=types.GenerateContentConfig(**config)
        )

    def streamed(self, model, text="one two", **config):
        return list(self.client.models.generate_content_stream(
            model=model, contents=text, config=types.GenerateContentConfig(**config)
        ))

    def test_a_buffered_answer_has_text_and_usage(self):
        answer = self.buffered("echo+ttft=1ms+fail=500:0.0", system_instruction="be brief")

        self.assertEqual((answer.text, answer.model_version), ("one two", "echo+ttft=1ms+fail=500:0.0"))
        self.assertEqual(answer.candidates[0].finish_reason, types.FinishReason.STOP)
        self.assertEqual(answer.usage_metadata.prompt_token_count, 4)
        self.assertEqual(answer.usage_metadata.candidates_token_count, 2)

    def test_a_stream_has_the_same_text_and_usage(self):
        chunks = self.streamed("lorem")

        self.assertEqual("".join(chunk.text or "" for chunk in chunks), LOREM)
        self.assertEqual(chunks[-1].candidates[0].finish_reason, types.FinishReason.STOP)
        self.assertEqual(chunks[-1].usage_metadata.candidates_token_count, 16)

    def test_the_limit_of_tokens_is_a_finish_reason(self):
        answer = self.buffered("lorem", max_output_tokens=3)

        self.assertEqual(answer.candidates[0].finish_reason, types.FinishReason.MAX_TOKENS)

    def test_a_tool_is_called_buffered_and_streamed(self):
        chunks = self.streamed("tool", tools=[TOOL])
        streamed = [call for chunk in chunks for call in chunk.function_calls or []]

        for calls in (self.buffered("tool", tools=[TOOL]).function_calls, streamed):
            self.assertEqual([(call.name, call.args) for call in calls], [("look_up", {"text": "one two"})])

    def test_thoughts_come_first_buffered_and_streamed(self):
        buffered = self.buffered("echo+think=3")
        chunks = self.streamed("echo+think=3")

        for answers in ([buffered], chunks):
            parts = [part for answer in answers for part in answer.candidates[0].content.parts]
            thoughts = "".join(part.text for part in parts if part.thought)
            text = "".join(part.text for part in parts if not part.thought)
            self.assertEqual((thoughts, text), ("so we go", "one two"))
            self.assertEqual(answers[-1].usage_metadata.thoughts_token_count, 3)

    def test_json_is_what_was_asked_for(self):
        answer = self.buffered("echo", response_mime_type="application/json")

        self.assertEqual(json.loads(answer.text), {"answer": "one two"})

    def test_an_error_has_its_status_and_details(self):
        with self.assertRaises(errors.ClientError) as raised:
            self.buffered("echo+fail=429:1+retry-after=2")

        self.assertEqual((raised.exception.code, raised.exception.status), (429, "RESOURCE_EXHAUSTED"))
        self.assertEqual(raised.exception.details["error"]["details"][0]["retryDelay"], "2s")

    def test_an_error_within_a_stream_is_raised(self):
        with self.assertRaises(errors.ServerError) as raised:
            self.streamed("lorem+overload=3")

        self.assertEqual((raised.exception.code, raised.exception.status), (503, "UNAVAILABLE"))
