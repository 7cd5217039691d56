"""Measures what observers of a run cost: its speed, and the dispatcher's CPU time and memory, beside one observer and beside many.

Nine of ten observers follow the progress of all runs, and one of ten the log of the run.
"""

import re
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from installation import TOKEN, Failed, Folder, cluster
from parts import MODEL, Row, duration_s

MINUTE_S = 60
RECEIVED_BYTES = 1 << 18
SELECT_S = 0.2
END_TIMEOUT_S = 60
LAST_ID = re.compile(rb"\nid: (\d+)\n")
ENDED = b'"status":"completed"'


def measure(runmill: Path, work: Folder, base_url: str, count: int, rate: int, seconds: int) -> Iterator[Row]:
    alone = observed(runmill, work, base_url, 1, rate, seconds)
    many = observed(runmill, work, base_url, count, rate, seconds)
    for name, one in (("1 observer", alone), (f"{count:,} observers", many)):
        yield f"{name} at {rate:,} items/s", (
            f"{one.items_per_s:,.0f} items/s, dispatcher {one.cpu_s:.1f} s CPU and {one.memory_mb:.0f} MB, "
            f"last one {one.behind_s:.1f} s behind at the end, {one.megabytes:,.0f} MB sent"
        )
    yield f"speed beside {count:,} observers", f"{many.items_per_s / alone.items_per_s:.3f} of that beside one"


@dataclass(frozen=True)
class Observed:
    items_per_s: float
    cpu_s: float
    memory_mb: float
    # Seconds from the end of the run until the last observer had heard of it.
    behind_s: float
    megabytes: float


def observed(runmill: Path, work: Folder, base_url: str, count: int, rate: int, seconds: int) -> Observed:
    with cluster(runmill, work) as (made, api):
        provider = api.provider(base_url, 512, rpm=rate * MINUTE_S)
        dataset = api.dataset(rate * seconds)
        dispatcher = made.services["dispatcher"]
        before = dispatcher.usage()
        run = api.post("/runs", {"provider_id": provider, "model": MODEL, "dataset_id": dataset})["id"]
        port = int(api.url.rsplit(":", 1)[1])
        logs = max(1, count // 10)
        paths = [f"/runs/{run}/events"] * logs + ["/runs/events"] * (count - logs)
        with Audience(port, paths) as audience:
            ended = api.ended(run, timeout_s=120 + seconds * 4)
            done = time.monotonic()
            behind = audience.heard_all() - done
        after = dispatcher.usage()
        if any(observer.last_id != ended["seq"] for observer in audience.observers[:logs]):
            raise Failed("an observer of the log did not get its last event")
    sent = sum(observer.bytes for observer in audience.observers) / 1e6
    speed = rate * seconds / duration_s(ended)
    return Observed(speed, after.cpu_s - before.cpu_s, after.rss_max_mb, max(0.0, behind), sent)


@dataclass
class Observer:
    """One stream, of which the newest bytes are looked at."""

    socket: socket.socket
    tail: bytes = b""
    last_id: int = 0
    bytes: int = 0
    has_end: bool = field(default=False)

    def take(self) -> None:
        data = self.socket.recv(RECEIVED_BYTES)
        if not data:
            self.has_end = True
            return
        self.bytes += len(data)
        text = self.tail + data
        self.has_end = self.has_end or ENDED in text
        # The last id is near the end, since an event is short.
        if found := LAST_ID.findall(text[-8192:]):
            self.last_id = max(self.last_id, int(found[-1]))
        self.tail = text[-200:]


class Audience:
    """Observers, whose streams a thread reads."""

    def __init__(self, port: int, paths: list[str]) -> None:
        self.observers = [Observer(connected(port, path)) for path in paths]
        self._selector = selectors.DefaultSelector()
        for observer in self.observers:
            self._selector.register(observer.socket, selectors.EVENT_READ, observer)
        self._is_over = threading.Event()
        self._heard: float | None = None
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> "Audience":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        for observer in self.observers:
            observer.socket.close()

    def heard_all(self) -> float:
        """Waits until all observers have heard of the end. Returns when that was."""
        deadline = time.monotonic() + END_TIMEOUT_S
        while self._heard is None:
            if time.monotonic() > deadline:
                missing = sum(not observer.has_end for observer in self.observers)
                raise Failed(f"{missing} observers have not heard of the end after {END_TIMEOUT_S} s")
            time.sleep(SELECT_S)
        return self._heard

    def _read(self) -> None:
        while not self._is_over.is_set():
            for key, _ in self._selector.select(SELECT_S):
                observer: Observer = key.data
                observer.take()
            if self._heard is None and all(observer.has_end for observer in self.observers):
                self._heard = time.monotonic()


def connected(port: int, path: str) -> socket.socket:
    stream = socket.create_connection(("127.0.0.1", port))
    stream.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
    return stream
