"""Starts runmill for one measurement: processes, a database and queues of their own, and the API."""

import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from measured import Usage, usage

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
TOKEN = "bench-admin-0123456789"
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
# Time after which a connection is not used again.
IDLE_S = 10
# Of the gateway, beside those of the calls that are measured.
OTHER_CONNECTIONS = 500


class Failed(Exception):
    """A failure, in words for the person at the terminal."""


class Folder:
    """A folder for the logs and data of one measurement, removed at its end."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def log(self, name: str) -> Path:
        return self.path / f"{name}.log"


@contextmanager
def folder() -> Iterator[Folder]:
    with tempfile.TemporaryDirectory(prefix="runmill-bench-") as path:
        yield Folder(path)


@contextmanager
def database() -> Iterator[str]:
    """Creates a database on the server of DATABASE_URL and gives its URL; drops it at the end."""
    server = os.environ["DATABASE_URL"]
    name = f"runmill_bench_{uuid.uuid4().hex[:12]}"
    _psql(server, f"CREATE DATABASE {name}")
    try:
        yield server.rpartition("/")[0] + f"/{name}"
    finally:
        _psql(server, f"DROP DATABASE {name} WITH (FORCE)")


def query(url: str, statement: str) -> str:
    """Returns what a statement selects, as text."""
    return _psql(url, statement)


def _psql(url: str, statement: str) -> str:
    try:
        done = subprocess.run(["psql", "-XAqtw", url, "-c", statement], capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Failed("psql is needed to make a database: install the PostgreSQL client") from error
    if done.returncode:
        raise Failed(f"{statement}: {done.stderr.strip()}")
    return done.stdout.strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """A process of runmill, stopped by SIGTERM."""

    def __init__(self, work: Folder, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.name = name
        self._log = work.log(name)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=work.path, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def usage(self) -> Usage:
        self.check()
        return usage(self._process.pid)

    def check(self) -> None:
        if self._process.poll() is not None:
            raise Failed(f"{self.name} ended with status {self._process.returncode}:\n{self.tail()}")

    def tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])

    def wait_ready(self, url: str, timeout_s: float = START_TIMEOUT_S) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                urllib.request.urlopen(url, timeout=2).close()
                return
            except OSError as error:
                self.check()
                if time.monotonic() > deadline:
                    raise Failed(f"{self.name} is not ready: {error}\n{self.tail()}") from error
                time.sleep(0.05)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def gateway(runmill: Path, work: Folder, calls: int, keep: int = 1000, *options: str) -> Iterator[str]:
    """Runs the model server, for so many calls at once, and gives its base URL. It keeps the records of `keep` calls."""
    port = free_port()
    command = [str(runmill), "gateway", "--listen", f"127.0.0.1:{port}", "--keep", str(keep),
               "--connections", str(calls + OTHER_CONNECTIONS), *options]
    service = Service(work, "gateway", command, dict(os.environ))
    try:
        service.wait_ready(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        service.stop()


class Cluster:
    """A dispatcher, executors and a log-sink over RabbitMQ and PostgreSQL."""

    def __init__(self, runmill: Path, work: Folder, database_url: str, executors: int) -> None:
        self.database_url = database_url
        self._executors = ["executor", *(f"executor-{n}" for n in range(2, executors + 1))]
        self._runmill = runmill
        self._work = work
        self._environment = {
            "DATABASE_URL": database_url,
            "AMQP_URL": os.environ["AMQP_URL"],
            "ENCRYPTION_KEY": os.urandom(32).hex(),
            "RUNMILL_TOKENS": f"admin:{TOKEN}",
            "RUNMILL_QUEUE_PREFIX": f"bench-{uuid.uuid4().hex[:12]}",
            "RUNMILL_QUEUE_EXPIRES_SECONDS": "60",
        }
        self.services: dict[str, Service] = {}
        self._ports: dict[str, int] = {}

    def start(self) -> "Api":
        for name in ("dispatcher", *self._executors, "log-sink"):
            self._ports[name] = free_port()
            self.start_again(name)
        return Api(self._ports["dispatcher"])

    def start_again(self, name: str) -> None:
        """Starts a service at its address. It must not run."""
        port = self._ports[name]
        variable = "RUNMILL_LISTEN" if name == "dispatcher" else "RUNMILL_OPS_LISTEN"
        command = "executor" if name in self._executors else name
        environment = self._environment | {variable: f"127.0.0.1:{port}"}
        service = Service(self._work, name, [str(self._runmill), command], environment)
        self.services[name] = service
        service.wait_ready(f"http://127.0.0.1:{port}/readyz")

    def stop(self) -> None:
        # Executors stop first, so that a log-sink still stores the results of their last calls.
        for name in (*self._executors, "log-sink", "dispatcher"):
            if name in self.services:
                self.services[name].stop()


@contextmanager
def cluster(runmill: Path, work: Folder, executors: int = 1) -> Iterator[tuple[Cluster, "Api"]]:
    with database() as url:
        made = Cluster(runmill, work, url, executors)
        try:
            yield made, made.start()
        finally:
            made.stop()


class Api:
    """The dispatcher's HTTP API over one connection, so that latencies leave out the time to connect."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._connection = HTTPConnection("127.0.0.1", port, timeout=600)
        self._used = time.monotonic()

    def reconnect(self) -> None:
        """Forgets the connection, after which the next request opens one."""
        self._connection.close()

    def get(self, path: str) -> dict:
        return self._send("GET", path)

    def post(self, path: str, body: dict | None = None) -> dict:
        return self._send("POST", path, json.dumps(body).encode() if body is not None else None)

    def provider(self, base_url: str, concurrency: int | None = None, **limits: int) -> str:
        stated = limits if concurrency is None else limits | {"concurrency": concurrency}
        body = {"name": "bench", "kind": "custom", "base_url": base_url, "rate_limit": stated}
        return self.post("/providers", body)["id"]

    def dataset(self, items: int) -> str:
        return self._send("POST", "/datasets?name=bench", questions(items))["id"]

    def ended(self, run: str, timeout_s: float) -> dict:
        deadline = time.monotonic() + timeout_s
        while (found := self.get(f"/runs/{run}"))["status"] in ("pending", "running"):
            if time.monotonic() > deadline:
                raise Failed(f"the run did not end in {timeout_s:.0f} s: {found['counters']}")
            time.sleep(0.2)
        if found["status"] != "completed":
            raise Failed(f"the run ended as {found['status']}: {found['errors']}")
        return found

    def _send(self, method: str, path: str, body: bytes | Iterable[bytes] | None = None) -> dict:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        # The server closes a connection that is idle for long.
        if time.monotonic() - self._used > IDLE_S:
            self._connection.close()
        # An iterable body has no length and is sent in chunks.
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        self._used = time.monotonic()
        if response.status >= 300:
            raise Failed(f"{method} {path}: {response.status} {answer.decode(errors='replace')}")
        return json.loads(answer)


def questions(count: int) -> Iterator[bytes]:
    """Yields a dataset in chunks of a thousand lines."""
    for start in range(0, count, 1000):
        lines = (
            json.dumps({"id": f"q{n}", "type": "freeform", "inputs": {"text": f"What is {n} + 1?"},
                        "answer": str(n + 1)}) + "\n"
            for n in range(start, min(start + 1000, count))
        )
        yield "".join(lines).encode()
