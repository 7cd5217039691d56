"""Measures how fast the stored answers of a run are scored anew, in which memory, and that a killed dispatcher loses no step.

The run is made inside the database. Its provider does not exist, so a call would fail.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from installation import Api, Cluster, Failed, Folder, cluster, query
from measured import rss_mb
from parts import Row

MADE = """
CREATE FUNCTION id(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
INSERT INTO datasets (id, name, version_hash, item_count, created_at) VALUES (id(1), 'answers', 'none', {answers}, now());
INSERT INTO dataset_items SELECT id(1), n, 'q' || n, json_build_object('id', 'q' || n, 'type', 'freeform', 'inputs',
    json_build_object('text', 'How many clips did Natalia sell altogether, if she sold ' || n || ' of them in April?'),
    'answer', n::text)::text
FROM generate_series(0, {answers} - 1) AS n;
INSERT INTO runs (id, provider_id, model, dataset_id, config, priority, status, total, fed, deferred, epoch, seq, stats,
                  created_at, started_at, finished_at, retry_count, resumed_count)
VALUES (id(2), id(3), 'm', id(1), '{{}}', 1, 'completed', {answers}, {answers}, 0, 0, 0,
        '{{"outcomes":{{"succeeded":{answers}}}}}', now(), now(), now(), 0, 0);
INSERT INTO results (run_id, ordinal, sample, item_id, invocation_id, outcome, response, settled_at)
SELECT id(2), n, 0, 'q' || n, gen_random_uuid(), 'succeeded',
       'She sold half as many in May, so I add both months. The answer is ' || n + n % 2 || '.', now()
FROM generate_series(0, {answers} - 1) AS n;
"""
RUN = "/runs/run_01900000000070008000000000000002"
LOOK_S = 0.1
TIMEOUT_S = 600


def measure(runmill: Path, work: Folder, answers: int) -> Iterator[Row]:
    with cluster(runmill, work) as (made, api):
        query(made.database_url, MADE.format(answers=answers))
        query(made.database_url, "VACUUM (ANALYZE)")
        yield from whole(made, api, answers)
        yield from interrupted(made, api, answers)


def whole(made: Cluster, api: Api, answers: int) -> Iterator[Row]:
    before, most = rss_mb(made.services["dispatcher"].pid), 0.0
    began = time.monotonic()
    api.post(f"{RUN}/rescore", {"scoring": {"scorer": "numeric"}})
    while api.get(RUN)["rescoring"]:
        most = max(most, rss_mb(made.services["dispatcher"].pid))
        in_time(began)
        time.sleep(LOOK_S)
    took = time.monotonic() - began
    yield f"rescoring of {answers:,} answers", f"{answers / took:,.0f} answers/s, in {took:.1f} s"
    yield "rescoring, memory of the dispatcher", f"{before:.0f} MB before, {most:.0f} MB at most"
    check(api.get(RUN), answers)


def interrupted(made: Cluster, api: Api, answers: int) -> Iterator[Row]:
    began = time.monotonic()
    run = api.post(f"{RUN}/rescore", {"scoring": {"scorer": "numeric", "tolerance": 0}})
    while run["rescoring"]["done"] < answers / 4:
        in_time(began)
        time.sleep(LOOK_S)
        run = api.get(RUN)
        if not run["rescoring"]:
            raise Failed("the rescoring was over before the dispatcher was killed: use more answers")
    made.services["dispatcher"].kill()
    made.start_again("dispatcher")
    api.reconnect()
    found = api.get(RUN)["rescoring"]
    while api.get(RUN)["rescoring"]:
        in_time(began)
        time.sleep(LOOK_S)
    check(api.get(RUN), answers)
    yield "rescoring, dispatcher killed", (
        f"at {run['rescoring']['done']:,} answers when it was killed, at {found['done']:,} when it was back, and complete"
    )
    if found["done"] < run["rescoring"]["done"]:
        raise Failed("the rescoring has begun anew")


def in_time(began: float) -> None:
    if time.monotonic() - began > TIMEOUT_S:
        raise Failed(f"the rescoring took more than {TIMEOUT_S} s")


def check(run: dict, answers: int) -> None:
    """Every second answer is right."""
    score = run["score"]
    if score["scored"] != answers or abs(score["mean"] - 0.5) > 1e-6:
        raise Failed(f"the score is {score}")
    if run["counters"]["calls"]:
        raise Failed("a call was made")
