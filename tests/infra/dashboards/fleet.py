"""Processes of one installation, each of which can be killed, and all of which Prometheus scrapes."""

import json
import os
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from cut import Cut
from installation import TOKEN, Api, Folder, Service, free_port
from scraper import Prometheus

# US dollars per million tokens of the models whose cost is looked at.
PRICE = {"input": 1000.0, "output": 1000.0}


class Fleet:
    def __init__(self, runmill: Path, work: Folder, database_url: str, scraper: Prometheus, priced: list[str]) -> None:
        self._runmill, self._work, self._scraper = runmill, work, scraper
        prices = work.path / "prices.json"
        prices.write_text(json.dumps({"models": {model: PRICE for model in priced}}))
        server = urlsplit(database_url)
        self.cut = Cut(server.hostname, server.port or 5432)
        self._behind_cut = server._replace(netloc=f"{server.username}@127.0.0.1:{self.cut.port}").geturl()
        self.prefix = f"dashboards-{uuid.uuid4().hex[:12]}"
        self._environment = {
            "DATABASE_URL": database_url,
            "AMQP_URL": os.environ["AMQP_URL"],
            "ENCRYPTION_KEY": os.urandom(32).hex(),
            "RUNMILL_TOKENS": f"admin:{TOKEN}",
            "RUNMILL_QUEUE_PREFIX": self.prefix,
            "RUNMILL_QUEUE_EXPIRES_SECONDS": "60",
            "RUNMILL_PRICES": str(prices),
        }
        self._services: dict[str, Service] = {}

    def dispatcher(self, name: str, **environment: str) -> int:
        """Starts a dispatcher and returns the port of its API."""
        port = free_port()
        self._start(name, "dispatcher", {"RUNMILL_LISTEN": f"127.0.0.1:{port}", **environment})
        return port

    def executor(self, name: str, behind_cut: bool = False) -> None:
        self._start(name, "executor", self._database(behind_cut))

    def log_sink(self, name: str, behind_cut: bool = False) -> None:
        self._start(name, "log-sink", self._database(behind_cut))

    def kill(self, *names: str) -> None:
        for name in names:
            self._services.pop(name).kill()

    def running(self, kind: str) -> list[str]:
        return [name for name in self._services if name.startswith(kind)]

    def _database(self, behind_cut: bool) -> dict[str, str]:
        return {"DATABASE_URL": self._behind_cut} if behind_cut else {}

    def _start(self, name: str, command: str, environment: dict[str, str]) -> None:
        ops = f"127.0.0.1:{free_port()}"
        given = self._environment | environment | {"RUNMILL_OPS_LISTEN": ops}
        service = Service(self._work, name, [str(self._runmill), command], given)
        self._services[name] = service
        service.wait_ready(f"http://{ops}/readyz")
        self._scraper.scrape(ops, command)


class Work:
    """Providers and runs, by the API of one dispatcher."""

    def __init__(self, port: int, model_server: str) -> None:
        self.api = Api(port)
        self._model_server = model_server

    def provider(self, name: str, keys: list[str] = (), **limits: float) -> str:
        body = {"name": name, "kind": "custom", "base_url": self._model_server, "rate_limit": limits,
                "api_keys": [{"label": f"key-{n}", "value": key} for n, key in enumerate(keys)]}
        return self.api.post("/providers", body)["id"]

    def run(self, provider: str, model: str, items: int) -> str:
        body = {"provider_id": provider, "model": model, "dataset_id": self.api.dataset(items)}
        return self.api.post("/runs", body)["id"]
