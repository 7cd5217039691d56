"""Compares what a server answers with what runmill made of it."""

import json
import re

from cells import Cell, fails, wrong, yes
from wires import Answer
from runmill import Outcome

CALLS_MAX = 3  # of one item whose request the server refuses


def same_answer(there: Answer, got: Outcome) -> Cell:
    expected = "truncated" if there.finish == "length" else "succeeded"
    allowed = {expected} | ({"truncated"} if "stopped_at_limit" in got.notes else set())
    if got.outcome not in allowed:
        return wrong(f"the server answers {there.text[:60]!r} ({there.finish}), runmill: {told(got)}")
    if got.text.strip() != there.text.strip():
        return wrong(f"the server answers {there.text[:60]!r}, runmill has {got.text[:60]!r}")
    return yes()


def refused(there: Answer, got: Outcome, kinds: set[str] | None) -> Cell:
    """Judges an error that no repetition cures."""
    if got.is_answer:
        return wrong(f"{there.status} {there.error!r}, but runmill has an answer: {told(got)}")
    if there.status is None or there.status >= 500:
        return failed(there, got)
    if kinds is not None and (not got.kinds <= kinds or not got.kinds):
        return wrong(f"{there.status} {there.error!r} is {sorted(got.kinds)}, which should be {sorted(kinds)}")
    calls = got.run["counters"]["calls"]
    if kinds is not None and calls > CALLS_MAX:
        return wrong(f"{there.status} {there.error!r} took {calls} calls")
    return said(there, got)


def failed(there: Answer, got: Outcome) -> Cell:
    """Judges a probe at which the server itself fails."""
    if got.is_answer:
        return fails(there.status, there.error, f"runmill has an answer ({', '.join(sorted(got.fixes)) or 'repeated'})")
    cell = said(there, got)
    return cell if cell.word == "wrong" else fails(there.status, there.error, "runmill fails the item with these words")


def said(there: Answer, got: Outcome) -> Cell:
    """Returns yes if the user reads the server's own words."""
    words = [word for word in re.findall(r"[A-Za-z]{4,}", there.error or "")[:6]]
    known = sum(word.lower() in got.words.lower() for word in words)
    if words and known * 2 < len(words) and not got.words:
        return wrong(f"the server says {there.error!r}, and runmill nothing")
    if words and known * 2 < len(words):
        return wrong(f"the server says {there.error!r}, runmill {got.words!r}")
    return yes()


def told(got: Outcome) -> str:
    state = got.outcome if got.in_time else f"{got.outcome} after {got.seconds:.0f} s"
    return f"{state}, {got.words or repr(got.text[:60])}"


def loose(call: tuple[str, str]) -> tuple:
    name, arguments = call
    return name, json.loads(arguments) if is_json(arguments) else arguments


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
