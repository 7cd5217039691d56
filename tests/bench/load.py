#!/usr/bin/env python3
"""Sends streamed chat calls at a constant rate, whatever the answers take, and prints their latencies as one JSON object.

The time to the first token is from the write of the request to the arrival of the first part with text. Every answer is
checked after the last call, so that this costs nothing while the calls are measured.
"""

import argparse
import asyncio
import json
import re
import sys
import time
from urllib.parse import urlsplit

FIRST_TOKEN = re.compile(rb'"content": ?"[^"]')
LAST_CHUNK = b"0\r\n\r\n"
# Time after the last request within which all calls must have ended.
END_TIMEOUT_S = 60


class Call:
    """One call: its times, in seconds, and the bytes of its reply."""

    def __init__(self, due: float) -> None:
        self.due = due
        self.sent = self.first = self.end = 0.0
        self.parts: list[bytes] = []


class Connection(asyncio.Protocol):
    """A connection that has one call at a time, and goes back to the idle ones when that has ended."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._call: Call | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def send(self, call: Call) -> None:
        self._call = call
        call.sent = time.perf_counter()
        self._transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        call, now = self._call, time.perf_counter()
        if call is None:
            return
        call.parts.append(data)
        if not call.first and FIRST_TOKEN.search(data if len(call.parts) == 1 else b"".join(call.parts)):
            call.first = now
        if data.endswith(LAST_CHUNK) or len(data) < len(LAST_CHUNK):
            ended = b"".join(call.parts[-3:])
            if ended.endswith(LAST_CHUNK) and b"[DONE]" in ended:
                self._end(now)
                self._load.idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self in self._load.idle:
            self._load.idle.remove(self)
        if self._call is not None:
            self._end(time.perf_counter())

    def _end(self, now: float) -> None:
        self._call.end = now
        self._load.ended(self._call)
        self._call = None


class Load:
    def __init__(self, url: str, request: bytes, count: int) -> None:
        self._address = urlsplit(url)
        self.request = request
        self.idle: list[Connection] = []
        self.calls: list[Call] = []
        self._left = count
        self._all_ended = asyncio.Event()

    async def run(self, rate: float) -> None:
        begin = time.perf_counter() + 0.05
        for number in range(self._left):
            due = begin + number / rate
            while (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            call = Call(due)
            self.calls.append(call)
            await self._start(call)
        await asyncio.wait_for(self._all_ended.wait(), END_TIMEOUT_S)

    async def _start(self, call: Call) -> None:
        if not self.idle:
            loop, address = asyncio.get_running_loop(), self._address
            _, made = await loop.create_connection(lambda: Connection(self), address.hostname, address.port)
            self.idle.append(made)
        self.idle.pop().send(call)

    def ended(self, call: Call) -> None:
        self._left -= 1
        if not self._left:
            self._all_ended.set()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", required=True, help="such as http://127.0.0.1:8080/v1")
    parser.add_argument("--model", required=True)
    parser.add_argument("--key", default="none")
    parser.add_argument("--rate", type=float, required=True, help="calls a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--tokens", type=int, required=True, help="words of every answer")
    args = parser.parse_args()
    asyncio.run(measure(args))


async def measure(args: argparse.Namespace) -> None:
    load = Load(args.base_url, request(args), round(args.rate * args.seconds))
    cpu_s = time.process_time()
    await load.run(args.rate)
    cpu_s = time.process_time() - cpu_s
    for call in load.calls:
        check(b"".join(call.parts), args.tokens)
    json.dump({
        "first_ms": [1000 * (call.first - call.sent) for call in load.calls],
        "whole_ms": [1000 * (call.end - call.sent) for call in load.calls],
        "late_ms": [1000 * (call.sent - call.due) for call in load.calls],
        "cpu_us": 1e6 * cpu_s / len(load.calls),
    }, sys.stdout)


def request(args: argparse.Namespace) -> bytes:
    address = urlsplit(args.base_url)
    body = json.dumps({
        "model": args.model, "stream": True, "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "How many of the tokens of this answer are needed?"}],
    }).encode()
    head = (f"POST {address.path}/chat/completions HTTP/1.1\r\nhost: {address.netloc}\r\n"
            f"authorization: Bearer {args.key}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n")
    return head.encode() + body


def check(reply: bytes, tokens: int) -> None:
    """Ends the program if a reply is not the whole answer."""
    head, _, body = reply.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        sys.exit(f"a call was refused: {reply[:1000]!r}")
    events = unchunked(body).decode().split("\n\n")
    parts = [json.loads(event[6:]) for event in events if event.startswith("data: {")]
    choices = [choice for part in parts for choice in part["choices"]]
    answer = "".join(choice["delta"].get("content") or "" for choice in choices)
    if len(answer.split()) != tokens:
        sys.exit(f"an answer does not have {tokens} words: {answer!r}")


def unchunked(body: bytes) -> bytes:
    parts, at = [], 0
    while size := int(body[at:(end := body.index(b"\r\n", at))].partition(b";")[0], 16):
        parts.append(body[end + 2:end + 2 + size])
        at = end + 2 + size + 2
    return b"".join(parts)


if __name__ == "__main__":
    main()
