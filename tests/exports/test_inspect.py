"""Logs of inspect, by its own readers and its viewer."""

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import TestCase

from inspect_ai.analysis import evals_df, samples_df
from inspect_ai.log import (
    list_eval_logs, read_eval_log, read_eval_log_sample, read_eval_log_sample_summaries, read_eval_log_samples,
)

import runs

STATUS = {"completed": "success", "running": "started", "pending": "started"}


class Logs(TestCase):
    maxDiff = None

    def test_a_log_has_the_run(self) -> None:
        for run in runs.all_runs():
            log, about, rows = read_eval_log(str(run.export("eval", ".eval"))), run.run, run.rows
            self.assertEqual((log.status, log.eval.model), (STATUS[about["status"]], about["model"]))
            self.assertEqual((log.eval.task, log.eval.run_id), (about["name"], run.id))
            ids = list(dict.fromkeys(row["item_id"] for row in rows))
            self.assertEqual((log.eval.dataset.sample_ids, len(log.samples)), (ids, len(rows)))
            scores = {score.name: score for score in log.results.scores}
            if about["score"]["mean"] is not None and len(set(scores) - {"judge"}) == 1:
                (name,) = set(scores) - {"judge"}
                self.assertAlmostEqual(scores[name].metrics["mean"].value, about["score"]["mean"])
            self.assertEqual("judge" in scores, bool(about["judges"]))

    def test_each_sample_is_its_row(self) -> None:
        self.assertTrue(all(row["verdicts"] for row in runs.answered().rows))
        for run in runs.all_runs():
            path = str(run.export("eval", ".eval"))
            for row in run.rows:
                with self.subTest(run=run.id, item=row["item_id"], sample=row["sample"]):
                    self.compare(read_eval_log_sample(path, row["item_id"], row["sample"] + 1), row)

    def compare(self, sample, row: dict) -> None:
        self.assertEqual((sample.input, sample.uuid), (row["question"] or "", row["invocation_id"]))
        target = [sample.target] if isinstance(sample.target, str) else sample.target
        self.assertEqual([text for text in target if text], row["references"])
        self.assertEqual(sample.choices, row["choices"] or None)
        self.assertEqual(sample.output.completion, row["response"] or "")
        self.assertEqual(sample.error is not None, row["outcome"] == "failed")
        if row["error"]:
            self.assertIn(row["error"], sample.error.message)
        values = {row["score"]["scorer"]: row["score"]["value"]} if row["score"] else {}
        values |= {"judge": verdict["value"] for verdict in row.get("verdicts", [])}
        want = {name: value for name, value in values.items() if value is not None}
        self.assertEqual({name: score.value for name, score in (sample.scores or {}).items()}, want)
        prompt = [(turn["role"], turn["content"]) for turn in row["prompt"]]
        self.assertEqual([(it.role, it.text) for it in sample.messages][:len(prompt)], prompt)
        if row["call"] and row["call"]["usage"]:
            usage, (model, used) = row["call"]["usage"], next(iter(sample.model_usage.items()))
            self.assertEqual(model, row["call"]["model"])
            self.assertEqual(used.total_tokens, usage["prompt_tokens"] + usage["completion_tokens"])
            self.assertEqual(used.reasoning_tokens, usage["reasoning_tokens"])

    def test_samples_are_read_one_after_the_other(self) -> None:
        for run in runs.all_runs():
            path, rows = str(run.export("eval", ".eval")), run.rows
            found = list(read_eval_log_samples(path, all_samples_required=False))
            by_place = sorted((sample.id, sample.epoch) for sample in found)
            self.assertEqual(by_place, sorted((row["item_id"], row["sample"] + 1) for row in rows))
            self.assertEqual(len(read_eval_log_sample_summaries(path)), len(rows))

    def test_dataframes_have_the_samples(self) -> None:
        run = runs.answered()
        path, rows = str(run.export("eval", ".eval")), run.rows
        frame = samples_df(path)
        self.assertEqual(list(frame["sample_id"]), [row["invocation_id"] for row in rows])
        self.assertEqual(list(frame["id"]), [row["item_id"] for row in rows])
        self.assertEqual(len(evals_df(path)), 1)
        failing = runs.failing()
        errors = [bool(text) for text in samples_df(str(failing.export("eval", ".eval")))["error"]]
        self.assertEqual(errors, [row["outcome"] == "failed" for row in failing.rows])
        self.assertEqual(set(errors), {False, True})

    def test_the_viewer_takes_the_logs(self) -> None:
        with TemporaryDirectory() as folder:
            logs, bundle = Path(folder, "logs"), Path(folder, "bundle")
            logs.mkdir()
            for run in runs.all_runs():
                run.export("eval", ".eval").rename(logs / f"2026-01-01T00-00-00-00-00_task_{run.id}.eval")
            self.assertEqual(len(list_eval_logs(str(logs))), len(runs.all_runs()))
            command = ["inspect", "view", "bundle", "--log-dir", logs, "--output-dir", bundle]
            subprocess.run(command, check=True, capture_output=True, text=True)
            listing = json.loads((bundle / "logs/listing.json").read_text())
            self.assertEqual({about["run_id"] for about in listing.values()}, {run.id for run in runs.all_runs()})
