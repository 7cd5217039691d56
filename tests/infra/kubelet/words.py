"""What a person at the terminal reads."""

import sys
import time

# The other modules take it from here.
from installation import Failed as Failed

BEGAN = time.monotonic()


def say(words: str) -> None:
    print(f"{time.monotonic() - BEGAN:7.1f} s  {words}", file=sys.stderr, flush=True)


def table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Returns rows of text in columns."""
    widths = [max(len(row[column]) for row in [headings, *rows]) for column in range(len(headings))]
    lines = [headings, tuple("-" * width for width in widths), *rows]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines)
