"""Writes the matrix into docs/providers.md."""

from pathlib import Path

import pages
from cells import Cell
from servers import Server


def write(page: Path, servers: list[type[Server]], rows: dict[str, list[Cell]]) -> None:
    pages.put(page, "matrix", rendered(servers, rows))


def rendered(servers: list[type[Server]], rows: dict[str, list[Cell]]) -> str:
    notes: list[str] = []
    lines = [line("", *[f"{it.name} {it.version}" for it in servers]), line(*["---"] * (len(servers) + 1))]
    lines += [line(name, *[shown(cell, notes) for cell in cells]) for name, cells in rows.items()]
    lines += ["", *[f"{number}. {note}" for number, note in enumerate(notes, 1)]]
    return "\n".join(lines) + "\n"


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def shown(cell: Cell, notes: list[str]) -> str:
    """Returns the cell's word with the number of its note, and adds the note if it is new."""
    if not cell.note:
        return cell.word
    note = cell.note.replace("|", "\\|").replace("<", "&lt;")
    if note not in notes:
        notes.append(note)
    return f"{cell.word} ({notes.index(note) + 1})"
