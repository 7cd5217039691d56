"""Measures the memory that many streams take while all are in flight."""

import json
import resource
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from installation import TOKEN, Api, Failed, Folder, Service, cluster, free_port
from parts import Row

# The first token takes so long that all streams are in flight before any of them has one.
MODEL = "lorem+ttft=60s+tokens=64+tps=4"
FIRST_TOKENS_TIMEOUT_S = 110
END_TIMEOUT_S = 600
# Open files of a process, besides its connections to the model.
OTHER_FILES = 500


def in_standalone(runmill: Path, work: Folder, base_url: str, streams: int) -> Iterator[Row]:
    """Measures one process that does everything."""
    with standalone(runmill, work) as (service, api):
        yield f"{streams:,} streams, standalone", measured(service, api, base_url, streams)


def in_executor(runmill: Path, work: Folder, base_url: str, streams: int) -> Iterator[Row]:
    """Measures an executor over RabbitMQ and PostgreSQL."""
    with cluster(runmill, work) as (made, api):
        yield f"{streams:,} streams, one executor", measured(made.services["executor"], api, base_url, streams)


def measured(service: Service, api: Api, base_url: str, streams: int) -> str:
    """Returns the memory of `service` when idle and when all streams wait for their first token, and its maximum."""
    idle_mb = service.usage().memory_mb
    provider = api.provider(base_url, streams)
    dataset = api.dataset(streams)
    run = api.post("/runs", {"provider_id": provider, "model": MODEL, "dataset_id": dataset})["id"]
    wait_in_flight(service, base_url, streams)
    waiting_mb = service.usage().memory_mb
    ended = api.ended(run, END_TIMEOUT_S)
    if ended["counters"]["succeeded"] != streams:
        raise Failed(f"not every stream was answered: {ended['counters']}")
    most_mb = service.usage().rss_max_mb
    return f"{waiting_mb:,.0f} MB before the first token, {most_mb:,.0f} MB at most; {idle_mb:,.0f} MB idle"


def wait_in_flight(service: Service, base_url: str, streams: int) -> None:
    deadline = time.monotonic() + FIRST_TOKENS_TIMEOUT_S
    while (found := in_flight(base_url)) < streams:
        service.check()
        if time.monotonic() > deadline:
            raise Failed(f"only {found} of {streams} streams were in flight at once")
        time.sleep(0.2)


def in_flight(base_url: str) -> int:
    url = base_url.removesuffix("/v1") + "/_gateway/stats"
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.load(response)["all"]["in_flight"]


@contextmanager
def standalone(runmill: Path, work: Folder) -> Iterator[tuple[Service, Api]]:
    """Runs `runmill serve` with a data directory of its own."""
    port = free_port()
    environment = {"RUNMILL_DATA_DIR": str(work.path / "data"), "RUNMILL_LISTEN": f"127.0.0.1:{port}",
                   "RUNMILL_TOKENS": f"admin:{TOKEN}"}
    service = Service(work, "serve", [str(runmill), "serve"], environment)
    try:
        service.wait_ready(f"http://127.0.0.1:{port}/readyz")
        yield service, Api(port)
    finally:
        service.stop()


def allow_files(streams: int) -> None:
    """Raises the limit of open files, of which each stream needs one, for the processes that this one starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < streams + OTHER_FILES:
        raise Failed(f"{streams} streams need {streams + OTHER_FILES} open files, and `ulimit -Hn` is {hard}: "
                     "raise it, or measure fewer with --streams")
    resource.setrlimit(resource.RLIMIT_NOFILE, (streams + OTHER_FILES, hard))
