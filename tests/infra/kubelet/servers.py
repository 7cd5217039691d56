"""What pods reach outside of the cluster: PostgreSQL, RabbitMQ and the model server of this machine."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from installation import Failed, Folder, Service

HERE = Path(__file__).resolve().parent
DATABASE, BROKER, MODELS = "postgresql.servers", "rabbitmq.servers", "models.servers"
MODELS_PORT = 8000
CALLS_KEPT = 200_000
PAGE = 10_000
CONNECTIONS = 5_000
SERVER_PORTS = {"postgresql": 5432, "amqp": 5672}


@dataclass(frozen=True)
class Servers:
    """Their addresses on the bridge, and their URLs for pods."""

    address: str
    database_url: str
    amqp_url: str
    # For this machine.
    direct_database_url: str

    @property
    def names(self) -> dict[str, str]:
        return {DATABASE: self.address, BROKER: self.address, MODELS: self.address}

    @property
    def models_url(self) -> str:
        return f"http://{MODELS}:{MODELS_PORT}/v1"

    def in_flight(self, model: str) -> int:
        """Returns the number of calls of a model that have begun and not ended."""
        with urllib.request.urlopen(f"http://{self.address}:{MODELS_PORT}/_gateway/stats", timeout=60) as response:
            return json.load(response)["models"].get(model, {}).get("in_flight", 0)

    def calls(self) -> Iterator[dict]:
        """Yields the model server's record of all calls that have ended."""
        after, count = 0, PAGE
        while count == PAGE:
            url = f"http://{self.address}:{MODELS_PORT}/_gateway/calls?after={after}&limit={PAGE}"
            with urllib.request.urlopen(url, timeout=60) as response:
                if response.headers["x-gateway-dropped"] != "0":
                    raise Failed("the model server kept too few records")
                lines = response.read().splitlines()
                after = int(response.headers["x-gateway-next"])
            yield from map(json.loads, lines)
            count = len(lines)


@contextmanager
def servers(runmill: Path, work: Folder, address: str, database_url: str) -> Iterator[Servers]:
    """Starts the model server and the proxies, and stops them at the end."""
    database, broker = urlsplit(database_url), urlsplit(os.environ["AMQP_URL"])
    rules = [f"{address}:{SERVER_PORTS['postgresql']}={_place(database, 5432)}",
             f"{address}:{SERVER_PORTS['amqp']}={_place(broker, 5672)}"]
    proxies = subprocess.Popen(
        [sys.executable, "-I", str(HERE / "proxy.py"), *rules], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )
    models = Service(work, "gateway", [str(runmill), "gateway", "--listen", f"{address}:{MODELS_PORT}",
                                       "--keep", str(CALLS_KEPT), "--connections", str(CONNECTIONS)], dict(os.environ))
    try:
        if proxies.stdout.readline() != "ready\n":
            raise Failed("the proxies of the servers did not start")
        models.wait_ready(f"http://{address}:{MODELS_PORT}/healthz")
        yield Servers(
            address=address,
            database_url=_moved(database, DATABASE, SERVER_PORTS["postgresql"]),
            amqp_url=_moved(broker, BROKER, SERVER_PORTS["amqp"]),
            direct_database_url=database_url,
        )
    finally:
        models.stop()
        proxies.terminate()
        proxies.wait()


def _place(url, port: int) -> str:
    return f"{url.hostname}:{url.port or port}"


def _moved(url, host: str, port: int) -> str:
    user, at, _ = url.netloc.rpartition("@")
    return url._replace(netloc=f"{user}{at}{host}:{port}").geturl()
