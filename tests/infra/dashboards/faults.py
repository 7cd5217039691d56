"""Makes each fault that an alert tells of, and waits for the alert."""

import json
import os
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import amqp
from fleet import Fleet, Work
from installation import Failed, query
from scraper import HASTE, Prometheus

TIMEOUT_S = 90
# Time for which a transaction keeps log-sinks from writing. It is above the one by which results may be late, which is not hastened.
LOCKED_S = 40
# Further time without quick results, beside which the late ones would not count.
LOCKED_AGAIN_S = 15
SLOW = "lorem+ttft=300s"


@dataclass
class Stage:
    """What the faults are made with."""

    scraper: Prometheus
    fleet: Fleet
    work: Work
    database_url: str
    model_server: str
    certificate: "Certificate"

    def wait(self, what: str, is_so: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> None:
        deadline = time.monotonic() + timeout_s
        while not is_so():
            if time.monotonic() > deadline:
                raise Failed(f"{what}: not within {timeout_s:.0f} s; firing: {sorted(self.scraper.alerts('firing'))}")
            time.sleep(0.2)


class Certificate:
    """A certificate of a listener, which signs itself."""

    def __init__(self, folder: Path) -> None:
        self.file, self.key = folder / "cert.pem", folder / "key.pem"
        self.renew(days=90)

    def renew(self, days: int) -> None:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days),
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.key, "-out", self.file],
            check=True, capture_output=True,
        )

    def spoil(self) -> None:
        self.file.write_text("half a certi")


def all_alerts(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Makes one fault after the other. Yields a row for each alert: the fault, the alert, and the time until it fired."""
    for fault, make, alerts in FAULTS:
        if early := stage.scraper.alerts("firing") & set(alerts):
            raise Failed(f"{sorted(early)} fired before {fault}")
        began = time.monotonic()
        make(stage)
        for alert in alerts:
            stage.wait(f"{alert} after {fault}", lambda name=alert: name in stage.scraper.alerts("firing"))
            yield fault, alert, f"{time.monotonic() - began:.0f} s"


def ending_certificate(stage: Stage) -> None:
    stage.certificate.renew(days=7)


def spoilt_certificate(stage: Stage) -> None:
    stage.certificate.spoil()


def refused_key(stage: Stage) -> None:
    provider = stage.work.provider("one-key-of-two", keys=["good", "revoked"], concurrency=2)
    stage.work.run(provider, "lorem+ttft=50ms", 2000)


def refused_keys(stage: Stage) -> None:
    provider = stage.work.provider("no-key", keys=["revoked"], concurrency=2)
    stage.work.run(provider, "lorem", 100)


def long_cooldown(stage: Stage) -> None:
    provider = stage.work.provider("pausing", concurrency=2)
    stage.work.run(provider, "lorem+fail=429:1+retry-after=600", 100)


def spent_budget(stage: Stage) -> None:
    provider = stage.work.provider("spent", concurrency=2, tokens_per_day=2000)
    stage.work.run(provider, "lorem+tokens=50", 100)


def purged_queue(stage: Stage) -> None:
    # More jobs are fed than the executors take, so some wait in the queue.
    provider = stage.work.provider("purged", concurrency=1)
    run = stage.work.run(provider, "lorem+ttft=30s", 50)
    stage.wait("jobs in the queue", lambda: stage.work.api.get(f"/runs/{run}")["counters"]["fed"] > 0)
    stage.wait("a purge", lambda: amqp.purge(os.environ["AMQP_URL"], f"{stage.fleet.prefix}.jobs.{provider}") > 0)


def refused_row(stage: Stage) -> None:
    query(stage.database_url, "ALTER TABLE invocations ADD CONSTRAINT refused CHECK (model <> 'echo+tokens=9') NOT VALID")
    stage.work.run(stage.work.provider("refused-row", concurrency=2), "echo+tokens=9", 1)


def database_cut_off(stage: Stage) -> None:
    stage.fleet.cut.cut()


def long_transactions(stage: Stage) -> None:
    """Restores the database, in which another program then locks a table as a migration does."""
    stage.fleet.cut.restore()
    threading.Thread(target=_lock, args=(stage.database_url,), daemon=True).start()


def _lock(database_url: str) -> None:
    for seconds in (LOCKED_S, LOCKED_AGAIN_S):
        query(database_url, f"BEGIN; LOCK TABLE invocations IN SHARE MODE; SELECT pg_sleep({seconds}); COMMIT")


def crashing_job(stage: Stage) -> None:
    """Kills whichever executor has a certain job, until one more death counts against it."""
    stage.wait("results are written in time", lambda: "RunmillLogSinkLags" not in stage.scraper.alerts("firing"))
    stage.work.run(stage.work.provider("slow", concurrency=1), SLOW, 1)
    for calls in (1, 2, 3):
        stage.wait(f"call {calls} of the slow job", lambda: _calls(stage.model_server, SLOW) >= calls)
        if calls < 3:
            held = stage.fleet.running("executor")
            stage.fleet.executor(f"executor-{calls + 2}")
            stage.fleet.kill(*held)


def no_executor(stage: Stage) -> None:
    stage.fleet.kill(*stage.fleet.running("executor"))


def no_dispatcher(stage: Stage) -> None:
    stage.fleet.kill(*stage.fleet.running("dispatcher"))


FAULTS = [
    ("a certificate that ends in 7 days", ending_certificate, ["RunmillCertificateExpires"]),
    ("a certificate's file that is spoilt", spoilt_certificate, ["RunmillCertificateStale"]),
    ("one key of two is refused", refused_key, ["RunmillKeySetAside"]),
    ("the only key is refused", refused_keys, ["RunmillNoUsableKey"]),
    ("429 with a retry-after of 600 s", long_cooldown, ["RunmillLaneCooledDown"]),
    ("a budget of 2,000 tokens", spent_budget, ["RunmillBudgetNearlyUsed"]),
    ("a queue that was purged", purged_queue, ["RunmillJobsLost"]),
    ("a row that the schema refuses", refused_row, ["RunmillDeadLetters"]),
    ("an executor and the log-sink without the database", database_cut_off,
     ["RunmillUnready", "RunmillExecutorSilent", "RunmillLogSinkBlocked"]),
    (f"transactions that lock the records for {LOCKED_S} s", long_transactions, ["RunmillLogSinkLags"]),
    ("executors killed with the same job in hand", crashing_job, ["RunmillJobsCrashExecutors", "RunmillInstanceDown"]),
    ("all executors killed", no_executor, ["RunmillQueueNotConsumed", "RunmillRunsHeldBack", "RunmillExecutorsMissing"]),
    ("all dispatchers killed", no_dispatcher, ["RunmillNoFeeder"]),
]


def _calls(model_server: str, model: str) -> int:
    with urllib.request.urlopen(model_server.removesuffix("/v1") + "/_gateway/stats", timeout=5) as response:
        of_model = json.load(response)["models"].get(model, {})
    return of_model.get("calls", 0) + of_model.get("in_flight", 0)


def speak_no_tls(port: int) -> None:
    """Sends something else than TLS to a listener that speaks TLS."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as stream:
        stream.sendall(b"GET / HTTP/1.1\r\n\r\n")
        stream.settimeout(2)
        try:
            stream.recv(100)
        except OSError:
            # However the server ends it.
            pass
