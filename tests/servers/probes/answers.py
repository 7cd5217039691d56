"""Probes of what an answer holds. Each asks the server directly and through runmill, and compares."""

from dataclasses import replace

import direct
from cells import Cell, no, wrong, yes
from relay import Refusal, relayed
from runmill import Runmill
from servers import Ask, Server
from verdicts import failed, is_json, loose, same_answer, told

TOKEN_LIMIT = 3
STOP = "ere"  # inside of a token of the answers


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
    with relayed(server.url, without_streams) as url:
        got = runmill.ask(runmill.provider(server, url), server, ask)
    if not there.is_answer:
        return failed(there, got)
    return same_answer(there, got)


def without_streams(body: dict) -> dict:
    """Refuses streamed requests, as some models do, so that runmill asks buffered."""
    if body.get("stream"):
        said = "Unsupported value: 'stream' does not support true with this model."
        raise Refusal(said, "stream", "unsupported_value")
    return body


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
    if "format_not_held" in got.notes:
        return no("the server ignores the schema; an answer that is no JSON is marked `format_not_held`")
    if got.outcome == "truncated":
        return no("the server ignores the schema; the answer is cut at the token limit, and `truncated`")
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
    if buffered.logprobs and ours:
        return yes("only in a buffered answer, which runmill then asks for")
    if not got.is_answer:
        return wrong(f"the server answers {'streamed' if there.is_answer else 'buffered'}, runmill: {told(got)}")
    if there.tool_calls and not there.text:
        return no("an answer that calls a tool has none")
    where = "only in a buffered answer" if buffered.logprobs else "the server gives none"
    return no(f"{where}; marked `no_logprobs`") if "no_logprobs" in got.notes else wrong(f"{where}, and nothing says so")


def several(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask, stream=False, n=2)
    got = runmill.ask(runmill.provider(server), server, ask, samples=2)
    if not direct.ask(server, ask).is_answer:
        return failed(direct.ask(server, ask), got)
    answers = sum(result["outcome"] in ("succeeded", "truncated") for result in got.results)
    if answers != 2:
        return wrong(f"2 samples gave {answers} answers: {told(got)}")
    counts = [call["usage"]["completion_tokens"] for call in got.invocations if call["usage"]]
    if counts and (got.run["usage"] or {}).get("completion_tokens") != sum(counts):
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


def full_name(server: Server, runmill: Runmill, ask: Ask) -> Cell:
    there = direct.ask(server, ask)
    got = runmill.ask(runmill.provider(server), server, ask)
    if not there.is_answer:
        return failed(there, got)
    return same_answer(there, got)


def with_generation(ask: Ask, **generation) -> Ask:
    merged = {name: value for name, value in (ask.generation | generation).items() if value is not None}
    return replace(ask, generation=merged)
