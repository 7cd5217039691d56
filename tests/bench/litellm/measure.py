#!/usr/bin/env python3
"""Measures the CPU of a call by LiteLLM, over all threads of this process, and prints it as one JSON object.

The model has BENCH_TOKENS tokens and is at BENCH_BASE_URL; BENCH_MODEL is its name there.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable

# Must be set before the import, or LiteLLM fetches a price list from the network.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm

WARM_UP_CALLS = 20
IN_FLIGHT = 16
REQUEST = {
    "model": "openai/" + os.environ["BENCH_MODEL"],
    "messages": [{"role": "user", "content": "How many of the 64 tokens of this answer are needed?"}],
    "api_base": os.environ["BENCH_BASE_URL"],
    "api_key": "none",
}
STREAM = REQUEST | {"stream": True, "stream_options": {"include_usage": True}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, required=True, help="of each kind")
    args = parser.parse_args()
    json.dump({
        "buffered_us": cost_us(buffered, args.calls),
        "streamed_us": cost_us(streamed, args.calls),
        "streamed_async_us": cost_us_async(streamed_async, args.calls),
    }, sys.stdout)


def buffered() -> str:
    return litellm.completion(**REQUEST).choices[0].message.content


def streamed() -> str:
    return "".join(word(chunk) for chunk in litellm.completion(**STREAM))


async def streamed_async() -> str:
    return "".join([word(chunk) async for chunk in await litellm.acompletion(**STREAM)])


def word(chunk: litellm.ModelResponseStream) -> str:
    return chunk.choices[0].delta.content or "" if chunk.choices else ""


def cost_us(call: Callable[[], str], calls: int) -> float:
    """Returns the cost of one call, made one after the other."""
    for _ in range(WARM_UP_CALLS):
        checked(call())
    started = time.process_time()
    for _ in range(calls):
        checked(call())
    return 1e6 * (time.process_time() - started) / calls


def cost_us_async(call: Callable[[], Awaitable[str]], calls: int) -> float:
    """Returns the cost of one call, made with several in flight."""
    async def worker(count: int) -> None:
        for _ in range(count):
            checked(await call())

    async def measure() -> float:
        await worker(WARM_UP_CALLS)
        started = time.process_time()
        await asyncio.gather(*(worker(calls // IN_FLIGHT) for _ in range(IN_FLIGHT)))
        return 1e6 * (time.process_time() - started) / (calls // IN_FLIGHT * IN_FLIGHT)

    return asyncio.run(measure())


def checked(answer: str) -> None:
    if len(answer.split()) != int(os.environ["BENCH_TOKENS"]):
        sys.exit(f"the answer does not have {os.environ['BENCH_TOKENS']} words: {answer!r}")


if __name__ == "__main__":
    main()
