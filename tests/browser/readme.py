"""Writes the pictures of the README: a run of 1,319 questions at work, and the answers that are wrong.

    readme.py FOLDER
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser import Browser
from processes import server, started
from servers import ADMIN, RUNMILL, Api

QUESTIONS = Path(__file__).resolve().parents[1] / "data/gsm8k.jsonl"
# Some 50 questions a second at 48 in flight, of which one in 25 has to be asked again.
MODEL = "key=0.8+ttft=400ms+tokens=48+tps=100+fail=429:0.03+fail=500:0.01"
PRICES = {"source": "an example", "models": {MODEL: {"input": 0.15, "output": 0.6}}}
SHOWN_AT = 900
SIZE = 1280, 860


@contextmanager
def served(folder: Path) -> Iterator[tuple[Api, str]]:
    """Gives the API of a server, and the address of the model server, which knows the answers."""
    prices = folder / "prices.json"
    prices.write_text(json.dumps(PRICES))
    model_server = [RUNMILL, "gateway", "--listen", "127.0.0.1:0", "--answer-key", QUESTIONS]
    with started(model_server, {}) as calls, server(RUNMILL, folder, f"admin:{ADMIN}", {"RUNMILL_PRICES": str(prices)}) as url:
        yield Api(url), calls


def main() -> None:
    pictures = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as (api, calls):
        provider = api.request("POST", "/providers", {
            "name": "model server", "kind": "custom", "protocol": "openai_chat", "base_url": calls,
            "api_keys": [{"label": "main", "value": "sk-provider-0123456789"}], "rate_limit": {"concurrency": 48},
        })["id"]
        dataset = api.request("POST", "/datasets?name=gsm8k", QUESTIONS.read_bytes())["id"]
        new = {"name": "gsm8k", "provider_id": provider, "dataset_id": dataset, "model": MODEL, "budget": {"cost_usd": 0.1}}
        run = api.request("POST", "/runs", new)["id"]
        browser = Browser()
        try:
            browser.sign_in(api.url, ADMIN)
            browser.resize(*SIZE)
            browser.open(f"{api.url}/ui/runs/{run}")
            browser.until(lambda: api.request("GET", f"/runs/{run}")["counters"]["settled"] >= SHOWN_AT, "most answers")
            browser.driver.save_screenshot(str(pictures / "run.png"))
            browser.until(lambda: api.status(run) == "completed", "the end")
            browser.scheme("dark")
            browser.open(f"{api.url}/ui/runs/{run}/results?score=wrong")
            browser.driver.save_screenshot(str(pictures / "results.png"))
        finally:
            browser.quit()


main()
