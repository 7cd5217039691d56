"""Measures a large batch through the Files and Batch API: undisturbed, and with a dispatcher or an executor killed.

The output must be complete, and no call may be made twice unless it was in flight at an executor that was killed.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

from installation import TOKEN, Api, Cluster, Failed, Folder, cluster, gateway
from limits import recorded
from measured import rss_mb
from parts import Row

MODEL = "lorem"
BOUNDARY = "runmill-bench"
CONCURRENCY = 256
EXECUTORS = 2
# An executor holds some jobs more than the calls that it has in flight.
HELD_BEYOND = 4
CHUNK_LINES = 1000
SAMPLE_S = 1
LOOK_S = 0.2


def measure(runmill: Path, work: Folder, lines: int) -> Iterator[Row]:
    for name, disturb, doubled_max in (
        ("undisturbed", lambda _: None, 0),
        ("dispatcher killed", kill_dispatcher, 0),
        ("executor killed", lambda made: made.services["executor-2"].kill(), CONCURRENCY + HELD_BEYOND),
    ):
        # The gateway's record names the job of each call.
        with (
            gateway(runmill, work, 2 * CONCURRENCY, keep=2 * lines) as base_url,
            cluster(runmill, work, EXECUTORS) as (made, api),
        ):
            api.provider(base_url, CONCURRENCY)
            yield from one(f"batch of {lines:,} lines, {name}", made, api, lines, disturb)
            doubled = doubled_calls(base_url, lines)
            yield f"batch of {lines:,} lines, {name}, calls made twice", f"{doubled} (allowed {doubled_max})"
            if doubled > doubled_max:
                raise Failed(f"{doubled} calls were made twice, and {doubled_max} are allowed")


def kill_dispatcher(made: Cluster) -> None:
    made.services["dispatcher"].kill()
    made.start_again("dispatcher")


def one(name: str, made: Cluster, api: Api, lines: int, disturb: Callable[[Cluster], None]) -> Iterator[Row]:
    memory = Memory(made)
    began = time.monotonic()
    file = upload(api, lines)
    uploaded = time.monotonic()
    request = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    batch = api.post("/v1/batches", request)["id"]
    until(api, batch, lambda found: found["request_counts"]["completed"] >= lines // 2, lines)
    disturb(made)
    api.reconnect()
    done = until(api, batch, lambda found: found["status"] == "completed", lines)
    completed = time.monotonic()
    ids = custom_ids(api, done["output_file_id"])
    read = time.monotonic()
    if len(ids) != lines or set(ids.values()) != {1} or done["error_file_id"]:
        raise Failed(f"the output has {len(ids)} of {lines} ids, some {max(ids.values())} times: {done}")
    yield name, (
        f"upload {lines / (uploaded - began):,.0f} lines/s, execution {lines / (completed - uploaded):,.0f} lines/s, "
        f"output {lines / (read - completed):,.0f} lines/s, each of {lines:,} ids once"
    )
    yield f"{name}, dispatcher", memory.stop()


class Memory:
    """Samples the resident set of the dispatcher, whichever process it is."""

    def __init__(self, made: Cluster) -> None:
        self._made, self._samples = made, [rss_mb(made.services["dispatcher"].pid)]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(SAMPLE_S):
            self._sample()

    def _sample(self) -> None:
        # It has none while it is dead.
        if found := rss_mb(self._made.services["dispatcher"].pid):
            self._samples.append(found)

    def stop(self) -> str:
        self._ended.set()
        self._thread.join()
        self._sample()
        first, last = self._samples[0], self._samples[-1]
        return f"{first:.0f} MB at the start, {max(self._samples):.0f} MB at most, {last:.0f} MB at the end"


def upload(api: Api, lines: int) -> str:
    """Uploads the file of the batch as a client does. Returns its id."""
    def part(head: str) -> bytes:
        return f"--{BOUNDARY}\r\ncontent-disposition: form-data; {head}\r\n\r\n".encode()

    def body() -> Iterator[bytes]:
        yield part('name="purpose"') + b"batch\r\n"
        yield part('name="file"; filename="batch.jsonl"')
        yield from requests(lines)
        yield f"\r\n--{BOUNDARY}--\r\n".encode()

    with answer(api, "POST", "/v1/files", body(), f"multipart/form-data; boundary={BOUNDARY}") as response:
        return json.loads(response.read())["id"]


def requests(lines: int) -> Iterator[bytes]:
    for start in range(0, lines, CHUNK_LINES):
        chunk = (
            json.dumps({"custom_id": f"line-{n}", "method": "POST", "url": "/v1/chat/completions",
                        "body": {"model": f"bench/{MODEL}",
                                 "messages": [{"role": "user", "content": f"What is {n} + 1?"}]}}) + "\n"
            for n in range(start, min(start + CHUNK_LINES, lines))
        )
        yield "".join(chunk).encode()


def until(api: Api, batch: str, reached: Callable[[dict], bool], lines: int) -> dict:
    deadline = time.monotonic() + 60 + lines / 50
    while not reached(found := api.get(f"/v1/batches/{batch}")):
        if time.monotonic() > deadline or found["status"] not in ("in_progress", "finalizing", "completed"):
            raise Failed(f"the batch did not go on: {found}")
        time.sleep(LOOK_S)
    return found


def custom_ids(api: Api, file: str) -> Counter:
    """Reads a file line by line, and counts its ids."""
    with answer(api, "GET", f"/v1/files/{file}/content") as response:
        return Counter(json.loads(line)["custom_id"] for line in response)


def answer(api: Api, method: str, path: str, body: Iterable[bytes] | None = None,
           content_type: str = "application/json") -> HTTPResponse:
    address = urlsplit(api.url)
    connection = HTTPConnection(address.hostname, address.port, timeout=600)
    connection.request(method, path, body, {"authorization": f"Bearer {TOKEN}", "content-type": content_type})
    response = connection.getresponse()
    if response.status != 200:
        raise Failed(f"{method} {path}: {response.status} {response.read().decode(errors='replace')}")
    return response


def doubled_calls(base_url: str, lines: int) -> int:
    """Returns the number of calls beyond one for each line, by the gateway's record."""
    # Executors name their calls `<job>:<pass>.<feeding>:<attempt>`.
    jobs = Counter(call["client_request_id"].rsplit(":", 2)[0] for call in recorded(base_url))
    if len(jobs) != lines:
        raise Failed(f"the gateway was called for {len(jobs)} of {lines} lines")
    return jobs.total() - lines
