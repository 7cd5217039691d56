"""Asks all samples through OpenAI's SDK, four at once, and prints the share of right answers."""

import asyncio
import json
import sys

import openai

PARALLEL = 4


async def main(model: str, path: str) -> None:
    with open(path) as file:
        samples = json.load(file)
    client, places = openai.AsyncOpenAI(), asyncio.Semaphore(PARALLEL)

    async def is_right(sample: dict) -> bool:
        async with places:
            messages = [{"role": "user", "content": sample["question"]}]
            stream = await client.chat.completions.create(model=model, messages=messages, stream=True)
            parts = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        return "".join(parts) == sample["target"]

    right = await asyncio.gather(*map(is_right, samples))
    print(sum(right) / len(samples))


asyncio.run(main(*sys.argv[1:]))
