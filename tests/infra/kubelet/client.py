"""Users of the cluster: requests to the API, an observer of a run's events, and one who asks all the time."""

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field

from words import Failed

TIMEOUT_S = 30
ASKED_EVERY_S = 0.1
# After this silence a client of events takes its connection for dead; the server sends a comment each 15 s.
SILENCE_S = 40


@dataclass(frozen=True)
class Api:
    """The HTTP API behind its Service. Each request opens a connection, which the Service gives to one of the pods."""

    address: str
    port: int
    token: str

    def open(self, method: str, path: str, body: bytes | Iterable[bytes] | None = None, timeout_s: float = TIMEOUT_S,
             **headers: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(self.address, self.port, timeout=timeout_s)
        try:
            own = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            connection.request(method, path, body, own | headers)
            return connection, connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def send(self, method: str, path: str, body: bytes | Iterable[bytes] | None = None, timeout_s: float = TIMEOUT_S) -> dict:
        connection, response = self.open(method, path, body, timeout_s)
        try:
            text = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            raise Failed(f"{method} {path}: {response.status} {text[:500].decode(errors='replace')}")
        return json.loads(text)

    def get(self, path: str) -> dict:
        return self.send("GET", path)

    def post(self, path: str, body: dict) -> dict:
        return self.send("POST", path, json.dumps(body).encode())


@dataclass
class Observer:
    """Follows the events of a run to their end, and resumes by Last-Event-ID as a browser does."""

    api: Api
    run: str
    seen: int = 0
    reconnects: int = 0
    # Longest time from a broken connection to the next event, in seconds.
    longest_gap_s: float = 0
    fault: str | None = None
    _retry_s: float = 2
    _broken_at: float | None = None

    def __post_init__(self) -> None:
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            while not self._connection():
                self._broken_at = self._broken_at or time.monotonic()
                self.reconnects += 1
                self.ended.wait(self._retry_s)
        except Failed as error:
            self.fault = str(error)
        self.ended.set()

    def _connection(self) -> bool:
        """Reads one connection. Returns true after the last event."""
        headers = {"Last-Event-ID": str(self.seen)} if self.seen else {}
        try:
            connection, response = self.api.open("GET", f"/runs/{self.run}/events", timeout_s=SILENCE_S, **headers)
            with closing(connection):
                if response.status != 200:
                    raise Failed(f"events: {response.status}")
                return self._read(response)
        except (OSError, http.client.HTTPException):
            return False

    def _read(self, response: http.client.HTTPResponse) -> bool:
        name = ""
        while line := response.readline().decode():
            key, _, value = line.rstrip("\n").partition(": ")
            match key:
                case "retry":
                    self._retry_s = int(value) / 1000
                case "event":
                    name = value
                case "id":
                    self._count(int(value))
            if line == "\n":
                if name == "end":
                    return True
                name = ""
        return False

    def _count(self, number: int) -> None:
        if number != self.seen + 1:
            raise Failed(f"event {number} follows event {self.seen}")
        self.seen = number
        if self._broken_at:
            self.longest_gap_s = max(self.longest_gap_s, time.monotonic() - self._broken_at)
            self._broken_at = None


@dataclass
class Asking:
    """Asks for a run again and again, as a page that is open does."""

    api: Api
    run: str
    answered: int = 0
    refused: list[str] = field(default_factory=list)
    # Longest time between two answers, in seconds.
    longest_gap_s: float = 0

    async def __aenter__(self) -> "Asking":
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        # The Service that a last request waits for is a task of this thread.
        await asyncio.to_thread(self._thread.join)

    def _ask(self) -> None:
        last = time.monotonic()
        while not self._stop.wait(ASKED_EVERY_S):
            try:
                self.api.get(f"/runs/{self.run}")
            except (OSError, http.client.HTTPException, Failed) as error:
                self.refused.append(str(error) or type(error).__name__)
                continue
            self.answered += 1
            self.longest_gap_s = max(self.longest_gap_s, time.monotonic() - last)
            last = time.monotonic()
