"""Prints each sample of the details in a folder of results, as JSON on a line of its own."""

import json
import math
import sys
from pathlib import Path

import pyarrow.parquet as parquet


def plain(value: object) -> object:
    """Returns a value without what JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): plain(it) for key, it in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(it) for it in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def reference(doc: dict) -> list[str]:
    choices, gold = doc.get("choices") or [], doc.get("gold_index")
    places = gold if isinstance(gold, list) else [gold]
    return [str(choices[place]) for place in places if isinstance(place, int) and 0 <= place < len(choices)]


def sample(row: dict) -> dict:
    doc, answered = row["doc"], row["model_response"]
    return {
        "task": doc.get("task_name"),
        "id": str(doc.get("id")),
        "question": doc.get("query"),
        "reference": reference(doc),
        "answers": [text or "" for text in answered.get("text") or []],
        "metrics": row["metric"] or {},
    }


for path in sorted(Path(sys.argv[1]).glob("details/**/*.parquet")):
    for batch in parquet.ParquetFile(path).iter_batches(batch_size=256):
        for row in batch.to_pylist():
            print(json.dumps(plain(sample(row)), ensure_ascii=False), flush=False)
