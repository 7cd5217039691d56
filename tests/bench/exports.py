"""Measures exports of a run in each format: rows a second, and memory of the process that makes the file.

The run is made inside the databases, that of a cluster and the file of a standalone server.
"""

import json
import os
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from installation import TOKEN, Failed, Folder, Service, cluster, free_port, query
from measured import rss_mb
from parts import Row

FORMATS = ("jsonl", "parquet", "csv", "junit", "batch", "eval", "eval752")
RUN = "run_01900000000070008000000000000002"
MADE = """
CREATE FUNCTION id(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
CREATE FUNCTION call(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT ('01900000-0001-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
INSERT INTO datasets (id, name, version_hash, item_count, created_at) VALUES (id(1), 'answers', 'none', {rows}, now());
INSERT INTO dataset_items SELECT id(1), n, 'q' || n, {item} FROM generate_series(0, {rows} - 1) AS n;
INSERT INTO runs (id, provider_id, model, dataset_id, config, priority, status, total, fed, deferred, epoch, seq, stats,
                  created_at, started_at, finished_at, retry_count, resumed_count)
VALUES (id(2), id(3), 'm', id(1), '{{}}', 1, 'completed', {rows}, {rows}, 0, 0, 0,
        '{{"outcomes":{{"succeeded":{rows}}}}}', now(), now(), now(), 0, 0);
INSERT INTO invocations (run_id, id, ordinal, sample, provider_id, model, outcome, attempts, usage, cost_nanousd, streamed,
                         started_at, latency_ms, ttft_ms)
SELECT id(2), call(n), n, 0, id(3), 'gpt-4o-mini', 'succeeded', '{attempts}', '{usage}', 12345, true, now(), 500 + n % 100, 150
FROM generate_series(0, {rows} - 1) AS n;
INSERT INTO results (run_id, ordinal, sample, item_id, invocation_id, outcome, response, score, settled_at)
SELECT id(2), n, 0, 'q' || n, call(n), 'succeeded', {response}, {score}, now() FROM generate_series(0, {rows} - 1) AS n;
"""
USAGE = json.dumps({"prompt_tokens": 61, "completion_tokens": 48, "cached_tokens": 0, "reasoning_tokens": 0})
ATTEMPTS = json.dumps([{
    "started_at": "2026-01-01T00:00:00Z", "latency_ms": 500, "status": 200, "error_kind": None, "error": None,
    "usage": json.loads(USAGE), "cost_nanousd": 12345, "key": "main",
}])
TEXT = ("Natalia sold clips to {n} of her friends in April, and then she sold half as many clips in May. How many clips did "
        "Natalia sell altogether in April and May?")
RESPONSE = "She sold half as many in May, so I add both months. The answer is {n}."
# Bytes that are read at once.
CHUNK_BYTES = 1 << 20
LOOK_S = 0.05


def measure(runmill: Path, work: Folder, rows: int) -> Iterator[Row]:
    with cluster(runmill, work) as (made, api):
        query(made.database_url, MADE.format(rows=rows, attempts=ATTEMPTS, usage=USAGE, **expressions()))
        query(made.database_url, "VACUUM (ANALYZE)")
        yield from exported("PostgreSQL", api.url, made.services["dispatcher"].pid, rows)
    with standalone(runmill, work, rows) as (url, pid):
        yield from exported("SQLite", url, pid, rows)


def expressions() -> dict[str, str]:
    """Returns what differs from row to row, in PostgreSQL's SQL."""
    def filled(text: str) -> str:
        return "'" + text.replace("{n}", "' || n || '") + "'"

    return {"item": filled(item("{n}")), "response": filled(RESPONSE), "score": f"({filled(score('{n}'))})::json"}


def item(n: object) -> str:
    inputs = {"text": TEXT.replace("{n}", str(n))}
    return json.dumps({"id": f"q{n}", "type": "freeform", "inputs": inputs, "answer": f"{n}", "meta": {"topic": "sums"}})


def score(n: object) -> str:
    return json.dumps({"scorer": "numeric", "value": 1.0, "extracted": f"{n}", "detail": None})


def exported(store: str, url: str, pid: int, rows: int) -> Iterator[Row]:
    for file_format in FORMATS:
        with most_memory(pid) as memory:
            began = time.monotonic()
            lines, size = read(f"{url}/runs/{RUN}/export?format={file_format}")
            took = time.monotonic() - began
        if file_format == "jsonl" and lines != rows:
            raise Failed(f"the file has {lines} lines, and the run {rows} results")
        yield f"export of {rows:,} results, {file_format}, {store}", (
            f"{rows / took:,.0f} rows/s, {size / 1e6:,.0f} MB in {took:.1f} s, "
            f"{memory['before']:.0f} MB before, {memory['most']:.0f} MB at most"
        )


def read(url: str) -> tuple[int, int]:
    """Returns the numbers of line feeds and of bytes of a body."""
    lines = size = 0
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=600) as body:
        while chunk := body.read(CHUNK_BYTES):
            lines += chunk.count(b"\n")
            size += len(chunk)
    return lines, size


@contextmanager
def most_memory(pid: int) -> Iterator[dict[str, float]]:
    """Gives the resident memory of a process before, and at its end the most that was seen in between."""
    found, ended = {"before": rss_mb(pid), "most": 0.0}, threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_S):
            found["most"] = max(found["most"], rss_mb(pid))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        ended.set()
        looking.join()


@contextmanager
def standalone(runmill: Path, work: Folder, rows: int) -> Iterator[tuple[str, int]]:
    """Runs a standalone server whose file has the run."""
    data, port = work.path / "data", free_port()
    environment = dict(os.environ) | {
        "RUNMILL_LISTEN": f"127.0.0.1:{port}", "RUNMILL_DATA_DIR": str(data), "RUNMILL_TOKENS": f"admin:{TOKEN}",
    }
    for name in ("DATABASE_URL", "AMQP_URL"):
        environment.pop(name, None)
    url = f"http://127.0.0.1:{port}"

    def started() -> Service:
        service = Service(work, "serve", [str(runmill), "serve"], environment)
        service.wait_ready(f"{url}/readyz")
        return service

    # It makes the file with its tables.
    started().stop()
    fill(next(data.glob("*.db")), rows)
    service = started()
    try:
        yield url, service.pid
    finally:
        service.stop()


def fill(path: Path, rows: int) -> None:
    now, numbers = int(time.time() * 1e6), range(rows)
    dataset, run, provider = (uuid(0, n) for n in (1, 2, 3))
    stats = json.dumps({"outcomes": {"succeeded": rows}})
    with sqlite3.connect(path) as file:
        file.execute("INSERT INTO datasets (id, name, version_hash, item_count, created_at) VALUES (?, 'answers', 'none', ?, ?)",
                     (dataset, rows, now))
        file.executemany("INSERT INTO dataset_items VALUES (?, ?, ?, ?)",
                         ((dataset, n, f"q{n}", item(n)) for n in numbers))
        file.execute(
            "INSERT INTO runs (id, provider_id, model, dataset_id, config, priority, status, total, fed, deferred, epoch, seq, "
            "stats, created_at, started_at, finished_at, retry_count, resumed_count) "
            "VALUES (?, ?, 'm', ?, '{}', 1, 'completed', ?, ?, 0, 0, 0, ?, ?, ?, ?, 0, 0)",
            (run, provider, dataset, rows, rows, stats, now, now, now),
        )
        file.executemany(
            "INSERT INTO invocations (run_id, id, ordinal, sample, provider_id, model, outcome, attempts, usage, cost_nanousd, "
            "streamed, started_at, latency_ms, ttft_ms) "
            "VALUES (?, ?, ?, 0, ?, 'gpt-4o-mini', 'succeeded', ?, ?, 12345, 1, ?, ?, 150)",
            ((run, uuid(1, n), n, provider, ATTEMPTS, USAGE, now, 500 + n % 100) for n in numbers),
        )
        file.executemany(
            "INSERT INTO results (run_id, ordinal, sample, item_id, invocation_id, outcome, response, score, settled_at) "
            "VALUES (?, ?, 0, ?, ?, 'succeeded', ?, ?, ?)",
            ((run, n, f"q{n}", uuid(1, n), RESPONSE.replace("{n}", str(n)), score(n), now) for n in numbers),
        )
    file.close()


def uuid(second: int, n: int) -> bytes:
    return bytes.fromhex(f"01900000000{second}70008000{n:012x}")
