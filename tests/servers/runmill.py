"""Starts `runmill serve`, and asks through its API what a user would ask."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from servers import Ask, Server

RUN_TIMEOUT_S = 75
POLL_S = 0.05
STOP_TIMEOUT_S = 20
# Failures are tried again at once and nothing is put off, so that the matrix does not take long.
QUICK = {
    "max_retries": 2,
    "backoff_base_seconds": 0.05,
    "backoff_max_seconds": 0.1,
    "wait_max_seconds": 0.5,
    "budget_percent": 1000,
    "max_deferrals": 0,
}
PATIENT = {"budget_percent": 1000}


@dataclass
class Outcome:
    """The last item of a run that ended or paused, or that did not end in time."""

    run: dict
    results: list[dict]
    invocations: list[dict]
    in_time: bool
    seconds: float

    @property
    def result(self) -> dict:
        return self.results[0] if self.results else {}

    @property
    def text(self) -> str:
        return self.result.get("response") or ""

    @property
    def outcome(self) -> str:
        """Returns the result's outcome, or how the run stands without one."""
        if self.results:
            return self.result["outcome"]
        return "paused" if self.run.get("paused_at") else "no result"

    @property
    def is_answer(self) -> bool:
        return self.outcome in ("succeeded", "truncated")

    @property
    def attempts(self) -> list[dict]:
        return [attempt for call in self.invocations for attempt in call["attempts"]]

    @property
    def kinds(self) -> set[str]:
        """Returns every kind of error that runmill saw."""
        seen = {attempt["error_kind"] for attempt in self.attempts} | {self.result.get("error_kind")}
        return seen - {None}

    @property
    def words(self) -> str:
        """Returns all that a user can read about an error."""
        said = [self.result.get("error"), self.run.get("pause_reason")]
        return " | ".join(str(it) for it in said if it)

    @property
    def notes(self) -> set[str]:
        return {note for call in self.invocations for note in call.get("notes", [])}

    @property
    def fixes(self) -> set[str]:
        return {fix for call in self.invocations for fix in call.get("fixes", [])}

    @property
    def usage(self) -> dict | None:
        return self.invocations[-1]["usage"] if self.invocations else None


class Runmill:
    def __init__(self, binary: Path, folder: Path):
        self.data = folder / "data"
        self.log = open(folder / "runmill.log", "w+b")
        environment = {"PATH": os.environ["PATH"], "RUNMILL_LISTEN": "127.0.0.1:0", "RUNMILL_DATA_DIR": str(self.data)}
        self.process = subprocess.Popen(
            [binary, "serve"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=environment, cwd=folder
        )
        self.url = self.address()
        self.token = (self.data / "token").read_text().strip()
        self.count = 0

    def address(self) -> str:
        for _ in range(600):
            for line in Path(self.log.name).read_text().splitlines():
                if line.startswith("runmill serves "):
                    return line.split()[2]
            if self.process.poll() is not None:
                break
            time.sleep(POLL_S)
        raise RuntimeError(f"runmill does not start: {Path(self.log.name).read_text()[-500:]}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(STOP_TIMEOUT_S)
        self.log.close()

    def provider(self, server: Server, url: str | None = None, key: str | None = "", retry: dict = QUICK,
                 concurrency: int = 2) -> str:
        """Adds a provider for the server and returns its id. The key is the server's own, unless one is given."""
        key = server.key if key == "" else key
        self.count += 1
        return self.call("POST", "/providers", {
            "name": f"{server.name} {self.count}",
            "kind": "custom",
            "protocol": server.protocol,
            "base_url": url or server.url,
            "api_keys": [{"label": "main", "value": key}] if key else [],
            "headers": server.headers,
            "capabilities": {"images": True},
            "rate_limit": {"concurrency": concurrency},
            "retry": retry,
        })["id"]

    def submit(self, provider: str, server: Server, ask: Ask, samples: int = 1, before: str | None = None) -> str:
        """Submits a run of one item, or of a question before it, too, and returns the run's id."""
        images = [{"url": url} for url in ask.images]
        inputs = [*([{"text": before}] if before else []), {"text": ask.question, "images": images}]
        items = [json.dumps({"id": str(number), "type": "freeform", "inputs": it}) for number, it in enumerate(inputs)]
        self.count += 1
        dataset = self.call("POST", f"/datasets?name=matrix-{self.count}", "\n".join(items).encode())
        config = {"generation": ask.generation, "samples": samples, "scoring": {"scorer": "none"}}
        return self.call("POST", "/runs", {
            "provider_id": provider, "model": ask.model or server.model, "dataset_id": dataset["id"], "config": config,
        })["id"]

    def wait(self, run: str) -> Outcome:
        began = time.monotonic()
        while True:
            state = self.call("GET", f"/runs/{run}")
            ended = state["status"] in ("completed", "failed", "canceled") or state["paused_at"]
            late = time.monotonic() - began > RUN_TIMEOUT_S
            if ended or late:
                break
            time.sleep(POLL_S)
        last = state["counters"]["total"] // (state["config"].get("samples") or 1) - 1
        results, calls = ([line for line in self.lines(run, what) if line["ordinal"] == last]
                          for what in ("results", "invocations"))
        outcome = Outcome(state, results, calls, not late, time.monotonic() - began)
        if state["status"] not in ("completed", "failed", "canceled"):
            self.call("POST", f"/runs/{run}/cancel")
        return outcome

    def ask(self, provider: str, server: Server, ask: Ask, samples: int = 1) -> Outcome:
        return self.wait(self.submit(provider, server, ask, samples))

    def lines(self, run: str, what: str) -> list[dict]:
        return self.call("GET", f"/runs/{run}/{what}")["items"]

    def call(self, method: str, path: str, body: dict | bytes | None = None) -> dict:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode()[:300]}") from error
