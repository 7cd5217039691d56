#!/usr/bin/env python3
"""Prints the results of a run as CSV: one line for each item, with its outcome, score and answer.

    RUNMILL_URL=http://127.0.0.1:8080 RUNMILL_TOKEN=... results_table.py RUN_ID
"""

import csv
import os
import sys

from runmill_client import Client


def main(run_id: str) -> None:
    client = Client(os.environ["RUNMILL_URL"], os.environ.get("RUNMILL_TOKEN"))
    table = csv.writer(sys.stdout)
    table.writerow(["item", "sample", "outcome", "score", "answer"])
    for result in client.results(run_id):
        score = (result.get("score") or {}).get("value")
        table.writerow([result["item_id"], result["sample"], result["outcome"], score, result.get("response")])


if __name__ == "__main__":
    main(*sys.argv[1:])
