"""Measures what a user waits for around a short run: to its first call, and to the end of the command.

Each round has a data directory of its own, so that nothing is known of the provider.
"""

import json
import signal
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from installation import Failed, Folder, questions
from parts import Row

ROUNDS = 9
SHORT = 10
LONG = 100_000
MODEL = "lorem+tokens=1"
FIRST_CALL_S = 30


def measure(runmill: Path, work: Folder, base_url: str) -> Iterator[Row]:
    short, long = dataset(work, SHORT), dataset(work, LONG)
    rounds = [round_of(runmill, work, base_url, short, f"short-{n}", whole=True) for n in range(ROUNDS)]
    firsts, ends = zip(*rounds, strict=True)
    yield f"run of {SHORT} items, start to first call", milliseconds(firsts)
    yield f"run of {SHORT} items, whole command", milliseconds(ends)
    rounds = [round_of(runmill, work, base_url, long, f"long-{n}", whole=False) for n in range(ROUNDS)]
    yield f"run of {LONG:,} items, start to first call", milliseconds([first for first, _ in rounds])


def dataset(work: Folder, items: int) -> Path:
    path = work.path / f"{items}.jsonl"
    with path.open("wb") as file:
        file.writelines(questions(items))
    return path


def round_of(
    runmill: Path, work: Folder, base_url: str, items: Path, name: str, *, whole: bool
) -> tuple[float, float]:
    """Returns the seconds from the start of a command to its first call, and to its end if it is whole."""
    command = [str(runmill), "run", str(items), "--model", MODEL, "--base-url", base_url, "--json"]
    environment = {"RUNMILL_DATA_DIR": str(work.path / name), "OPENAI_API_KEY": "none"}
    gateway_calls(base_url, "DELETE")
    with work.log("starts").open("wb") as log:
        began = time.time()
        process = subprocess.Popen(command, cwd=work.path, env=environment, stdout=subprocess.DEVNULL, stderr=log)
        if not whole:
            first_call(base_url)
            process.send_signal(signal.SIGINT)
        process.wait()
        ended = time.time()
    if whole and process.returncode:
        raise Failed(f"runmill run ended with status {process.returncode}:\n{work.log('starts').read_text()}")
    return first_call(base_url) - began, ended - began


def first_call(base_url: str) -> float:
    """Waits for the first call of the gateway's record. Returns the time at which it came in."""
    deadline = time.monotonic() + FIRST_CALL_S
    while time.monotonic() < deadline:
        if lines := gateway_calls(base_url, "GET").splitlines():
            return json.loads(lines[0])["in_us"] / 1e6
        time.sleep(0.005)
    raise Failed(f"no call came within {FIRST_CALL_S} s")


def gateway_calls(base_url: str, method: str) -> bytes:
    request = urllib.request.Request(base_url.removesuffix("/v1") + "/_gateway/calls", method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def milliseconds(values: list[float]) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{1e3 * middle:,.0f} ms (median of {len(values)}; {1e3 * low:,.0f} to {1e3 * high:,.0f})"
