"""What the matrix tries at each server. A probe asks the server directly and through runmill, and compares."""

import base64
import re
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import replace

import direct
from cells import Cell, fails, no, skipped, wrong, yes
from relay import without_streams
from runmill import PATIENT, Runmill
from servers import Ask, Server, Skip
from verdicts import failed, is_json, loose, refused, said, same_answer, told

SHORT = {"temperature": 0, "max_new_tokens": 16}
TOKEN_LIMIT = 3
STOP = "help"
LONG_WORDS = 1500
KILL_AFTER = 0.4  # of the time that the whole answer takes
DOWN_S = 2.0
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 12}},
    "required": ["city"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": SCHEMA}}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Returns the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
Probe = Callable[[Server, Runmill, Ask], Cell]


def pixel() -> str:
    """Returns a PNG of one pixel as a data URL."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode()


def streamed(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask)
    got = runmill.ask(runmill.provider(server), server, ask)
    if not there.is_answer:
        return failed(there, got)
    if not got.invocations or not got.invocations[-1]["streamed"]:
        return wrong(f"the server streams, and runmill did not: {told(got)}")
    return same_answer(there, got)


def buffered(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask, stream=False)
    with without_streams(server.url) as url:
        got = runmill.ask(runmill.provider(server, url), server, ask)
    if not there.is_answer:
        return failed(there, got)
    return same_answer(there, got)


def tools(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask)
    got = runmill.ask(runmill.provider(server), server, ask)
    if not there.is_answer:
        return failed(there, got)
    ours = [(call["name"], call["arguments"]) for call in got.result.get("tool_calls", [])]
    if [loose(it) for it in ours] != [loose(it) for it in there.tool_calls]:
        return wrong(f"the server calls {there.tool_calls}, runmill has {ours}: {told(got)}")
    if there.tool_calls:
        return yes()
    return no("the model answers in text, and the text is the result") if got.is_answer else wrong(told(got))


def schema(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask)
    got = runmill.ask(runmill.provider(server), server, ask)
    if not there.is_answer:
        return failed(there, got)
    if not got.is_answer:
        return wrong(f"the server answers {there.text!r}, runmill: {told(got)}")
    if is_json(got.text):
        return yes()
    if is_json(there.text):
        return wrong(f"the server gives JSON, runmill has {got.text!r}")
    if got.outcome == "truncated" or "format_not_held" in got.notes:
        return no("the server ignores the schema; an answer that is no JSON is marked `format_not_held`")
    return wrong(f"the answer is no JSON and nothing says so: {got.text!r}")


def logprobs(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask, logprobs=True)
    buffered = direct.ask(server, ask, stream=False, logprobs=True)
    wanted = with_generation(ask, logprobs=True)
    got = runmill.ask(runmill.provider(server), server, wanted)
    if not there.is_answer and not buffered.is_answer:
        return failed(there, got)
    if not there.is_answer and (there.status or 0) >= 500:
        return failed(there, got)
    ours = len(got.result.get("logprobs") or [])
    if there.logprobs:
        return yes() if ours == there.logprobs else wrong(f"{there.logprobs} tokens have one, runmill has {ours}")
    if buffered.logprobs:
        if ours:
            return yes("only in a buffered answer, which runmill then asks for")
        return no("only in a buffered answer; marked `no_logprobs`") if "no_logprobs" in got.notes else wrong(
            f"there are log probabilities in the buffered answer alone, runmill has none and says nothing: {told(got)}")
    if "no_logprobs" in got.notes:
        return no("the server gives none; marked `no_logprobs`")
    return wrong(f"there are none, and nothing says so: {told(got)}") if got.is_answer else failed(there, got)


def logprobs_with_tools(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask, logprobs=True)
    buffered = direct.ask(server, ask, stream=False, logprobs=True)
    got = runmill.ask(runmill.provider(server), server, with_generation(ask, logprobs=True))
    if there.is_answer:
        return yes() if got.is_answer else wrong(told(got))
    if buffered.is_answer:
        return yes("only buffered, which runmill then asks for") if got.is_answer else wrong(
            f"the server answers buffered, runmill does not ask so: {told(got)}")
    return failed(there, got)


def several(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask, stream=False, n=2)
    got = runmill.ask(runmill.provider(server), server, ask, samples=2)
    if not direct.ask(server, ask).is_answer:
        return failed(direct.ask(server, ask), got)
    answers = sum(result["outcome"] in ("succeeded", "truncated") for result in got.results)
    if answers != 2:
        return wrong(f"2 samples gave {answers} answers: {told(got)}")
    counts = [call["usage"]["completion_tokens"] for call in got.invocations if call["usage"]]
    if counts and got.run["usage"]["completion_tokens"] != sum(counts):
        return wrong(f"the run's usage {got.run['usage']} is not the sum of {counts}")
    if len(there.choices) == 2:
        return yes("runmill makes a call for each sample")
    return yes(f"runmill makes a call for each sample; the server {'ignores' if there.is_answer else 'refuses'} `n`")


def stop(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask)
    got = runmill.ask(runmill.provider(server), server, ask)
    if not there.is_answer:
        return failed(there, got)
    unstopped = direct.ask(server, with_generation(ask, stop=None)).text
    cell = same_answer(there, got)
    if cell.word == "wrong" or STOP not in unstopped:
        return cell
    if STOP in there.text:
        return no("the server ignores stop texts, and runmill gives what came")
    before = unstopped.partition(STOP)[0]
    if there.text.strip() != before.strip():
        return no("the server cuts out a stop text that is no whole token and goes on; runmill gives what came")
    return cell


def usage(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask)
    got = runmill.ask(runmill.provider(server), server, ask)
    if not there.is_answer:
        return failed(there, got)
    told_there = there.usage or {}
    theirs = (told_there.get("prompt_tokens"), told_there.get("completion_tokens"))
    ours = got.usage and (got.usage["prompt_tokens"], got.usage["completion_tokens"])
    if theirs[1]:
        return yes() if ours == theirs else wrong(f"the server counts {theirs}, runmill has {ours}")
    what = "counts 0 tokens beside a text" if told_there else "counts no tokens"
    if ours is not None and ours[1] is not None:
        return wrong(f"the server {what}, and runmill takes it for {ours}")
    if "usage_not_told" not in got.notes:
        return wrong(f"the server {what}, and nothing says so")
    return no(f"the server {what}: usage and cost are unknown, marked `usage_not_told`")


def token_limit(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask)
    got = runmill.ask(runmill.provider(server), server, ask)
    if not there.is_answer:
        return failed(there, got)
    completion = (there.usage or {}).get("completion_tokens")
    if there.finish == "length" or completion == TOKEN_LIMIT:
        return yes() if got.outcome == "truncated" or "stopped_at_limit" in got.notes else wrong(
            f"the answer is cut, runmill: {told(got)}")
    cell = same_answer(there, got)
    return cell if cell.word == "wrong" else no("the server ignores the limit")


def unknown_model(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask)
    got = runmill.ask(runmill.provider(server), server, ask)
    if not there.is_answer:
        return refused(there, got, {"invalid_request"})
    if not got.is_answer:
        return wrong(f"the server answers, runmill: {told(got)}")
    if there.model in (None, ask.model):
        return no("the server answers for any name")
    if "other_model" in got.notes:
        return no("the server answers for any name with its own model; marked `other_model`")
    return wrong(f"the server answers as {there.model!r}, and nothing says so")


def full_name(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask)
    got = runmill.ask(runmill.provider(server), server, ask)
    if not there.is_answer:
        return failed(there, got)
    return same_answer(there, got)


def image(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask)
    got = runmill.ask(runmill.provider(server), server, ask)
    if there.is_answer:
        return same_answer(there, got)
    return refused(there, got, None)


def rate_limit(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    return error_of_kind(server, runmill, ask, {"rate_limited"})


def server_error(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    return error_of_kind(server, runmill, ask, {"server_error", "overloaded", "connection"})


def error_of_kind(server: Server, runmill: Runmill, ask: Ask, kinds: set[str]) -> Cell:
    there = direct.ask(server, ask)
    provider = runmill.provider(server)
    run = runmill.submit(provider, server, ask)
    got = runmill.wait(run)
    if there.is_answer:
        return wrong("the probe is wrong: the server answers")
    if got.is_answer:
        return wrong(f"the server fails, runmill has an answer: {told(got)}")
    if not got.kinds <= kinds or not got.kinds:
        return wrong(f"{there.status} {there.error!r} is {sorted(got.kinds)}, which should be {sorted(kinds)}")
    return said(there, got)


def wrong_key(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask, key="sk-wrong-key-0000")
    if there.is_answer:
        return no("the server takes any key")
    got = runmill.ask(runmill.provider(server, key="sk-wrong-key-0000"), server, ask)
    if got.outcome != "paused":
        return wrong(f"{there.status} {there.error!r}: the run is not paused: {told(got)}")
    return refused(there, got, {"authentication"})


def no_key(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask, key=None)
    if there.is_answer:
        return no("the server takes calls without a key")
    got = runmill.ask(runmill.provider(server, key=None), server, ask)
    if got.is_answer:
        return wrong(told(got))
    if not re.search(r"key", got.words, re.IGNORECASE):
        return wrong(f"{there.status} {there.error!r}: nothing says that no key was sent: {got.words!r}")
    return yes()


def too_long(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask)
    if there.is_answer:
        return no("the server has no limit")
    return refused(there, runmill.ask(runmill.provider(server), server, ask), {"context_length"})


def kill(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    began = time.monotonic()
    whole = direct.ask(server, ask)
    seconds = time.monotonic() - began
    if not whole.is_answer:
        return fails(whole.status, whole.error, "not tried")
    if whole.deltas < 4:
        return skipped(f"the server's stream has {whole.deltas} parts")
    mortal = server.mortal()
    run = runmill.submit(runmill.provider(server, retry=PATIENT), server, ask)
    time.sleep(KILL_AFTER * seconds)
    mortal.kill()
    time.sleep(DOWN_S)
    mortal.start()
    got = runmill.wait(run)
    if len(got.attempts) < 2:
        return wrong(f"the kill met no call: {told(got)}")
    cut = got.attempts[0]
    if cut["error_kind"] is None:
        return wrong(f"the cut stream was taken for an answer: {told(got)}")
    if not got.is_answer:
        return wrong(f"the server is back, and the item is lost: {told(got)}, "
                     f"after {[it['error_kind'] for it in got.attempts]}")
    cell = same_answer(whole, got)
    return cell if cell.word == "wrong" else yes("the half answer is dropped, and the item answered by the server "
                                                 "that is back")


def with_generation(ask: Ask, **generation) -> Ask:
    merged = {name: value for name, value in (ask.generation | generation).items() if value is not None}
    return replace(ask, generation=merged)


# Rows of the matrix: name, probe, common question. Without a question, only servers that state one are tried.
PROBES: list[tuple[str, Probe, Ask | Skip]] = [
    ("streamed", streamed, Ask(generation=SHORT)),
    ("buffered", buffered, Ask(generation=SHORT)),
    ("tools", tools, Ask("What is the weather in Oslo?", generation=SHORT | {"tools": [TOOL]})),
    ("schema", schema, Ask("Answer in JSON: which city is the capital of Norway?",
                           generation={"temperature": 0, "max_new_tokens": 24, "response_format": FORMAT})),
    ("logprobs", logprobs, Ask(generation={"temperature": 0, "max_new_tokens": 5})),
    ("logprobs with tools", logprobs_with_tools,
     Ask("What is the weather in Oslo?", generation={"temperature": 0, "max_new_tokens": 5, "tools": [TOOL]})),
    ("several answers (`n`)", several, Ask(generation={"temperature": 0, "max_new_tokens": 5})),
    ("stop", stop, Ask(generation=SHORT | {"stop": [STOP]})),
    ("usage", usage, Ask(generation=SHORT)),
    ("token limit", token_limit, Ask(generation={"temperature": 0, "max_new_tokens": TOKEN_LIMIT})),
    ("name with a prefix", full_name, Skip("its names have no prefix")),
    ("unknown model", unknown_model, Ask(model="no-such-model", generation={"temperature": 0, "max_new_tokens": 5})),
    ("image to a text model", image, Ask("Say hello.", images=(pixel(),), generation=SHORT)),
    ("rate limit", rate_limit, Skip("the server has no such limit")),
    ("server error", server_error, Skip("no such error can be provoked")),
    ("wrong key", wrong_key, Ask(generation=SHORT)),
    ("no key", no_key, Ask(generation=SHORT)),
    ("prompt too long", too_long, Ask("word " * LONG_WORDS, generation=SHORT)),
    ("kill in mid-stream", kill, Ask("Tell me slowly a long story about a dog.",
                                     generation={"temperature": 0, "max_new_tokens": 100})),
]
