"""Tables: JSON lines, CSV and Parquet, as people's tools read them."""

import json
import math
from unittest import TestCase

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.parquet

import runs

INTS, DOUBLES = ("ordinal", "sample", "images", "attempts", "prompt_tokens", "completion_tokens", "cached_tokens",
                 "reasoning_tokens"), ("score", "cost_usd", "latency_ms", "ttft_ms")
LISTS, TIMES = ("choices", "references"), ("started_at", "settled_at")
JSON = ("tool_calls", "logprobs", "meta", "verdicts")


def flat(row: dict, run_id: str) -> dict:
    """Returns a row of the API as the table has it."""
    score, call = row["score"] or {}, row["call"] or {}
    usage = call.get("usage") or {}
    cells = {name: row.get(name) for name in (
        "item_id", "ordinal", "sample", "outcome", "error_kind", "error", "question", "images", "choices", "references",
        "response", "reasoning", "invocation_id", "reused_from", "settled_at", "prompt", *JSON,
    )}
    cells |= {"score": score.get("value"), "scorer": score.get("scorer"), "extracted": score.get("extracted")}
    cells |= {name: call.get(name) for name in ("provider_id", "model", "attempts", "cost_usd", "latency_ms", "ttft_ms",
                                                "started_at")}
    cells |= {name: usage.get(name) for name in ("prompt_tokens", "completion_tokens", "cached_tokens",
                                                 "reasoning_tokens")}
    return cells | {"run_id": run_id, "score_detail": score.get("detail")}


def plain(cells: dict) -> dict:
    """Returns the cells of any reader in one form: None for what is missing, texts for times."""
    return {name: simple(name, value) for name, value in cells.items() if name != "verdict"}


def simple(name: str, value: object) -> object:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or value is pandas.NaT or isinstance(value, float) and math.isnan(value):
        return None
    if name in TIMES:
        return pandas.Timestamp(value).tz_convert("UTC")
    if name in JSON and isinstance(value, str):
        return json.loads(value)
    if name in INTS:
        return int(value)
    return float(value) if name in DOUBLES else value


class Parquet(TestCase):
    maxDiff = None

    def test_each_reader_finds_the_rows(self) -> None:
        for run in runs.all_runs():
            path = str(run.export("parquet", ".parquet"))
            want = [plain(flat(row, run.id)) for row in run.rows]
            self.assertTrue(want)
            readers = {
                "duckdb": duckdb.sql(f"SELECT * FROM '{path}'").df().to_dict("records"),
                "pandas": pandas.read_parquet(path).to_dict("records"),
                "polars": polars.read_parquet(path).to_dicts(),
                "pyarrow": pyarrow.parquet.read_table(path).to_pylist(),
            }
            for reader, rows in readers.items():
                with self.subTest(reader, run=run.id):
                    self.assertEqual([plain(row) for row in rows], want)

    def test_columns_have_their_types_whatever_is_in_them(self) -> None:
        schemas = [pyarrow.parquet.read_schema(run.export("parquet", ".parquet")) for run in runs.all_runs()]
        for schema in schemas:
            self.assertTrue(schema.equals(schemas[0]), schema)
        for name in INTS:
            self.assertEqual(schemas[0].field(name).type, pyarrow.int64(), name)
        for name in DOUBLES:
            self.assertEqual(schemas[0].field(name).type, pyarrow.float64(), name)
        for name in TIMES:
            self.assertEqual(schemas[0].field(name).type, pyarrow.timestamp("us", "UTC"), name)
        for name in LISTS:
            self.assertTrue(pyarrow.types.is_list(schemas[0].field(name).type), name)
        about = json.loads(schemas[0].metadata[b"runmill.run"])
        self.assertEqual(about["id"], runs.answered().id)

    def test_files_of_several_runs_are_one_table(self) -> None:
        paths = [str(run.export("parquet", ".parquet")) for run in (runs.silent(), runs.answered(), runs.failing())]
        count = sum(len(run.rows) for run in (runs.silent(), runs.answered(), runs.failing()))
        self.assertEqual(duckdb.sql(f"SELECT count(*) FROM read_parquet({paths})").fetchall(), [(count,)])
        self.assertEqual(polars.read_parquet(paths).height, count)
        self.assertEqual(len(pandas.read_parquet(paths)), count)
        scores = duckdb.sql(f"SELECT avg(score) FROM read_parquet({paths}) WHERE run_id = '{runs.answered().id}'")
        self.assertAlmostEqual(scores.fetchall()[0][0], runs.answered().run["score"]["mean"])


class Lines(TestCase):
    maxDiff = None

    def test_lines_are_the_rows(self) -> None:
        for run in runs.all_runs():
            path = run.export("jsonl", ".jsonl")
            self.assertEqual([json.loads(line) for line in path.read_text().splitlines()], run.rows)
            frame = duckdb.sql(f"SELECT item_id FROM read_json('{path}')").fetchall()
            self.assertEqual(sorted(row[0] for row in frame), sorted(row["item_id"] for row in run.rows))


class Csv(TestCase):
    maxDiff = None

    def test_cells_are_those_of_the_rows(self) -> None:
        for run in runs.all_runs():
            path = run.export("csv", ".csv")
            frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
            rows = run.rows
            self.assertEqual(list(frame["item_id"]), [row["item_id"] for row in rows])
            self.assertEqual(list(frame["answer"]), [row["response"] or "" for row in rows])
            self.assertEqual(list(frame["question"]), [row["question"] or "" for row in rows])
            self.assertEqual(list(frame["sample"]), [str(row["sample"]) for row in rows])
            values = [(row["score"] or {}).get("value") for row in rows]
            self.assertEqual(list(frame["score"]), ["" if value is None else f"{value:g}" for value in values])
            self.assertEqual(len(duckdb.sql(f"SELECT * FROM read_csv('{path}', all_varchar=true)").df()), len(rows))
        # Fields of the items, of which one has the name of another column.
        frame = pandas.read_csv(runs.answered().export("csv", ".csv"), dtype=str, keep_default_na=False)
        choice = frame[frame["item_id"] == "choice"].iloc[0]
        self.assertEqual((choice["topic"], choice["meta.score"], choice["level"]), ("späße", "0.5", ""))
