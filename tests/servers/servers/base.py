"""A model server as a process of its own, which a probe can kill and start again."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = Path(__file__).parents[1] / "programs"
START_TIMEOUT_S = 90
STOP_TIMEOUT_S = 5


@dataclass(frozen=True)
class Ask:
    """One question, as both runmill and the direct client send it."""

    question: str | None = None
    model: str | None = None  # the server's model by default
    generation: dict = field(default_factory=dict)  # in the names of runmill's configuration
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Skip:
    """The reason why a probe is not made at a server."""

    reason: str


class Server:
    """A server of one kind. Subclasses state its command and what differs from the common probes."""

    name: str
    version: str
    package: str
    protocol = "openai_chat"
    model = "smollm2"
    key: str | None = None
    headers: dict[str, str] = {}
    health = "/health"
    # Parts of questions that take the place of the common ones, by the name of the probe.
    asks: dict[str, Ask | Skip] = {}

    def __init__(self, folder: Path, upstream: "Server | None" = None):
        self.folder, self.upstream = folder, upstream
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {}

    def start(self) -> None:
        log = open(self.folder / f"{self.name.replace(' ', '-')}.log", "ab")
        # The servers would use proxies and keys from the environment of the person at the terminal.
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.environment()}
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not start: see {log.name}")
            time.sleep(0.1)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.health}", timeout=2) as response:
                return response.status == 200
        except urllib.error.HTTPError as error:
            return error.code in (401, 404)
        except OSError:
            return False

    def ask(self, name: str, common: Ask | Skip) -> Ask | Skip:
        """Returns the question of a probe: what this server states takes the place of the common one's parts."""
        own = self.asks.get(name)
        if own is None or isinstance(own, Skip) or isinstance(common, Skip):
            return own or common
        return Ask(own.question or common.question, own.model or common.model, common.generation | own.generation,
                   common.images)

    def kill(self) -> None:
        """Ends the process at once, with its workers."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def mortal(self) -> "Server":
        """Returns the server that a probe kills in mid-stream: the one with the model."""
        return self.upstream or self


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
