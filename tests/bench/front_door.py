"""Measures what a streamed call through the front door adds to one that goes to the model server directly, and what it
costs, beside LiteLLM's proxy before the same server."""

import json
import os
import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from installation import TOKEN, Failed, Folder, Service, cluster, free_port
from packages import HERE, output, python_with_proxy
from parts import Row
from servers import Server, listening_at, server_of

TOKENS = 64
# Name and model of each kind of stream. The paced one is that of a model which writes 100 tokens a second.
STREAMS = {
    "at once": f"lorem+tokens={TOKENS}",
    "100 tokens/s": f"lorem+ttft=200ms+tokens={TOKENS}+tps=100",
}
WARM_UP_S = 2
# Beside the load itself: its start, and the calls in flight at its end.
LOAD_TIMEOUT_S = 90
PROXY_START_TIMEOUT_S = 180
OURS = ("dispatcher", "executor", "log-sink")
SERVERS = ("RabbitMQ", "PostgreSQL")
PROXY = "LiteLLM's proxy"


@dataclass(frozen=True)
class Load:
    """Calls a second, seconds of each load, and loads of each side."""

    rate: float
    seconds: float
    rounds: int


@dataclass
class Side:
    """One way to the model: its address, and the processes that it needs, whose CPU is measured."""

    name: str
    base_url: str
    key: str
    prefix: str
    # Calls a second.
    rate: float
    processes: dict[str, Server]


@dataclass
class Seen:
    """Calls of one side, over all rounds."""

    first_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    generator_us: list[float] = field(default_factory=list)
    cpu_s: dict[str, float] = field(default_factory=dict)

    def cpu_us(self, *names: str) -> float:
        return 1e6 * sum(self.cpu_s[name] for name in names) / len(self.first_ms)

    def p50(self) -> float:
        return statistics.median(self.first_ms)

    def p99(self) -> float:
        return statistics.quantiles(self.first_ms, n=100)[98]


def measure(runmill: Path, work: Folder, base_url: str, load: Load, proxy_rate: float) -> Iterator[Row]:
    """Yields all rows. In each round, every side has its load for `load.seconds`, one side after the other.

    LiteLLM's proxy has its own rate, since it would not keep up with that of the others.
    """
    with ExitStack() as stack:
        gateway = Server(listening_at(int(base_url.rpartition(":")[2].partition("/")[0])))
        sides = [Side("direct", base_url, "none", "", load.rate, {"gateway": gateway}),
                 stack.enter_context(front_door(runmill, work, base_url, load.rate, gateway))]
        try:
            sides.append(stack.enter_context(proxy(work, base_url, proxy_rate, gateway)))
        except Failed as error:
            yield PROXY, f"not measured: {error}"
        for stream in STREAMS:
            seen = {side.name: Seen() for side in sides}
            for side in sides:
                sent(work, side, stream, WARM_UP_S)
            for _ in range(load.rounds):
                for side in sides:
                    add(seen[side.name], work, side, stream, load.seconds)
            yield from rows(f"front door, {stream}", seen)


def add(seen: Seen, work: Folder, side: Side, stream: str, seconds: float) -> None:
    before = {name: process.cpu_s() for name, process in side.processes.items()}
    printed = sent(work, side, stream, seconds)
    for name, process in side.processes.items():
        seen.cpu_s[name] = seen.cpu_s.get(name, 0.0) + process.cpu_s() - before[name]
    seen.first_ms += printed["first_ms"]
    seen.late_ms += printed["late_ms"]
    seen.generator_us.append(printed["cpu_us"])


def sent(work: Folder, side: Side, stream: str, seconds: float) -> dict:
    """Sends calls at the rate of a side. Returns what the load generator prints."""
    command = [sys.executable, HERE / "load.py", "--base-url", side.base_url, "--key", side.key,
               "--model", side.prefix + STREAMS[stream], "--rate", str(side.rate), "--seconds", str(seconds),
               "--tokens", str(TOKENS)]
    return json.loads(output(work, f"load-{side.name}", command, dict(os.environ), LOAD_TIMEOUT_S + seconds))


def rows(part: str, seen: dict[str, Seen]) -> Iterator[Row]:
    direct, ours = seen["direct"], seen["runmill"]
    for name, side in seen.items():
        added = "" if side is direct else f", added {side.p50() - direct.p50():.1f} and {side.p99() - direct.p99():.1f} ms"
        yield f"{part}, {name}", (
            f"first token after {side.p50():.1f} ms (p50) and {side.p99():.1f} ms (p99){added}; {len(side.first_ms):,} calls"
        )
    for name, side in seen.items():
        each = ", ".join(f"{process} {side.cpu_us(process):,.0f}" for process in side.cpu_s)
        yield f"{part}, {name}, CPU of a call", f"{each} us"
    sums = {"dispatcher, executor and log-sink": OURS}
    if all(server in ours.cpu_s for server in SERVERS):
        sums["with RabbitMQ and PostgreSQL"] = OURS + SERVERS
    for what, names in sums.items():
        cost = ours.cpu_us(*names)
        ratio = f", {seen[PROXY].cpu_us(PROXY) / cost:.1f} times less than {PROXY}" if PROXY in seen else ""
        yield f"{part}, {what}", f"{cost:,.0f} us CPU/call{ratio}"
    late = sorted(late for side in seen.values() for late in side.late_ms)
    generator = statistics.median(us for side in seen.values() for us in side.generator_us)
    yield f"{part}, load generator", f"{generator:,.0f} us CPU/call, {late[len(late) * 99 // 100]:.1f} ms late (p99)"


@contextmanager
def front_door(runmill: Path, work: Folder, base_url: str, rate: float, gateway: Server) -> Iterator[Side]:
    with cluster(runmill, work) as (made, api):
        api.provider(base_url, concurrency=256)
        processes = {name: Server(service.pid) for name, service in made.services.items()}
        found = {"RabbitMQ": server_of(os.environ["AMQP_URL"], 5672, "beam"),
                 "PostgreSQL": server_of(os.environ["DATABASE_URL"], 5432, "postgres")}
        processes |= {name: server for name, server in found.items() if server}
        yield Side("runmill", f"{api.url}/v1", TOKEN, "bench/", rate, processes | {"gateway": gateway})


@contextmanager
def proxy(work: Folder, base_url: str, rate: float, gateway: Server) -> Iterator[Side]:
    """Runs LiteLLM's proxy with one worker and without a database, so that it records nothing."""
    python, port = python_with_proxy(), free_port()
    models = [{"model_name": model, "litellm_params": {"model": f"openai/{model}", "api_base": base_url, "api_key": "none"}}
              for model in STREAMS.values()]
    config = work.path / "litellm.yaml"
    # JSON is YAML.
    config.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": TOKEN},
                                  "litellm_settings": {"telemetry": False}}))
    command = [str(python.parent / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    # LiteLLM would fetch a price list from the network.
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    service = Service(work, "litellm-proxy", command, environment | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"})
    try:
        service.wait_ready(f"http://127.0.0.1:{port}/health/liveliness", PROXY_START_TIMEOUT_S)
        yield Side(PROXY, f"http://127.0.0.1:{port}/v1", TOKEN, "", rate,
                   {PROXY: Server(service.pid), "gateway": gateway})
    finally:
        service.stop()
