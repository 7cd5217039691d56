"""Measures that the results of a year of runs do not slow a run of today, and that half of them go without stopping it.

The old runs are made inside the database: each month has its partition, as if runmill had worked for a year.
"""

import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from installation import TOKEN, Api, Cluster, Failed, Folder, cluster, query
from measured import usage
from parts import MODEL, Row

# Results of each old run.
RESULTS_PER_RUN = 5_000
# Answers of each kind whose time is measured.
ANSWERS = 50
# Age from which runs are removed: half of the year.
OLDER_THAN_DAYS = 182
PRUNE_TIMEOUT_S = 900

# A run's id at a time: UUIDv7 begins with 48 bits of milliseconds.
MADE = """
CREATE FUNCTION first_id(made timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT rpad(lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0'), 32, '0')::uuid $$;
DO $$
DECLARE month timestamptz; made text;
BEGIN
    FOREACH made IN ARRAY ARRAY['invocations', 'results'] LOOP
        EXECUTE format('DROP TABLE %I', made || '_first');
        FOR month IN SELECT generate_series(date_trunc('month', now()) - interval '12 months',
                                            date_trunc('month', now()), interval '1 month') LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                made || to_char(month, '_YYYY_MM'), made, first_id(month), first_id(month + interval '1 month'));
        END LOOP;
    END LOOP;
END $$;
CREATE TABLE old AS
    SELECT n, made, (left(first_id(made)::text, 13) || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS id
    FROM (SELECT n, now() - interval '1 day' - n * (interval '364 days' / {runs}) AS made
          FROM generate_series(1, {runs}) AS n) AS times;
"""
RUNS = """
INSERT INTO datasets SELECT id, 'old', 'none', {each}, made FROM old WHERE n = {runs};
INSERT INTO runs (id, provider_id, model, dataset_id, config, priority, status, total, fed, deferred, epoch, seq, stats,
                  created_at, started_at, finished_at, retry_count, resumed_count)
SELECT id, id, 'm', (SELECT id FROM datasets WHERE name = 'old'), '{{}}', 1, 'completed', {each}, {each}, 0, 0, 20,
       '{{"outcomes":{{"succeeded":{each}}},"errors":{{}},"scored":0,"score_sum":0.0,"score_square_sum":0.0,"calls":{each},'
       '"retries":0,"duplicates":0,"usage":{{"prompt_tokens":3,"completion_tokens":1,"cached_tokens":0,'
       '"reasoning_tokens":0}},"cost_nanousd":null,"latencies":[[5,1]]}}',
       made, made, made + interval '1 hour', 0, 0
FROM old;
INSERT INTO run_events SELECT id, seq, seq, true, '[]' FROM old, generate_series(1, 20) AS seq;
"""
RESULTS = """
INSERT INTO results (run_id, ordinal, sample, item_id, invocation_id, outcome, error_kind, response, settled_at)
SELECT id, item, 0, 'q' || item, gen_random_uuid(), CASE item % 50 WHEN 0 THEN 'failed' ELSE 'succeeded' END,
       CASE item % 50 WHEN 0 THEN 'timeout' END, repeat('The answer is 42. ', 5), made
FROM old, generate_series(0, {each} - 1) AS item WHERE n BETWEEN {first} AND {last};
INSERT INTO invocations (run_id, id, ordinal, sample, provider_id, model, outcome, attempts, usage, streamed, started_at,
                         latency_ms)
SELECT id, gen_random_uuid(), item, 0, id, 'm', 'succeeded',
       '[{{"started_at":"2026-01-01T00:00:00Z","latency_ms":250,"status":200}}]',
       '{{"prompt_tokens":10,"completion_tokens":5}}', true, made, 250
FROM old, generate_series(0, {each} - 1) AS item WHERE n BETWEEN {first} AND {last};
"""
RUNS_AT_ONCE = 100


@dataclass(frozen=True)
class Side:
    """A cluster, and what a run needs in it."""

    cluster: Cluster
    api: Api
    provider: str
    dataset: str

    def start(self) -> str:
        new = {"provider_id": self.provider, "model": MODEL, "dataset_id": self.dataset}
        return self.api.post("/runs", new)["id"]

    def cpu_us(self, items: int) -> tuple[float, float]:
        """Returns the CPU an item of a run: of runmill's processes, and of the database's sessions if it is on this machine."""
        before, sessions = self._services(), _sessions(self.cluster.database_url)
        self.api.ended(self.start(), timeout_s=60 + items / 20)
        after, later = self._services(), _sessions(self.cluster.database_url)
        database = sum(later[pid] - sessions[pid] for pid in sessions.keys() & later.keys())
        return 1e6 * (after - before) / items, 1e6 * database / items

    def _services(self) -> float:
        return sum(service.usage().cpu_s for service in self.cluster.services.values())


def measure(
    runmill: Path, work: Folder, base_url: str, items: int, concurrency: int, results: int, rounds: int
) -> Iterator[Row]:
    with cluster(runmill, work) as (first, first_api), cluster(runmill, work) as (second, second_api):
        yield "old runs, made", fill(second.database_url, results)
        empty, full = (
            Side(made, api, api.provider(base_url, concurrency), api.dataset(items))
            for made, api in ((first, first_api), (second, second_api))
        )
        yield from slowed(empty, full, items, rounds)
        yield from answers(full)
        yield from pruned(runmill, work, full)


def fill(url: str, results: int) -> str:
    """Makes the old runs. Returns their numbers."""
    runs, began = results // RESULTS_PER_RUN, time.monotonic()
    query(url, MADE.format(runs=runs))
    query(url, RUNS.format(runs=runs, each=RESULTS_PER_RUN))
    for first in range(1, runs + 1, RUNS_AT_ONCE):
        query(url, RESULTS.format(each=RESULTS_PER_RUN, first=first, last=first + RUNS_AT_ONCE - 1))
    query(url, "VACUUM (ANALYZE)")
    query(url, "CHECKPOINT")
    size = query(url, "SELECT pg_size_pretty(pg_database_size(current_database()))")
    found = query(url, "SELECT count(*) FROM results")
    return f"{int(found):,} results of {runs:,} runs, {size}, in {time.monotonic() - began:,.0f} s"


def slowed(empty: Side, full: Side, items: int, rounds: int) -> Iterator[Row]:
    """Yields the CPU an item beside no old runs and beside all of them, in turn, so that the machine is the same."""
    found: dict[str, list[tuple[float, float]]] = {"empty": [], "full": []}
    for turn in range(rounds):
        sides = [("empty", empty), ("full", full)]
        for name, side in sides if turn % 2 == 0 else reversed(sides):
            found[name].append(side.cpu_us(items))
    for kind, place in (("runmill", 0), ("PostgreSQL's sessions", 1)):
        values = {name: [round[place] for round in rounds] for name, rounds in found.items()}
        medians = {name: statistics.median(these) for name, these in values.items()}
        yield f"old runs, CPU an item, {kind}", (
            f"{medians['full']:,.0f} us, {medians['empty']:,.0f} us in an empty database: "
            f"{medians['full'] / medians['empty']:.3f} (each round: "
            + ", ".join(f"{full / empty:.3f}" for full, empty in zip(values["full"], values["empty"]))
            + ")"
        )


def answers(full: Side) -> Iterator[Row]:
    run = full.api.get("/runs?limit=1")["items"][0]["id"]
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86400 * OLDER_THAN_DAYS))
    for name, path in (("list of 100 runs", "/runs?limit=100"), ("one run", f"/runs/{run}"),
                       ("100 results", f"/runs/{run}/results?limit=100"),
                       ("100 ended runs", f"/runs?ended_before={before}")):
        took_ms = []
        for _ in range(ANSWERS):
            started = time.monotonic()
            full.api.get(path)
            took_ms.append(1000 * (time.monotonic() - started))
        yield f"old runs, {name}", f"{statistics.median(took_ms):.1f} ms, at most {max(took_ms):.1f} of {ANSWERS}"


def pruned(runmill: Path, work: Folder, full: Side) -> Iterator[Row]:
    """Yields the rate of runs of today without and with the removal of half of the old results."""
    url = full.cluster.database_url
    quiet = rates(full, lambda seconds: seconds >= 20)
    command = [str(runmill), "prune", "--older-than", f"{OLDER_THAN_DAYS}d", "--server", full.api.url]
    with work.log("prune").open("wb") as log:
        began = time.monotonic()
        pruning = subprocess.Popen(command, env=os.environ | {"RUNMILL_TOKEN": TOKEN}, stdout=log, stderr=log)
        took: list[float] = []

        def is_done(seconds: float) -> bool:
            if seconds > PRUNE_TIMEOUT_S:
                raise Failed(f"the removal took more than {PRUNE_TIMEOUT_S} s")
            if pruning.poll() is None or int(query(url, "SELECT count(*) FROM removals")):
                return False
            took.append(time.monotonic() - began)
            return True

        busy = rates(full, is_done)
    if pruning.wait():
        raise Failed(f"runmill prune: {work.log('prune').read_text()}")
    left = int(query(url, "SELECT count(*) FROM results"))
    yield "old runs, prune", work.log("prune").read_text().strip()
    yield "old runs, deletion", f"{took[0]:,.0f} s until all rows are gone; {left:,} results stay"
    yield "old runs, rate", (
        f"{statistics.mean(busy):,.0f} items/s meanwhile, {statistics.mean(quiet):,.0f} before; "
        f"the slowest second {min(busy):,.0f}, before {min(quiet):,.0f}"
    )


def rates(full: Side, is_done) -> list[float]:
    """Works on one run after another until `is_done`. Returns the number of results in each second within a run."""
    began, found, settled, run = time.monotonic(), [], 0, full.start()
    last = began
    while not found or not is_done(time.monotonic() - began):
        time.sleep(1)
        seen = full.api.get(f"/runs/{run}")
        now = time.monotonic()
        if seen["status"] == "completed":
            run, settled = full.start(), 0
        else:
            found.append((seen["counters"]["settled"] - settled) / (now - last))
            settled = seen["counters"]["settled"]
        last = now
    full.api.post(f"/runs/{run}/cancel")
    while full.api.get(f"/runs/{run}")["finished_at"] is None:
        time.sleep(0.2)
    # The first second of the first run has its beginning.
    return found[1:] or found


def _sessions(url: str) -> dict[str, float]:
    """Returns the CPU seconds of each session of the database, if its processes are on this machine."""
    pids = query(url, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                      "AND application_name = 'runmill'").split()
    found = {}
    for pid in pids:
        if Path(f"/proc/{pid}").exists():
            try:
                found[pid] = usage(int(pid)).cpu_s
            except OSError:
                continue
    return found
