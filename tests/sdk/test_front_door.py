"""The official clients at the front door, over a provider of each protocol, beside the same calls to the gateway itself.

Every combination of an endpoint, a protocol and a feature is a cell. A cell has the same answer as the gateway gives
to the same client, or a reason why there is none.
"""

import base64
import json
import os
import time
import unittest
import urllib.request
from collections.abc import Callable

import anthropic
import openai

from clients import ADDRESS, LOREM, anthropic_client, openai_client

FRONT_DOOR, TOKEN = os.environ["FRONT_DOOR"], os.environ["FRONT_DOOR_TOKEN"]
# Names of the providers, which are those of their protocols.
PROTOCOLS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
PIXEL = base64.b64encode(bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fccfc0500f00048001"
    "8015d1a4c30000000049454e44ae426082"
)).decode()
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
# Cells without an answer: by endpoint and feature, or by endpoint, feature and protocol, or by feature and protocol.
SKIPPED = {
    ("responses", "n"): "the endpoint has no `n`",
    ("messages", "n"): "the endpoint has no `n`",
    ("messages", "logprobs"): "the endpoint has no log probabilities",
    ("completions", "tool"): "the endpoint has no tools",
    ("completions", "tool stream"): "the endpoint has no tools",
    ("completions", "tool result"): "the endpoint has one prompt",
    ("completions", "image"): "the endpoint has one prompt",
    ("completions", "schema"): "the endpoint has no schemas",
    ("logprobs", "anthropic_messages"): "the provider's protocol has no log probabilities",
    ("logprobs", "openai_responses"): "the gateway gives none in this protocol",
    ("logprobs", "gemini"): "the gateway gives none in this protocol",
}
# The gateway has no `/v1/completions`: what it would say there is what it says in a chat.
DIRECT = {"completions": "chat"}


class Endpoint:
    """One endpoint, asked by its official client. Each method asks one thing and returns what is to be the same."""

    def __init__(self, chat: openai.OpenAI, messages: anthropic.Anthropic):
        self.openai, self.anthropic = chat, messages


class Chat(Endpoint):
    def ask(self, model, messages=None, **options):
        messages = messages or [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one two"}]
        return self.openai.chat.completions.create(model=model, messages=messages, **options)

    @staticmethod
    def seen(answer):
        choice = answer.choices[0]
        calls = [(call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls or []]
        return choice.message.content or "", calls, choice.finish_reason, answer.usage.completion_tokens

    def buffered(self, model):
        return self.seen(self.ask(f"{model}echo+think=3"))

    def streamed(self, model, **options):
        messages = [{"role": "user", "content": "one two"}]
        options = {"stream_options": {"include_usage": True}} | options
        name = options.pop("name", "lorem")
        with self.openai.chat.completions.stream(model=f"{model}{name}", messages=messages, **options) as stream:
            return self.seen(stream.get_final_completion())

    def cut(self, model):
        return self.seen(self.ask(f"{model}lorem", max_completion_tokens=3))

    TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]

    def tool(self, model):
        return self.seen(self.ask(f"{model}tool", tools=self.TOOLS, tool_choice="auto"))

    def tool_stream(self, model):
        return self.streamed(model, name="tool", tools=self.TOOLS)

    def tool_result(self, model):
        call = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"text":"a"}'}}
        return self.seen(self.ask(f"{model}echo", [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "42"},
            {"role": "user", "content": "and two"},
        ], tools=self.TOOLS))

    def schema(self, model):
        form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
        return self.seen(self.ask(f"{model}echo", response_format=form))

    def image(self, model):
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
        content = [{"type": "text", "text": "one two"}, image]
        return self.seen(self.ask(f"{model}echo", [{"role": "user", "content": content}]))

    def logprobs(self, model):
        answer = self.ask(f"{model}echo", logprobs=True, top_logprobs=2)
        return [(token.token, token.logprob, [top.token for top in token.top_logprobs])
                for token in answer.choices[0].logprobs.content]

    def n(self, model):
        answer = self.ask(f"{model}echo", n=2)
        return [(choice.index, choice.message.content, choice.finish_reason) for choice in answer.choices]

    def refused(self, model):
        return self.refusal(lambda: self.ask(f"{model}echo+fail=400:1"))

    @staticmethod
    def refusal(ask: Callable):
        try:
            ask()
        except openai.APIStatusError as error:
            return type(error).__name__, bool(error.body.get("message")), error.body.get("type")
        except anthropic.APIStatusError as error:
            return type(error).__name__, bool(error.body["error"]["message"]), error.body["error"]["type"]
        return "no error"

    def broken_stream(self, model):
        """Returns whether an error within a stream is raised, as it must be."""
        try:
            self.streamed(model, name="lorem+overload=3")
        except openai.APIError:
            return True
        return False

    def hang_up(self, model):
        stream = self.ask(f"{model}lorem+tokens=500+tps=20+think=1", stream=True)
        next(iter(stream))
        stream.close()


class Completions(Chat):
    def ask(self, model, **options):
        return self.openai.completions.create(model=model, prompt="one two", **options)

    @staticmethod
    def seen(answer):
        choice = answer.choices[0]
        return choice.text, [], choice.finish_reason, answer.usage.completion_tokens

    def streamed(self, model, name="lorem"):
        chunks = list(self.ask(f"{model}{name}", stream=True, stream_options={"include_usage": True}))
        choices = [choice for chunk in chunks for choice in chunk.choices]
        finish = [choice.finish_reason for choice in choices if choice.finish_reason]
        return "".join(choice.text for choice in choices), [], finish[-1], chunks[-1].usage.completion_tokens

    def cut(self, model):
        return self.seen(self.ask(f"{model}lorem", max_tokens=3))

    def n(self, model):
        answer = self.ask(f"{model}echo", n=2)
        return [(choice.index, choice.text, choice.finish_reason) for choice in answer.choices]

    def logprobs(self, model):
        answer = self.ask(f"{model}echo", logprobs=2)
        found = answer.choices[0].logprobs
        return [(token, logprob, list(tops)) for token, logprob, tops in
                zip(found.tokens, found.token_logprobs, found.top_logprobs, strict=True)]


class Responses(Chat):
    TOOLS = [{"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}, "strict": False}]

    def ask(self, model, input="one two", **options):
        return self.openai.responses.create(model=model, input=input, instructions="be brief", **options)

    @staticmethod
    def seen(answer):
        calls = [(item.name, json.loads(item.arguments)) for item in answer.output if item.type == "function_call"]
        return answer.output_text, calls, answer.status, answer.usage.output_tokens

    def streamed(self, model, name="lorem", **options):
        with self.openai.responses.stream(model=f"{model}{name}", input="one two", **options) as stream:
            for event in stream:
                if event.type in ("response.failed", "error"):
                    raise openai.APIError("failed", request=None, body=None)
            return self.seen(stream.get_final_response())

    def cut(self, model):
        return self.seen(self.ask(f"{model}lorem", max_output_tokens=3))

    def tool_result(self, model):
        return self.seen(self.ask(f"{model}echo", [
            {"role": "user", "content": "one"},
            {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": '{"text":"a"}'},
            {"type": "function_call_output", "call_id": "call_1", "output": "42"},
            {"role": "user", "content": "and two"},
        ], tools=self.TOOLS))

    def schema(self, model):
        form = {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}
        return self.seen(self.ask(f"{model}echo", text={"format": form}))

    def image(self, model):
        image = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"}
        content = [{"type": "input_text", "text": "one two"}, image]
        return self.seen(self.ask(f"{model}echo", [{"role": "user", "content": content}]))

    def logprobs(self, model):
        answer = self.ask(f"{model}echo", include=["message.output_text.logprobs"], top_logprobs=2)
        found = answer.output[-1].content[0].logprobs
        return [(token.token, token.logprob, [top.token for top in token.top_logprobs]) for token in found]


class Messages(Chat):
    TOOLS = [{"name": "look_up", "input_schema": {"type": "object", "properties": {}}}]

    def request(self, model, messages=None, **options):
        messages = messages or [{"role": "user", "content": "one two"}]
        return {"model": model, "max_tokens": 99, "system": "be brief", "messages": messages} | options

    def ask(self, model, messages=None, **options):
        return self.anthropic.messages.create(**self.request(model, messages, **options))

    @staticmethod
    def seen(answer):
        text = "".join(block.text for block in answer.content if block.type == "text")
        calls = [(block.name, block.input) for block in answer.content if block.type == "tool_use"]
        return text, calls, answer.stop_reason, answer.usage.output_tokens

    def streamed(self, model, name="lorem", **options):
        with self.anthropic.messages.stream(**self.request(f"{model}{name}", **options)) as stream:
            return self.seen(stream.get_final_message())

    def cut(self, model):
        return self.seen(self.ask(f"{model}lorem", max_tokens=3))

    def tool(self, model):
        return self.seen(self.ask(f"{model}tool", tools=self.TOOLS))

    def tool_result(self, model):
        return self.seen(self.ask(f"{model}echo", [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "call_1", "name": "look_up", "input": {"text": "a"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": "42"},
                {"type": "text", "text": "and two"}]},
        ], tools=self.TOOLS))

    def schema(self, model):
        return self.seen(self.ask(f"{model}echo", output_config={"format": {"type": "json_schema", "schema": SCHEMA}}))

    def image(self, model):
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
        return self.seen(self.ask(f"{model}echo", [{"role": "user", "content": [
            {"type": "text", "text": "one two"}, image]}]))

    def broken_stream(self, model):
        try:
            self.streamed(model, name="lorem+overload=3")
        except anthropic.APIError:
            return True
        return False


ENDPOINTS = {"chat": Chat, "completions": Completions, "responses": Responses, "messages": Messages}
FEATURES = ("buffered", "streamed", "cut", "tool", "tool stream", "tool result", "schema", "image", "logprobs", "n",
            "refused", "broken stream", "hang up")


class Matrix(unittest.TestCase):
    """All cells. The skipped ones are printed with their reasons."""

    @classmethod
    def setUpClass(cls):
        direct = openai_client(), anthropic_client()
        door = (openai.OpenAI(base_url=f"{FRONT_DOOR}/v1", api_key=TOKEN, max_retries=0),
                anthropic.Anthropic(base_url=FRONT_DOOR, api_key=TOKEN, max_retries=0))
        cls.direct = {name: endpoint(*direct) for name, endpoint in ENDPOINTS.items()}
        cls.door = {name: endpoint(*door) for name, endpoint in ENDPOINTS.items()}
        for client in (*direct, *door):
            cls.addClassCleanup(client.close)

    def test_every_cell(self):
        for name in ENDPOINTS:
            for feature in FEATURES:
                for protocol in PROTOCOLS:
                    reason = SKIPPED.get((name, feature)) or SKIPPED.get((feature, protocol))
                    if reason:
                        print(f"skipped: {name}, {feature}, {protocol}: {reason}")
                        continue
                    with self.subTest(endpoint=name, feature=feature, protocol=protocol):
                        self.cell(name, feature, protocol)

    def cell(self, name, feature, protocol):
        method = feature.replace(" ", "_")
        through = getattr(self.door[name], method)
        if feature == "hang up":
            return self.assert_hangs_up(through, protocol)
        if feature == "n":
            self.assertEqual(through(f"{protocol}/"), [(0, "one two", "stop"), (1, "one two", "stop")])
            return None
        if feature == "broken stream":
            self.assertTrue(through(f"{protocol}/"), "a stream that breaks off must not end cleanly")
            return None
        if feature == "logprobs":
            # The gateway gives them in chat alone, whatever endpoint the client asks here.
            found = through(f"{protocol}/")
            self.assertEqual([(token, logprob) for token, logprob, _ in found], [("one", -0.25), (" two", -0.25)])
            return None
        want = getattr(self.direct[DIRECT.get(name, name)], method)("")
        self.assertEqual(through(f"{protocol}/"), want)
        return None

    def assert_hangs_up(self, hang_up, protocol):
        """The provider's call ends soon after the client has gone."""
        hang_up(f"{protocol}/")
        until = time.monotonic() + 10
        while in_flight() > 0:
            self.assertLess(time.monotonic(), until, "the provider's call goes on")
            time.sleep(0.05)


def in_flight() -> int:
    with urllib.request.urlopen(f"{ADDRESS}/_gateway/stats") as response:
        return json.load(response)["all"]["in_flight"]


class Door(unittest.TestCase):
    """What the clients see of the front door itself."""

    def setUp(self):
        self.openai = openai.OpenAI(base_url=f"{FRONT_DOOR}/v1", api_key=TOKEN, max_retries=0)
        self.addCleanup(self.openai.close)

    def test_a_wrong_token_is_refused_in_the_shape_of_each_protocol(self):
        with openai.OpenAI(base_url=f"{FRONT_DOOR}/v1", api_key="wrong", max_retries=0) as client:
            with self.assertRaises(openai.AuthenticationError) as raised:
                client.chat.completions.create(model="x", messages=[{"role": "user", "content": "?"}])
        self.assertTrue(raised.exception.body["message"])
        with anthropic.Anthropic(base_url=FRONT_DOOR, api_key="wrong", max_retries=0) as client:
            with self.assertRaises(anthropic.AuthenticationError) as raised:
                client.messages.create(model="x", max_tokens=1, messages=[{"role": "user", "content": "?"}])
        self.assertEqual(raised.exception.body["error"]["type"], "authentication_error")

    def test_an_unknown_model_is_not_found_with_words(self):
        with self.assertRaises(openai.NotFoundError) as raised:
            self.openai.chat.completions.create(model="nobody/x", messages=[{"role": "user", "content": "?"}])
        self.assertEqual(raised.exception.code, "model_not_found")

    def test_a_model_with_a_slash_is_found(self):
        self.assertEqual(self.openai.models.retrieve("openai_chat/echo").id, "openai_chat/echo")

    def test_counts_of_tokens_are_estimated(self):
        with anthropic.Anthropic(base_url=FRONT_DOOR, api_key=TOKEN, max_retries=0) as client:
            counted = client.messages.count_tokens(
                model="anthropic_messages/echo", messages=[{"role": "user", "content": LOREM}])
        self.assertGreater(counted.input_tokens, 8)
