#!/usr/bin/env python3
"""Makes the files beside this script from the authors' files.

    python3 convert.py SOURCE_FOLDER

SOURCE_FOLDER has gsm8k-test.jsonl, truthfulqa-mc1-100.jsonl and hellaswag-100.jsonl with their authors' field
names. The same sources give the same bytes.
"""

import csv
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
RAW_ROWS = 20
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def main(source: Path) -> None:
    gsm8k = rows(source / "gsm8k-test.jsonl")
    hellaswag = rows(source / "hellaswag-100.jsonl")
    truthfulqa = rows(source / "truthfulqa-mc1-100.jsonl")

    write_jsonl("gsm8k.jsonl", (freeform(number, row) for number, row in enumerate(gsm8k, 1)))
    write_jsonl("truthfulqa.jsonl", (rotated(number, row) for number, row in enumerate(truthfulqa)))
    write_jsonl("hellaswag.jsonl", (mcq(row["id"], row["ctx"], row["endings"], row["expected_index"]) for row in hellaswag))

    write_jsonl("gsm8k-raw-20.jsonl", ({**row, "final": final_number(row)} for row in gsm8k[:RAW_ROWS]))
    write_csv("gsm8k-raw-20.csv", ["problem", "result"], ([row["question"], final_number(row)] for row in gsm8k[:RAW_ROWS]))
    write_csv("hellaswag-raw-20.csv", ["ctx", "endings", "gold"], map(raw_ending, hellaswag[:RAW_ROWS]))


def freeform(number: int, row: dict) -> dict:
    return {
        "id": f"gsm8k-test-{number:04}",
        "type": "freeform",
        "inputs": {"text": row["question"]},
        "answer": final_number(row),
        "checker": {"scorer": "numeric"},
    }


def rotated(number: int, row: dict) -> dict:
    """Rotates the choices. The source has the right one first, so a model that always says A would be right."""
    choices = row["choices"]
    shift = number % len(choices)
    right = (row["expected_index"] + shift) % len(choices)
    return mcq(row["id"], row["question"], choices[-shift:] + choices[:-shift] if shift else choices, right)


def mcq(identity: str, text: str, choices: list, right: int) -> dict:
    return {
        "id": identity,
        "type": "mcq_single",
        "inputs": {"text": text},
        "choices": choices,
        "answer": LETTERS[right],
    }


def final_number(row: dict) -> str:
    return row["answer"].rsplit("####", 1)[1].strip().replace(",", "")


def raw_ending(row: dict) -> list:
    return [row["ctx"], json.dumps(row["endings"], ensure_ascii=False), LETTERS[row["expected_index"]]]


def rows(path: Path) -> list:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_jsonl(name: str, items) -> None:
    with (HERE / name).open("w", encoding="utf-8", newline="\n") as out:
        for item in items:
            out.write(json.dumps(item, ensure_ascii=False, separators=(",", ":")) + "\n")


def write_csv(name: str, header: list, records) -> None:
    with (HERE / name).open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(header)
        table.writerows(records)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
