"""Server-Sent Events."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """An event of a run. `id` is its number in the run, from which a later stream goes on; None for a snapshot."""

    id: int | None
    name: str
    data: dict[str, Any]


def read_events(lines: Iterable[bytes]) -> Iterator[Event]:
    """Yields the events of a stream. Comments, which keep the connection alive, are skipped."""
    number, name, data = None, "message", []
    for raw in lines:
        line = raw.decode().rstrip("\r\n")
        if not line:
            if data:
                content = json.loads("\n".join(data))
                yield Event(number, content.get("type", name), content)
            number, name, data = None, "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "id" and value.isdigit():
            number = int(value)
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
