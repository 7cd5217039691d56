"""The verdicts of probes."""

from dataclasses import dataclass

WORDS_MAX = 110


@dataclass(frozen=True)
class Cell:
    """A cell of the matrix: one word, and a note that explains it."""

    word: str  # yes, no, fails, wrong, or a dash for what was not tried
    note: str = ""


def yes(note: str = "") -> Cell:
    return Cell("yes", note)


def no(note: str) -> Cell:
    """The server lacks something, and runmill does what it can about it."""
    return Cell("no", note)


def fails(status: int | None, error: str | None, then: str) -> Cell:
    """The server fails, and runmill says so."""
    said = f"the server fails with {status or 'no status'}: {short(error or '')}"
    return Cell("fails", f"{said}; {then}")


def wrong(note: str) -> Cell:
    """runmill is at fault."""
    return Cell("wrong", note)


def skipped(reason: str) -> Cell:
    return Cell("-", reason)


def short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= WORDS_MAX else text[:WORDS_MAX].rstrip() + "..."
