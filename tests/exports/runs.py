"""Runs that are exported, their rows as the API has them, and their files."""

import atexit
import json
import os
import subprocess
import tempfile
import time
import urllib.request
from functools import cache
from pathlib import Path

SERVER, TOKEN = os.environ["RUNMILL_SERVER"], os.environ["RUNMILL_TOKEN"]
END_TIMEOUT_S = 60
FOLDER = Path(tempfile.mkdtemp(dir=os.environ["HOME"]))

ITEMS = [
    {"id": "plain", "type": "freeform", "inputs": {"text": "Is it red?"}, "answer": "red"},
    {"id": "a/b c", "type": "freeform", "inputs": {"text": "Größe: 7 \U0001f600"}, "answer": "7", "answers": ["sieben"]},
    {"id": "../é\"'", "type": "freeform", "inputs": {"text": "line 1\nline 2, \"quoted\"\ttab"}, "answer": "line 2"},
    {"id": "=1+1", "type": "freeform", "inputs": {"text": "=1+1"}, "answer": "nothing of this", "meta": {"level": 2}},
    {"id": "choice", "type": "mcq_single", "inputs": {"text": "Which?"}, "choices": ["x", "y, z"], "answer": "B",
     "meta": {"topic": "späße", "score": 0.5, "deep": {"list": [1, None]}}},
    {"id": "open", "type": "freeform", "inputs": {"text": "No reference"}, "meta": {"level": None}},
    {"id": "number", "type": "freeform", "inputs": {"text": "without a digit"}, "answer": "4", "checker": "numeric"},
]


def call(method: str, path: str, body: object = None) -> dict:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(SERVER + path, data, headers, method=method)) as answer:
        return json.load(answer)


def pages(path: str) -> list[dict]:
    rows, after = [], ""
    while True:
        page = call("GET", f"{path}limit=5{after}")
        rows += page["items"]
        if not page["next"]:
            return rows
        after = f"&after={page['next']}"


class Run:
    """A run that has ended, or of which some jobs are over."""

    def __init__(self, name: str, model: str, config: dict, ends: bool = True) -> None:
        new = {"name": name, "provider_id": provider(), "model": model, "dataset_id": dataset(), "config": config}
        self.id = call("POST", "/runs", new)["id"]
        self._wait(ends)

    def _wait(self, ends: bool) -> None:
        deadline = time.monotonic() + END_TIMEOUT_S
        while True:
            run = call("GET", f"/runs/{self.id}")
            if run["status"] in ("completed", "failed", "canceled") or not ends and run["counters"]["settled"]:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.id} does not end: {run['status']}, {run['pause_reason']}")
            time.sleep(0.1)

    @property
    def run(self) -> dict:
        return call("GET", f"/runs/{self.id}")

    @property
    def rows(self) -> list[dict]:
        return pages(f"/runs/{self.id}/results?details=true&")

    @property
    def calls(self) -> list[dict]:
        return pages(f"/runs/{self.id}/invocations?")

    def export(self, file_format: str, suffix: str) -> Path:
        """Returns the file that the command writes."""
        path = FOLDER / f"{self.id}{suffix}"
        command = [os.environ["RUNMILL"], "runs", "export", self.id, "--format", file_format, "--out", path]
        subprocess.run(command, check=True, capture_output=True, text=True)
        return path


@cache
def provider() -> str:
    keys = [{"label": "main", "value": "sk-provider-0123456789"}]
    new = {"name": "gateway", "kind": "custom", "base_url": os.environ["GATEWAY"], "api_keys": keys}
    return call("POST", "/providers", new)["id"]


@cache
def dataset() -> str:
    lines = "\n".join(json.dumps(item) for item in ITEMS)
    return call("POST", "/datasets?name=tricky", lines.encode())["id"]


@cache
def answered() -> Run:
    """Several samples of each item, a system prompt, and a judge."""
    judge = {"provider_id": provider(), "model": "echo", "rubric": "Is it right?"}
    config = {"samples": 2, "system_prompt": "Be brief.", "scoring": {"scorer": "includes"}, "judge": judge}
    return Run("späße / answered", "echo+think=3", config)


@cache
def failing() -> Run:
    """Some calls are refused, and the answers are scored anew."""
    run = Run("failing", "echo+fail=400:0.5", {"scoring": {"scorer": "exact"}})
    call("POST", f"/runs/{run.id}/rescore", {"scoring": {"scorer": "includes"}})
    deadline = time.monotonic() + END_TIMEOUT_S
    while call("GET", f"/runs/{run.id}")["rescoring"]:
        if time.monotonic() > deadline:
            raise AssertionError("the rescoring does not end")
        time.sleep(0.1)
    return run


@cache
def silent() -> Run:
    """No texts are kept."""
    return Run("silent", "echo", {"texts": "none", "scoring": {"scorer": "includes"}})


@cache
def unfinished() -> Run:
    """Some calls never end."""
    run = Run("unfinished", "echo+hang:0.5", {"scoring": {"scorer": "includes"}}, ends=False)
    # The server would wait for the calls when it stops.
    atexit.register(call, "POST", f"/runs/{run.id}/cancel")
    return run


def all_runs() -> list[Run]:
    return [answered(), failing(), silent(), unfinished()]
