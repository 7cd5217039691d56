"""Runs harnesses at once, beside a run, on one provider with limits, and compares the gateway's record with the limits."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harnesses
from installation import TOKEN, cluster, folder, gateway
from limits import most_in_flight, most_in_minute, recorded

EXECUTORS = 2
CONCURRENCY, RPM = 16, 600
# Calls beyond an even rate, of as many calls a second as this one has.
BURST = 8
# Larger than a few minutes allow.
RUN_ITEMS = 10_000
CALL = "+ttft=500ms"
CALLS_KEPT = 100_000

Case = Callable[[str, harnesses.Case, harnesses.Door], bool]


def main(runmill: Path, names: list[str], run_case: Case) -> int:
    """Returns the status of the process: 0 if each harness has its score and the limits were kept."""
    with (
        folder() as work,
        gateway(runmill, work, 500, keep=CALLS_KEPT) as model_server,
        cluster(runmill, work, EXECUTORS) as (_, api),
    ):
        limits = {"concurrency": CONCURRENCY, "rpm": RPM}
        provider = api.post("/providers", {"name": "planted", "kind": "custom", "base_url": model_server, "rate_limit": limits})
        new = {"provider_id": provider["id"], "model": f"lorem{CALL}", "dataset_id": api.dataset(RUN_ITEMS)}
        run = api.post("/runs", new)["id"]
        passed = run_all(names, run_case, harnesses.Door(f"{api.url}/v1", TOKEN, "planted/", CALL))
        beside = api.get(f"/runs/{run}")
        api.post(f"/runs/{run}/cancel")
        calls = list(recorded(model_server))
    kept = check(calls, beside)
    print(f"{passed + kept} passed, {len(names) - passed + (not kept)} failed")
    return 0 if kept and passed == len(names) else 1


def run_all(names: list[str], run_case: Case, door: harnesses.Door) -> int:
    """Runs each harness again and again until all have ended at least once. Returns how many always had their score."""
    left, lock, over = set(names), threading.Lock(), threading.Event()

    def repeat(name: str) -> bool:
        ok = True
        while ok and not over.is_set():
            ok = run_case(name, harnesses.ALL[name].cases()[0], door)
            with lock:
                left.discard(name)
                if not left:
                    over.set()
        return ok

    with ThreadPoolExecutor(len(names)) as pool:
        return sum(pool.map(repeat, names))


def check(calls: list[dict], run: dict) -> bool:
    """Prints what the gateway saw. Returns false if a limit was exceeded, or the run did not go on."""
    in_flight, in_minute = most_in_flight(calls), most_in_minute(calls)
    of_run = sum(call["model"] == f"lorem{CALL}" for call in calls)
    print(f"together: {len(calls)} calls, {of_run} of them of the run; at most {in_flight} in flight, of {CONCURRENCY}, and "
          f"{in_minute} in a minute, of {RPM} and a burst of {BURST}", flush=True)
    return in_flight <= CONCURRENCY and in_minute <= RPM + BURST and run["status"] == "running" and of_run > 0
