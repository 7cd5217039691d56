"""Measures runs, uploads and Celery. A row of the table has a name, and a value with its unit."""

import json
import os
import resource
import statistics
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from installation import Api, Cluster, Failed, Folder, cluster, database, questions
from packages import HERE, output, python_with_litellm

Row = tuple[str, str]
MODEL = "lorem+tokens=64"
# Limit of a run by Celery, besides a second for each item.
CELERY_TIMEOUT_S = 600
CREATED_RUNS = 9


@dataclass(frozen=True)
class Process:
    cpu_us_per_item: float
    memory: str


@dataclass(frozen=True)
class Measured:
    """One run: its speed, and what each process used for it."""

    items_per_s: float
    processes: dict[str, Process]

    def rows(self, part: str) -> Iterator[Row]:
        yield part, f"{self.items_per_s:,.0f} items/s"
        for name, used in self.processes.items():
            yield f"{part}, {name}", f"{used.cpu_us_per_item:,.0f} us CPU/item, {used.memory}"


def over_servers(runmill: Path, work: Folder, base_url: str, items: int, concurrency: int) -> Measured:
    """Measures a run over RabbitMQ and PostgreSQL, with one process of each service."""
    with cluster(runmill, work) as (made, api):
        provider = api.provider(base_url, concurrency)
        dataset = api.dataset(items)
        before = {name: service.usage() for name, service in made.services.items()}
        run = api.post("/runs", {"provider_id": provider, "model": MODEL, "dataset_id": dataset})
        ended = api.ended(run["id"], timeout_s=60 + items / 50)
        after = {name: service.usage() for name, service in made.services.items()}
    return Measured(items / duration_s(ended), {
        name: Process(1e6 * (used.cpu_s - before[name].cpu_s) / items, f"{used.memory_mb:,.0f} MB")
        for name, used in after.items()
    })


def standalone(runmill: Path, work: Folder, base_url: str, items: int, concurrency: int) -> Measured:
    """Measures `runmill run`: one process with SQLite."""
    dataset = work.path / "items.jsonl"
    with dataset.open("wb") as file:
        file.writelines(questions(items))
    command = [str(runmill), "run", str(dataset), "--model", MODEL, "--base-url", base_url,
               "--concurrency", str(concurrency), "--json"]
    environment = {"RUNMILL_DATA_DIR": str(work.path / "data"), "OPENAI_API_KEY": "none"}
    with work.log("standalone").open("wb") as log:
        process = subprocess.Popen(command, cwd=work.path, env=environment, stdout=subprocess.PIPE, stderr=log)
        printed = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failed(f"runmill run ended with status {process.returncode}:\n{work.log('standalone').read_text()}")
    one = Process(cpu_us(used) / items, f"{used.ru_maxrss / 1024:,.0f} MB at most")
    return Measured(items / duration_s(json.loads(printed)), {"the process": one})


def upload(runmill: Path, work: Folder, base_url: str, items: int, feed_s: float) -> Iterator[Row]:
    """Yields the speed of a large upload, and the answer time of POST /runs and the memory of the dispatcher."""
    with cluster(runmill, work) as (made, api):
        started = time.monotonic()
        dataset = api.dataset(items)
        yield f"upload of {items:,} items", f"{items / (time.monotonic() - started):,.0f} items/s"
        provider = api.provider(base_url, concurrency=64)
        new = {"provider_id": provider, "model": MODEL, "dataset_id": dataset}
        run = api.post("/runs", new)["id"]
        answered_ms = created_while_feeding(api, new, feed_s)
        fed = api.get(f"/runs/{run}")["counters"]["fed"]
        yield f"POST /runs of {items:,} items", (
            f"{statistics.median(answered_ms):.1f} ms (median of {len(answered_ms)}, "
            f"at most {max(answered_ms):.1f}), while {fed:,} items were fed"
        )
        yield "dispatcher, uploading and feeding", f"{made.services['dispatcher'].usage().rss_max_mb:,.0f} MB at most"
        check_alive(made)


def created_while_feeding(api: Api, new: dict, feed_s: float) -> list[float]:
    """Returns the milliseconds of POST /runs, several times in `feed_s`. Cancels these runs, so that one is fed."""
    answered_ms = []
    for _ in range(CREATED_RUNS):
        time.sleep(feed_s / CREATED_RUNS)
        started = time.monotonic()
        run = api.post("/runs", new)["id"]
        answered_ms.append(1000 * (time.monotonic() - started))
        api.post(f"/runs/{run}/cancel")
    return answered_ms


def celery(work: Folder, base_url: str, items: int, processes: int) -> Iterator[Row]:
    """Yields the cost of the same work with Celery and LiteLLM, if Python can install them."""
    try:
        python = python_with_litellm()
    except Failed as error:
        yield "Celery + LiteLLM", f"not measured: {error}"
        return
    with database() as url:
        environment = os.environ | {
            "DATABASE_URL": url, "BENCH_MODEL": MODEL, "BENCH_BASE_URL": base_url,
            "BENCH_QUEUE": f"bench-celery-{uuid.uuid4().hex[:12]}", "PYTHONWARNINGS": "ignore",
        }
        command = [python, HERE / "celery/measure.py", "--items", str(items), "--processes", str(processes)]
        measured = json.loads(output(work, "celery", command, environment, CELERY_TIMEOUT_S + items))
    yield "Celery + LiteLLM", f"{measured['items_per_s']:,.0f} items/s"
    yield f"Celery + LiteLLM, {processes} worker processes", (
        f"{1000 * measured['cpu_ms_per_item']:,.0f} us CPU/item, {measured['memory_mb']:,.0f} MB"
    )


def duration_s(run: dict) -> float:
    started, finished = (datetime.fromisoformat(run[name]) for name in ("started_at", "finished_at"))
    return (finished - started).total_seconds()


def cpu_us(used: resource.struct_rusage) -> float:
    return 1e6 * (used.ru_utime + used.ru_stime)


def check_alive(made: Cluster) -> None:
    for service in made.services.values():
        service.check()
