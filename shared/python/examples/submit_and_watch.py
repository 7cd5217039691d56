#!/usr/bin/env python3
"""Submits three questions and shows what happens to them.

    RUNMILL_URL=http://127.0.0.1:8080 RUNMILL_TOKEN=... submit_and_watch.py PROVIDER_ID MODEL
"""

import os
import sys

from runmill_client import Client

ITEMS = [
    {"id": f"q{number}", "type": "freeform", "inputs": {"text": f"{number} + {number}"}, "answer": str(2 * number)}
    for number in (1, 2, 3)
]


def main(provider_id: str, model: str) -> None:
    client = Client(os.environ["RUNMILL_URL"], os.environ.get("RUNMILL_TOKEN"))
    run = client.submit(provider_id=provider_id, model=model, items=ITEMS, name="sums")
    for event in client.watch(run["id"]):
        if event.name == "run_item" and event.data.get("outcome"):
            print(f"{event.data['itemId']}: {event.data['outcome']}")
    run = client.runs_get(run["id"])
    print(f"{run['status']}: {run['counters']['settled']} of {run['counters']['total']}, score {run['score']['mean']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
