"""Files for programs: lines of a batch, the archive, and test cases."""

import hashlib
import json
import zipfile
from unittest import TestCase
from xml.etree import ElementTree

import runs


class Batch(TestCase):
    def test_each_row_is_a_line(self) -> None:
        for run in runs.all_runs():
            lines = [json.loads(line) for line in run.export("batch", ".batch.jsonl").read_text().splitlines()]
            rows = run.rows
            self.assertEqual(len({line["custom_id"] for line in lines}), len(rows))
            for line, row in zip(lines, rows, strict=True):
                several = run.id == runs.answered().id
                self.assertEqual(line["custom_id"], f"{row['item_id']}#{row['sample']}" if several else row["item_id"])
                response = line["response"]
                if row["outcome"] != "succeeded":
                    self.assertGreaterEqual(response["status_code"], 400)
                    self.assertTrue(response["body"]["error"]["message"])
                    continue
                choice, usage = response["body"]["choices"][0], row["call"]["usage"]
                self.assertEqual(response["status_code"], 200)
                self.assertEqual((choice["message"]["content"], choice["finish_reason"]), (row["response"] or "", "stop"))
                self.assertEqual(response["body"]["usage"]["prompt_tokens"], usage["prompt_tokens"])


class Archive(TestCase):
    maxDiff = None

    def test_the_archive_has_what_its_manifest_says(self) -> None:
        for run in runs.all_runs():
            with zipfile.ZipFile(run.export("eval752", ".eval752.zip")) as archive:
                self.assertIsNone(archive.testzip())
                manifest = json.loads(archive.read("manifest.json"))
                for file in manifest["files"]:
                    content = archive.read(file["path"])
                    self.assertEqual(hashlib.sha256(content).hexdigest(), file["sha256"])
                    self.assertEqual(len(content), file["bytes"])
                lines = lambda name: [json.loads(line) for line in archive.read(name).decode().splitlines()]
                self.assertEqual(lines("results.jsonl"), run.rows)
                self.assertEqual(lines("invocations.jsonl"), run.calls)
                self.assertEqual(json.loads(archive.read("run.json"))["id"], run.id)
            self.assertEqual(manifest["is_complete"], run.run["status"] == "completed")


class Cases(TestCase):
    def test_each_row_is_a_case(self) -> None:
        for run in runs.all_runs():
            suite = ElementTree.parse(run.export("junit", ".junit.xml")).getroot().find("testsuite")
            cases = suite.findall("testcase")
            self.assertEqual((len(cases), suite.get("tests")), (len(run.rows), str(len(run.rows))))
            failed = sum(row["outcome"] == "failed" for row in run.rows)
            self.assertEqual((len(suite.findall("testcase/error")), suite.get("errors")), (failed, str(failed)))
