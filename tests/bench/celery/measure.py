#!/usr/bin/env python3
"""Runs items through a Celery worker and prints speed, CPU and memory as one JSON object.

Reads AMQP_URL, DATABASE_URL (an empty database), BENCH_QUEUE, BENCH_MODEL and BENCH_BASE_URL.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg
from tasks import TABLE, app, ask

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from measured import Usage, tree_usage  # noqa: E402

START_TIMEOUT_S = 120
WARM_UP_ITEMS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--processes", type=int, required=True)
    args = parser.parse_args()

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
        database.execute(TABLE)
        worker = start_worker(args.processes)
        try:
            measured = measure(database, worker, args.items)
        finally:
            worker.terminate()
            worker.wait(timeout=60)
            delete_queue()
    json.dump(measured, sys.stdout)


def start_worker(processes: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "celery", "--app", "tasks", "worker", "--loglevel", "WARNING",
               "--concurrency", str(processes), "--without-gossip", "--without-mingle"]
    return subprocess.Popen(command, cwd=HERE, stdout=sys.stderr)


def measure(database: psycopg.Connection, worker: subprocess.Popen, items: int) -> dict:
    """Warms every process up (LiteLLM imports much at its first call), then times `items`."""
    publish(range(-WARM_UP_ITEMS, 0))
    wait_for(database, worker, WARM_UP_ITEMS, START_TIMEOUT_S)
    before = tree_usage(worker.pid)
    started = time.monotonic()
    publish(range(items))
    wait_for(database, worker, WARM_UP_ITEMS + items, 60 + items)
    seconds = time.monotonic() - started
    after: Usage = tree_usage(worker.pid)
    return {
        "items_per_s": items / seconds,
        "cpu_ms_per_item": 1000 * (after.cpu_s - before.cpu_s) / items,
        "memory_mb": after.memory_mb,
    }


def publish(items: range) -> None:
    with app.producer_or_acquire() as producer:
        for item in items:
            ask.apply_async((item,), producer=producer)


def wait_for(database: psycopg.Connection, worker: subprocess.Popen, rows: int, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while database.execute("SELECT count(*) FROM answers").fetchone()[0] < rows:
        if worker.poll() is not None:
            sys.exit(f"the worker ended with status {worker.returncode}")
        if time.monotonic() > deadline:
            sys.exit(f"fewer than {rows} answers after {timeout_s} s")
        time.sleep(0.1)


def delete_queue() -> None:
    with app.connection_for_write() as connection:
        connection.default_channel.queue_delete(os.environ["BENCH_QUEUE"])


if __name__ == "__main__":
    main()
