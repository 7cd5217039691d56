"""Writes what a program measured into a page, between two marks."""

from pathlib import Path


def put(page: Path, name: str, text: str) -> None:
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, has_begin, rest = page.read_text().partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise SystemExit(f"{page} has no {begin} and {end}")
    page.write_text(f"{before}{begin}\n{text}{end}{after}")
