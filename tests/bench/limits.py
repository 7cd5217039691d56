"""Measures how fully a fleet of executors uses a provider's limits, and that it does not exceed them.

All figures are from the gateway's own record of calls.
"""

import json
import statistics
import time
import urllib.request
from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from installation import Cluster, Failed, Folder, cluster, gateway, query
from parts import Row

FLEETS = (1, 3, 8)
# Time from the start of a run until its lanes are in a steady state, if the limits are stated.
WARM_S = 15
# Records that the gateway keeps, of about 300 bytes.
CALLS_KEPT = 400_000
PAGE = 10_000
# Time for which the fleet is observed after one of its executors was killed.
AFTER_KILL_S = 40
WINDOW_US = 5_000_000
STEP_US = 100_000
MINUTE_US = 60_000_000
ROUNDS = 3
# Limits that are checked at each call and never reached.
UNREACHED = {"rpm": 10_000_000, "tpm": 1_000_000_000}


@dataclass(frozen=True)
class Load:
    model: str
    rate_limit: dict
    executors: int
    warm_s: float
    seconds: float
    # Calls per second that the limits allow.
    limit: float


@dataclass(frozen=True)
class Seen:
    """Calls of one load: all accepted ones, and the counts of its steady state."""

    answers_per_s: float
    refused: float
    in_flight: int
    in_minute: int
    exchanges_per_s: float


def measure(runmill: Path, work: Folder, seconds: float, hidden_s: float) -> Iterator[Row]:
    """Yields all rows; `seconds` of each steady state, and `hidden_s` until a hidden limit is found."""
    for executors in FLEETS:
        load = Load("lorem+ttft=200ms", {"concurrency": 8}, executors, WARM_S, seconds, 8 / 0.2)
        yield row("concurrency 8, 0.2 s", load, seen := run(runmill, work, load), of_concurrency(seen, 8))
        yield f"exchanges of {executors} executors", f"{seen.exchanges_per_s:.2f} a second"
    load = Load("lorem+ttft=1s", {"concurrency": 512}, 3, WARM_S, seconds, 512)
    yield row("concurrency 512, 1 s", load, seen := run(runmill, work, load), of_concurrency(seen, 512))
    for load in (
        Load("lorem+ttft=200ms", {"concurrency": 8}, 3, WARM_S, AFTER_KILL_S, 8 / 0.2),
        Load("lorem+ttft=1s", {"concurrency": 512}, 3, WARM_S, AFTER_KILL_S, 512),
    ):
        name = f"{load.model}, {load.rate_limit}, one of {load.executors} executors killed"
        yield name, f"95 % of the limit again after {recovery(runmill, work, load):.1f} s"
    for executors in FLEETS:
        load = Load("lorem+ttft=200ms", {"concurrency": 64, "rpm": 600}, executors, 60, max(seconds, 60), 10)
        seen = run(runmill, work, load)
        yield row("rpm 600", load, seen, f"most in a sliding minute {seen.in_minute} of 600")
    for words, limit in (("rps=10", 10), ("slots=40", 200)):
        for executors in FLEETS:
            load = Load(f"lorem+ttft=200ms+{words}", {}, executors, hidden_s, seconds, limit)
            seen = run(runmill, work, load)
            yield row(f"hidden {words}", load, seen, f"{100 * seen.refused:.2f} % answered 429")
    yield from cost(runmill, work, seconds)


def cost(runmill: Path, work: Folder, seconds: float) -> Iterator[Row]:
    """Yields the throughput with rates that are checked and never reached, and without, in turns."""
    def answers(rate_limit: dict) -> float:
        load = Load("lorem+ttft=200ms", {"concurrency": 512} | rate_limit, 1, WARM_S, seconds, 2560)
        return run(runmill, work, load).answers_per_s

    pairs = [(answers(UNREACHED), answers({})) for _ in range(ROUNDS)]
    with_rates, without = (statistics.median(column) for column in zip(*pairs))
    ratio = statistics.median(limited / free for limited, free in pairs)
    yield "concurrency 512, 0.2 s, with and without rates", (
        f"{with_rates:,.0f} and {without:,.0f} calls/s, ratio {ratio:.3f} (median of {ROUNDS})"
    )


def recovery(runmill: Path, work: Folder, load: Load) -> float:
    """Returns the seconds from the death of an executor to the first five that have 95 % of the limit again."""
    killed = 0.0

    def kill(made: Cluster) -> None:
        nonlocal killed
        killed = 1e6 * time.time()
        made.services["executor-2"].kill()

    calls, _, end, _ = record(runmill, work, load, kill)
    ends = sorted(call["out_us"] for call in calls if call["status"] == 200)
    for after in range(int(killed), int(end - WINDOW_US), STEP_US):
        if bisect(ends, after + WINDOW_US) - bisect(ends, after) >= 0.95 * load.limit * WINDOW_US / 1e6:
            # The limit is reached from the begin of this window on.
            return (after - killed) / 1e6
    raise Failed(f"95 % of the limit was not reached within {load.seconds} s")


def row(name: str, load: Load, seen: Seen, rest: str) -> Row:
    executors = f"{load.executors} executor{'s' if load.executors > 1 else ''}"
    return f"{name}, {executors}", f"{100 * seen.answers_per_s / load.limit:.1f} % of the limit's throughput, {rest}"


def of_concurrency(seen: Seen, limit: int) -> str:
    return f"most in flight {seen.in_flight} of {limit}"


def run(runmill: Path, work: Folder, load: Load) -> Seen:
    return seen_in(*record(runmill, work, load))


def record(
    runmill: Path, work: Folder, load: Load, act: Callable[[Cluster], None] = lambda _: None
) -> tuple[list[dict], float, float, float]:
    """Runs a load that is larger than the time allows, and cancels it. Calls `act` at the begin of the steady state.

    Returns the gateway's record, begin and end of the steady state in microseconds since 1970, and exchanges per second.
    """
    items = 1000 + int(1.5 * load.limit * (load.warm_s + load.seconds))
    with (
        gateway(runmill, work, 2000, keep=CALLS_KEPT) as base_url,
        cluster(runmill, work, load.executors) as (made, api),
    ):
        provider = api.provider(base_url, **load.rate_limit)
        dataset = api.dataset(items)
        created = api.post("/runs", {"provider_id": provider, "model": load.model, "dataset_id": dataset})
        time.sleep(load.warm_s)
        begin, before = time.time(), exchanges(made)
        act(made)
        time.sleep(load.seconds)
        end, after = time.time(), exchanges(made)
        status = api.get(f"/runs/{created['id']}")["status"]
        api.post(f"/runs/{created['id']}/cancel")
        calls = list(recorded(base_url))
    if status != "running":
        raise Failed(f"the run was {status} at the end of the measurement")
    return calls, begin * 1e6, end * 1e6, (after - before) / (end - begin)


def seen_in(calls: list[dict], begin: float, end: float, exchanges_per_s: float) -> Seen:
    ended = [call["status"] for call in calls if begin <= call["out_us"] < end]
    answered, refused = ended.count(200), ended.count(429)
    accepted = [call for call in calls if call["status"] != 429]
    return Seen(
        answers_per_s=1e6 * answered / (end - begin),
        refused=refused / max(answered + refused, 1),
        in_flight=most_in_flight(accepted),
        in_minute=most_in_minute(accepted),
        exchanges_per_s=exchanges_per_s,
    )


def most_in_flight(calls: list[dict]) -> int:
    changes = sorted([(call["in_us"], 1) for call in calls] + [(call["out_us"], -1) for call in calls])
    now = most = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def most_in_minute(calls: list[dict]) -> int:
    starts = sorted(call["in_us"] for call in calls)
    first = most = 0
    for last, start in enumerate(starts):
        while start - starts[first] >= MINUTE_US:
            first += 1
        most = max(most, last - first + 1)
    return most


def exchanges(made: Cluster) -> int:
    """Returns the number of rows of executors that were written. PostgreSQL counts them with a delay of a second."""
    statement = "SELECT n_tup_ins + n_tup_upd FROM pg_stat_user_tables WHERE relname = 'executors'"
    return int(query(made.database_url, statement))


def recorded(base_url: str) -> Iterator[dict]:
    """Yields the gateway's records, page by page."""
    after, count = 0, PAGE
    while count == PAGE:
        url = f"{base_url.removesuffix('/v1')}/_gateway/calls?after={after}&limit={PAGE}"
        with urllib.request.urlopen(url, timeout=60) as response:
            if response.headers["x-gateway-dropped"] != "0":
                raise Failed("the gateway kept too few records: measure for a shorter time")
            lines = response.read().splitlines()
        yield from map(json.loads, lines)
        count, after = len(lines), int(response.headers["x-gateway-next"])
