"""Probes of errors: their kind, their words, and how often they are tried."""

import re
import time
from dataclasses import replace

import direct
from cells import Cell, fails, no, skipped, wrong, yes
from runmill import PATIENT, Outcome, Runmill
from servers import Ask, Server
from verdicts import failed, refused, said, same_answer, told
from wires import Answer

WRONG_KEY = "sk-wrong-key-0000"
KILL_AFTER = 0.4  # of the time that the whole answer takes
DOWN_S = 2.0
KILLS_MAX = 3  # until one meets the call
PARTS_MIN = 4  # of a stream that can be cut


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
    there = direct.ask(server, ask, key=WRONG_KEY)
    if there.is_answer:
        return no("the server takes any key")
    got = runmill.ask(runmill.provider(server, key=WRONG_KEY), server, ask)
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
    # A server that has answered this run before is waited for.
    first = "Say hello."
    first_seconds = timed(server, replace(ask, question=first))[0]
    seconds, whole = timed(server, ask)
    if not whole.is_answer:
        return fails(whole.status, whole.error, "not tried")
    if whole.deltas < PARTS_MIN:
        return skipped(f"the server's stream has {whole.deltas} parts")
    for _ in range(KILLS_MAX):
        got = killed(server, runmill, ask, first, first_seconds + KILL_AFTER * seconds)
        if len(got.attempts) > 1 or not got.is_answer:
            break
    else:
        return wrong(f"no kill met the call: {told(got)}")
    if got.attempts and got.attempts[0]["error_kind"] is None:
        return wrong(f"the cut stream was taken for an answer: {told(got)}")
    if not got.is_answer and server.upstream and {it["error_kind"] for it in got.attempts[1:]} == {"server_error"}:
        # A gateway that is up answers for the server behind it, and an answer uses up a retry.
        last = got.attempts[-1]
        return fails(last["status"], last["error"], "this is its answer while the server behind it restarts, and each "
                     "one uses up a retry")
    if not got.is_answer:
        return wrong(f"the server is back, and the item is lost: {told(got)}, "
                     f"after {[it['error_kind'] for it in got.attempts]}")
    cell = same_answer(whole, got)
    return cell if cell.word == "wrong" else yes("the half answer is dropped, and the item answered by the server "
                                                 "that is back")


def killed(server: Server, runmill: Runmill, ask: Ask, first: str, seconds: float) -> Outcome:
    """Kills the server some seconds after the run was submitted, and starts it again."""
    mortal = server.mortal()
    run = runmill.submit(runmill.provider(server, retry=PATIENT, concurrency=1), server, ask, before=first)
    time.sleep(seconds)
    mortal.kill()
    time.sleep(DOWN_S)
    mortal.start()
    return runmill.wait(run)


def timed(server: Server, ask: Ask) -> tuple[float, Answer]:
    began = time.monotonic()
    answer = direct.ask(server, ask)
    return time.monotonic() - began, answer
