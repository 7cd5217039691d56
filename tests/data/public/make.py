#!/usr/bin/env python3
"""Makes the files beside this script: rows of our own, in the forms in which well-known data sets and tools have theirs.

    pip install pandas pyarrow
    python3 make.py

The tables are written by pandas and pyarrow, so that lists stand in them as these tools write lists.
"""

import gzip
import io
import json
from pathlib import Path

import pandas

HERE = Path(__file__).parent

ARC = [
    {"id": "Own_1", "question": "Which of these conducts electricity best?",
     "choices": {"text": ["wood", "copper", "glass", "rubber"], "label": ["A", "B", "C", "D"]}, "answerKey": "B"},
    {"id": "Own_2", "question": "How many legs has an insect?",
     "choices": {"text": ["4", "6", "8", "2"], "label": ["1", "2", "3", "4"]}, "answerKey": "2"},
]
MMLU = [
    {"question": "What is the derivative of x squared?", "subject": "college_mathematics",
     "choices": ["x", "2", "2x", "x squared"], "answer": 2},
    {"question": "Which is a prime number?", "subject": "elementary_mathematics",
     "choices": ["4", "3", "6", "1"], "answer": 1},
]
HELLASWAG = [
    {"ind": 7, "activity_label": "Baking", "ctx_a": "A man mixes flour and water.", "ctx_b": "he",
     "ctx": "A man mixes flour and water. he",
     "endings": ["drives away in it.", "kneads the dough on a table.", "paints it blue.", "sings it's song."],
     "source_id": "own~1", "split": "val", "split_type": "indomain", "label": "1"},
    {"ind": 8, "activity_label": "Rowing", "ctx_a": "Two women carry a boat to a lake.", "ctx_b": "they",
     "ctx": "Two women carry a boat to a lake. they",
     "endings": ["row across.", "eat it.", "fold it.", "read it aloud."],
     "source_id": "own~2", "split": "val", "split_type": "indomain", "label": "0"},
]
GSM8K = [
    {"question": "A box has 12 eggs. How many eggs have 100 boxes?",
     "answer": "100 boxes have 100*12 = <<100*12=1200>>1200 eggs.\n#### 1,200"},
    {"question": "Ann has 3 coins and finds 4. How many has she?", "answer": "She has 3+4 = <<3+4=7>>7.\n#### 7"},
]
TRUTHFULQA = [
    {"question": "Do goldfish forget everything after three seconds?",
     "mc1_targets": {"choices": ["No, they remember for months.", "Yes."], "labels": [1, 0]},
     "mc2_targets": {"choices": ["No, they remember for months.", "No.", "Yes."], "labels": [1, 1, 0]}},
    {"question": "Is glass a slow liquid?",
     "mc1_targets": {"choices": ["Yes.", "No, it is a solid."], "labels": [0, 1]},
     "mc2_targets": {"choices": ["Yes.", "No, it is a solid."], "labels": [0, 1]}},
]
HUMANEVAL = [
    {"task_id": "Own/0", "prompt": "def double(n: int) -> int:\n    \"\"\"Returns twice n.\"\"\"\n",
     "entry_point": "double", "canonical_solution": "    return 2 * n\n",
     "test": "def check(candidate):\n    assert candidate(3) == 6\n"},
]
SQUAD = [
    {"id": "own1", "title": "Rivers", "context": "The Aare flows through Bern, the city of bears.",
     "question": "Through which city does the Aare flow?",
     "answers": {"text": ["Bern", "Bern, the city of bears"], "answer_start": [23, 23]}},
    {"id": "own2", "title": "Rivers", "context": "The Aare flows through Bern.",
     "question": "How deep is the Aare?", "answers": {"text": [], "answer_start": []}},
]
INSPECT = [
    {"id": 1, "input": [{"role": "system", "content": "Answer in one word."},
                        {"role": "user", "content": "What is the capital of Peru?"}],
     "target": ["Lima", "Lima, Peru"], "metadata": {"topic": "capitals"}},
    {"id": 2, "input": "What is the capital of Chile?", "target": "Santiago", "metadata": {"topic": "capitals"}},
]
PROMPTFOO = [
    {"question": "What colour is a clear sky?", "style": "short", "__expected": "icontains:blue"},
    {"question": "6 x 7?", "style": "short", "__expected": "equals:42"},
]
LM_EVAL = [
    {"doc_id": 0, "doc": {"question": "What is 6 x 7?", "answer": "It is 42.\n#### 42"}, "target": "It is 42.\n#### 42",
     "arguments": {"gen_args_0": {"arg_0": "Question: What is 6 x 7?\nAnswer:", "arg_1": {"until": ["Question:"]}}},
     "resps": [["42"]], "filtered_resps": ["42"], "exact_match": 1.0},
]
OPENAI_EVALS = [
    {"input": [{"role": "system", "content": "Translate to French."}, {"role": "user", "content": "dog"}],
     "ideal": ["chien", "le chien"]},
    {"input": [{"role": "system", "content": "Translate to French."}, {"role": "user", "content": "cat"}], "ideal": "chat"},
]


def main() -> None:
    jsonl("arc.jsonl", ARC)
    jsonl("gsm8k.jsonl", GSM8K)
    jsonl("inspect.jsonl", INSPECT)
    jsonl("lm-eval.jsonl", LM_EVAL)
    jsonl("openai-evals.jsonl", OPENAI_EVALS)
    (HERE / "truthfulqa.json").write_text(json.dumps(TRUTHFULQA, indent=2) + "\n")
    (HERE / "humaneval.jsonl.gz").write_bytes(gzip.compress(lines(HUMANEVAL).encode(), mtime=0))
    pandas.DataFrame(MMLU).to_parquet(HERE / "mmlu.parquet", index=False)
    # Written and read as Parquet first, lists are numpy's, as they are for who loads a data set and exports it.
    table = io.BytesIO()
    pandas.DataFrame(HELLASWAG).to_parquet(table, index=False)
    pandas.read_parquet(table).to_csv(HERE / "hellaswag.csv", index=False)
    pandas.DataFrame(SQUAD).to_parquet(HERE / "squad.parquet", index=False, compression="zstd")
    pandas.DataFrame(PROMPTFOO).to_csv(HERE / "promptfoo.csv", index=False)


def lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def jsonl(name: str, rows: list[dict]) -> None:
    (HERE / name).write_text(lines(rows))


if __name__ == "__main__":
    main()
