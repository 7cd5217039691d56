"""Measures the CPU of one model call: by our client, by a plain loop over reqwest, and by LiteLLM's SDK."""

import json
import os
from collections.abc import Iterator

from installation import ROOT, Failed, Folder
from packages import HERE, output, python_with_litellm
from parts import Row

TOKENS = 64
MODEL = f"lorem+tokens={TOKENS}"
# Covers a release build of the bench, and its rounds.
BENCH_TIMEOUT_S = 3600
LITELLM_TIMEOUT_S = 1200


def ours(work: Folder, base_url: str) -> Iterator[Row]:
    """Yields the CPU of the client's thread for each protocol, and its ratio to the plain loop's."""
    command = ["cargo", "bench", "--quiet", "--manifest-path", ROOT / "Cargo.toml", "--package", "runmill-llm",
               "--bench", "client", "--", "--json", "--gateway", base_url.removesuffix("/v1")]
    for line in output(work, "client", command, dict(os.environ), BENCH_TIMEOUT_S).splitlines():
        row = json.loads(line)
        name = f"client, {row['protocol']}, {'streamed' if row['streamed'] else 'buffered'}"
        ratio = row["client_us"] / row["plain_us"]
        yield name, f"{cost(row['client_us'], row['streamed'])}, {ratio:.2f} x the plain loop"


def litellm(work: Folder, base_url: str, calls: int) -> Iterator[Row]:
    """Yields the CPU of a process that calls the same model through LiteLLM's SDK, if Python can install it."""
    environment = os.environ | {
        "BENCH_MODEL": MODEL, "BENCH_BASE_URL": base_url, "BENCH_TOKENS": str(TOKENS), "PYTHONWARNINGS": "ignore",
    }
    try:
        python = python_with_litellm()
        command = [python, HERE / "litellm/measure.py", "--calls", str(calls)]
        measured = json.loads(output(work, "litellm", command, environment, LITELLM_TIMEOUT_S))
    except Failed as error:
        yield "LiteLLM SDK", f"not measured: {error}"
        return
    yield "LiteLLM SDK, buffered", cost(measured["buffered_us"], streamed=False)
    yield "LiteLLM SDK, streamed", cost(measured["streamed_us"], streamed=True)
    yield "LiteLLM SDK, streamed, async", cost(measured["streamed_async_us"], streamed=True)


def cost(call_us: float, streamed: bool) -> str:
    # The cost of opening and closing the stream is spread over its tokens.
    a_token = f", {call_us / TOKENS:,.1f} us/token" if streamed else ""
    return f"{call_us:,.0f} us CPU/call{a_token}"
