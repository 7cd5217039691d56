"""The model server of all programs: runmill's gateway, behind a relay that gives models short names and can refuse rows."""

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from installation import ROOT, Failed, Folder, gateway
from relay import Refusal, relayed

ITEMS = ROOT / "tests/data/gsm8k.jsonl"
ROWS = 60
# One of so many rows is refused while the mock is at fault. Programs do not try again by themselves after a refusal.
REFUSED_EVERY = 5
MODELS = {"small": "key=0.8", "large": "key=0.9"}
DELAY_MS = 200
# A call whose caller hung up is paid, too.
PAID = ("200", "499")
CALLS = 500
END_TIMEOUT_S = 30
LOOK_S = 0.05


def rows(count: int) -> list[dict[str, str]]:
    with ITEMS.open() as lines:
        items = [json.loads(line) for _, line in zip(range(count), lines)]
    return [{"id": item["id"], "question": item["inputs"]["text"], "answer": item["answer"]} for item in items]


@dataclass(frozen=True)
class Counted:
    """Calls as the gateway counted them."""

    begun: int
    paid: int
    in_flight_max: int
    per_second_max: int


class Mock:
    def __init__(self, gateway_url: str, rows: list[dict[str, str]], delay_ms: int) -> None:
        self.rows = rows
        self._models = {name: f"{model}+ttft={delay_ms}ms" for name, model in MODELS.items()}
        self._gateway = gateway_url.removesuffix("/v1")
        self._refused = tuple(row["question"] for row in rows[::REFUSED_EVERY])
        self.is_at_fault = False
        # Address for the programs.
        self.url = ""

    def change(self, body: dict) -> dict:
        if self.is_at_fault and str(body["messages"][-1]["content"]).startswith(self._refused):
            raise Refusal("This model is being updated.")
        return body | {"model": self._models.get(body["model"], body["model"])}

    def count(self) -> Counted:
        traffic = self._traffic()
        begun = traffic["calls"] + traffic["in_flight"]
        paid = sum(traffic["by_status"].get(status, 0) for status in PAID)
        return Counted(begun, paid, traffic["in_flight_max"], traffic["per_second_max"])

    def counted(self) -> Counted:
        """Returns the counts once no call is in flight any more, and forgets them."""
        deadline = time.monotonic() + END_TIMEOUT_S
        while self._traffic()["in_flight"]:
            if time.monotonic() > deadline:
                raise Failed("calls are still in flight after their program has ended")
            time.sleep(LOOK_S)
        counted = self.count()
        urllib.request.urlopen(urllib.request.Request(f"{self._gateway}/_gateway/calls", method="DELETE"), timeout=10).close()
        return counted

    def _traffic(self) -> dict:
        with urllib.request.urlopen(f"{self._gateway}/_gateway/stats", timeout=10) as response:
            return json.load(response)["all"]


@contextmanager
def running(runmill: Path, work: Folder, count: int, delay_ms: int) -> Iterator[Mock]:
    with gateway(runmill, work, CALLS, 0, "--answer-key", str(ITEMS)) as url:
        mock = Mock(url, rows(count), delay_ms)
        with relayed(url, mock.change) as mock.url:
            yield mock
