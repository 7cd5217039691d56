"""Measures the page of a run's results: how soon it answers and is painted, and what a browser and the server need for it."""

import http.client
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import exports
from installation import ROOT, TOKEN, Failed, Folder, cluster, query
from measured import rss_mb
from parts import Row

ROUNDS = 7
SCROLLED_ROWS = 100_000
BROWSER_TIMEOUT_S = 900
PAGE = f"/ui/runs/{exports.RUN}/results"
# Of the run of the exports, in which all answers are right.
CHANGES = (
    "UPDATE results SET outcome = 'failed', error_kind = 'total_timeout', error = 'timed out', response = NULL, score = NULL "
    "WHERE ordinal % 2500 = 7",
    "UPDATE results SET outcome = 'refused' WHERE ordinal % 250000 = 9",
    """UPDATE results SET score = '{"scorer":"numeric","value":0.0,"extracted":"7","detail":null}' WHERE ordinal % 100 = 3""",
    """UPDATE results SET score = '{"scorer":"numeric","value":null,"extracted":null,"detail":"none"}' WHERE ordinal % 200000 = 11""",
)
ASKED = {
    "no filter": "", "outcome=failed": "outcome=failed", "outcome=refused (1 of 250,000)": "outcome=refused",
    "outcome=canceled (none)": "outcome=canceled", "error_kind": "error_kind=total_timeout", "score=wrong": "score=wrong",
    "score=unscored (1 of 200,000)": "score=unscored", "a text of all": "text=answer", "a text of 10": "text=is 77777",
    "a text of none": "text=zebra", "sort=slowest": "sort=slowest", "sort=newest": "sort=newest", "sort=lowest": "sort=lowest",
}


def measure(runmill: Path, work: Folder, rows: int) -> Iterator[Row]:
    with cluster(runmill, work) as (made, api):
        expressions = exports.expressions()
        query(made.database_url, exports.MADE.format(rows=rows, attempts=exports.ATTEMPTS, usage=exports.USAGE, **expressions))
        for change in CHANGES:
            query(made.database_url, change)
        query(made.database_url, "VACUUM (ANALYZE)")
        yield from used("PostgreSQL", api.url, made.services["dispatcher"].pid, rows)
    with exports.standalone(runmill, work, rows) as (url, pid):
        with sqlite3.connect(next((work.path / "data").glob("*.db"))) as db:
            for change in CHANGES:
                db.execute(change)
        yield from used("SQLite", url, pid, rows)


def used(store: str, url: str, pid: int, rows: int) -> Iterator[Row]:
    before = rss_mb(pid)
    visitor = Visitor(url)
    for name, asked in ASKED.items():
        taken = [visitor.taken(f"{PAGE}?{urllib.parse.quote(asked, safe='=&')}") for _ in range(ROUNDS)]
        yield f"results of {rows:,}, {store}, {name}", f"{1e3 * statistics.median(taken):,.0f} ms ({1e3 * max(taken):,.0f} at most)"
    seen = browsed(url)
    yield f"results of {rows:,}, {store}, first paint", f"{seen['paint_ms']:.0f} ms (median of {seen['rounds']})"
    yield f"results of {rows:,}, {store}, after {seen['rows']:,} rows", (
        f"browser's heap {seen['heap_mb']:.0f} MB, {seen['nodes']:,} nodes, {seen['seconds']:.0f} s; server {rss_mb(pid) - before:+.0f} MB"
    )


class Visitor:
    """Someone who has signed in."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        form = urllib.parse.urlencode({"token": TOKEN})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": url, "Sec-Fetch-Site": "same-origin"}
        answer = self._ask("POST", "/ui/sign-in", form, headers)
        self._headers = {"Cookie": (answer.headers["set-cookie"] or "").partition(";")[0]}

    def taken(self, path: str) -> float:
        """Returns the seconds until a page was there."""
        began = time.monotonic()
        answer = self._ask("GET", path, None, self._headers)
        if answer.status != 200:
            raise Failed(f"GET {path}: {answer.status}")
        return time.monotonic() - began

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer


def browsed(url: str) -> dict:
    command = [sys.executable, str(ROOT / "tests/browser/run"), "--scroll", url + PAGE, str(SCROLLED_ROWS)]
    environment = os.environ | {"TOKEN": TOKEN}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=BROWSER_TIMEOUT_S, text=True)
    if done.returncode:
        raise Failed("the page could not be scrolled in a browser: see above")
    return json.loads(done.stdout.splitlines()[-1])
