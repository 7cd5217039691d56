#!/usr/bin/env python3
"""Makes the files beside this script: rows of our own, in the forms in which well-known data sets and tools have theirs.

    pip install pandas pyarrow datasets openpyxl
    python3 make.py

The tables are written by pandas, pyarrow, datasets and openpyxl, so that values stand in them as these tools write them.
"""

import datetime
import decimal
import gzip
import io
import json
import shutil
import tempfile
from pathlib import Path

import datasets
import pandas
import pyarrow
from pyarrow import feather, ipc, parquet

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

# A column of each type, whose values are the same in Parquet and Arrow.
MOMENT = datetime.datetime(2026, 12, 1, 10, 0, 0, 250000)
TYPES = {
    "text": (pyarrow.string(), ["Gr\u00fcn", "", None]),
    "large_text": (pyarrow.large_string(), ["a\nb", "x", None]),
    "coded_text": (pyarrow.dictionary(pyarrow.int32(), pyarrow.string()), ["red", "blue", "red"]),
    "nothing": (pyarrow.null(), [None, None, None]),
    "truth": (pyarrow.bool_(), [True, False, None]),
    "small": (pyarrow.int8(), [-1, 0, None]),
    "large": (pyarrow.uint64(), [18446744073709551615, 0, None]),
    "half": (pyarrow.float16(), [0.5, 42.0, None]),
    "single": (pyarrow.float32(), [0.1, 42.0, None]),
    "double": (pyarrow.float64(), [42.0, float("nan"), float("-inf")]),
    "money": (pyarrow.decimal128(10, 2), [decimal.Decimal("5.10"), decimal.Decimal("-0.01"), None]),
    "whole": (pyarrow.decimal128(30, 0), [decimal.Decimal(10**29), decimal.Decimal(-7), None]),
    "day": (pyarrow.date32(), [MOMENT.date(), datetime.date(1969, 12, 31), None]),
    "second": (pyarrow.timestamp("s"), [MOMENT.replace(microsecond=0), None, None]),
    "milli": (pyarrow.timestamp("ms"), [MOMENT, None, None]),
    "micro": (pyarrow.timestamp("us", tz="UTC"), [MOMENT, None, None]),
    "nano": (pyarrow.timestamp("ns", tz="Europe/Zurich"), [MOMENT, None, None]),
    "clock": (pyarrow.time64("us"), [datetime.time(10, 30, 0, 250000), None, None]),
    "fine_clock": (pyarrow.time64("ns"), [datetime.time(10, 30), None, None]),
    "list": (pyarrow.list_(pyarrow.int64()), [[1, None], [], None]),
    "large_list": (pyarrow.large_list(pyarrow.string()), [["a", "b"], [], None]),
    "pair": (pyarrow.list_(pyarrow.int32(), 2), [[1, 2], [3, 4], None]),
    "moments": (pyarrow.list_(pyarrow.timestamp("ns")), [[MOMENT, MOMENT], [], None]),
    "object": (pyarrow.struct([("a", pyarrow.int32()), ("at", pyarrow.timestamp("ns"))]),
               [{"a": 1, "at": MOMENT}, {"a": None, "at": None}, None]),
    "objects": (pyarrow.list_(pyarrow.struct([("label", pyarrow.string()), ("text", pyarrow.string())])),
                [[{"label": "A", "text": "up"}], [], None]),
    "map": (pyarrow.map_(pyarrow.string(), pyarrow.int32()), [[('"a"', 1), ("b", None)], [], None]),
    "bytes": (pyarrow.binary(), [b"text", b"\xff\x00", None]),
    "fixed": (pyarrow.binary(4), [b"four", b"\xff\xff\xff\xff", None]),
}


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
    pandas.DataFrame(MMLU).to_feather(HERE / "mmlu.feather")
    saved("arc.arrow", ARC)
    types()
    workbook()


def saved(name: str, rows: list[dict]) -> None:
    """Writes rows as `datasets` saves a data set: an Arrow stream."""
    with tempfile.TemporaryDirectory() as folder:
        datasets.Dataset.from_list(rows).save_to_disk(folder)
        shutil.copyfile(Path(folder) / "data-00000-of-00001.arrow", HERE / name)


def types() -> None:
    """Writes a table of all types as Parquet, as an Arrow file and as streams, with each compression."""
    columns = {name: pyarrow.array(values, kind) for name, (kind, values) in TYPES.items()}
    table = pyarrow.table(columns)
    parquet.write_table(table, HERE / "types.parquet", store_schema=False)
    for compression in ["uncompressed", "lz4", "zstd"]:
        feather.write_feather(table, HERE / f"types-{compression}.feather", compression=compression, chunksize=2)
    with ipc.new_stream(HERE / "types-views.arrow", views(table).schema) as stream:
        stream.write_table(views(table))


def views(table: pyarrow.Table) -> pyarrow.Table:
    """Returns the table with texts, bytes and lists as views, as Polars and DuckDB write them."""
    kinds = {"text": pyarrow.string_view(), "bytes": pyarrow.binary_view(), "list": pyarrow.list_view(pyarrow.int64())}
    for name, kind in kinds.items():
        column = pyarrow.array(TYPES[name][1], kind)
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


def workbook() -> None:
    """Writes a workbook with cells of each type on its first sheet, and another sheet, as somebody's table is."""
    rows = [
        {" question ": "What is 6 x 7?", "answer": 42, "share": 0.1, "day": MOMENT.date(), "at": MOMENT, "known": True,
         "code": "007"},
        {" question ": "Gr\u00fcn,\nor red?", "answer": 42.5, "share": 0.1 + 0.2, "day": None, "at": None, "known": False},
        {" question ": "Why?", "answer": 1e20, "share": None, "day": None, "at": None, "known": None},
    ]
    with pandas.ExcelWriter(HERE / "workbook.xlsx", engine="openpyxl") as writer:
        pandas.DataFrame(rows).to_excel(writer, sheet_name="Questions", index=False)
        pandas.DataFrame({"note": ["not read"]}).to_excel(writer, sheet_name="Notes", index=False)
        sheet = writer.book["Questions"]
        sheet["I1"] = "kind"
        sheet["I3"], sheet["I4"] = "#N/A", "=1+1"
        writer.book.properties.created = writer.book.properties.modified = MOMENT


def lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def jsonl(name: str, rows: list[dict]) -> None:
    (HERE / name).write_text(lines(rows))


if __name__ == "__main__":
    main()
