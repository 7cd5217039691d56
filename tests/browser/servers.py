"""The programs that the pages are of: a standalone server, and a gateway as its provider."""

import json
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes import gateway, server

RUNMILL = Path(os.environ["RUNMILL_BIN"])
ADMIN, OBSERVER = "browser-admin-0123456789abcdef", "browser-observe-0123456789abcdef"
REQUEST_TIMEOUT_S = 30

# Text that must be shown as text: markup, the end of a text field, colours of a terminal, and marks that turn the direction of writing.
HOSTILE = "<script>document.title='owned'</script></textarea><img src=x onerror=\"document.title='owned'\"> \x1b[31mred\x1b[0m \u202eabc\u202c"


class Api:
    """The API of the server, with the administrator's token."""

    def __init__(self, url: str) -> None:
        self.url = url

    def request(self, method: str, path: str, body: object = None) -> dict:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_S) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error
        return json.loads(text) if text else {}

    def dataset(self, name: str, questions: list[str]) -> str:
        items = [
            {"id": f"q{n}", "type": "freeform", "inputs": {"text": text}, "answer": "12"} for n, text in enumerate(questions)
        ]
        lines = "\n".join(map(json.dumps, items)).encode()
        return self.request("POST", f"/datasets?name={urllib.parse.quote(name)}", lines)["id"]

    def run(self, name: str, provider: str, dataset: str, model: str, **config: object) -> str:
        new = {"name": name, "provider_id": provider, "dataset_id": dataset, "model": model, "config": config}
        return self.request("POST", "/runs", new)["id"]

    def status(self, run: str) -> str:
        found = self.request("GET", f"/runs/{run}")
        return "paused" if found["paused"] else found["status"]

    def events(self, run: str) -> list[int]:
        """Returns the numbers of the events that the log shows, of a run that has ended."""
        request = urllib.request.Request(f"{self.url}/runs/{run}/events", headers={"Authorization": f"Bearer {ADMIN}"})
        numbers, number, kind = [], 0, ""
        with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_S) as stream:
            for line in stream:
                name, _, value = line.decode().strip().partition(": ")
                if name == "id":
                    number = int(value)
                elif name == "event":
                    kind = value
                elif not name and kind:
                    if kind in ("run_status", "run_item", "run_log"):
                        numbers.append(number)
                    if kind == "end":
                        return numbers
                    kind = ""
        return numbers


@contextmanager
def programs() -> Iterator[tuple[Api, str, Path]]:
    """Gives the server's API, the id of the gateway as its provider, and the file of the server's log."""
    with tempfile.TemporaryDirectory() as name, gateway(RUNMILL) as model_server:
        folder = Path(name)
        log = folder / "log"
        tokens, level = f"admin:{ADMIN},observe:{OBSERVER}", {"APP_LOG_LEVEL": "warn"}
        with log.open("wb") as output, server(RUNMILL, folder, tokens, level, output) as url:
            api = Api(url)
            provider = {
                "name": "gateway", "kind": "custom", "protocol": "openai_chat", "base_url": model_server,
                "api_keys": [{"label": "main", "value": "sk-provider-0123456789"}], "rate_limit": {"concurrency": 16},
            }
            yield api, api.request("POST", "/providers", provider)["id"], log
