"""The phases of the scenario."""

import asyncio
import signal
import statistics
import time
from dataclasses import dataclass
from typing import Any

import installed
from autoscaler import Autoscaler
from client import Api, Asking, Observer
from cluster import Cluster
from feeding import Feeding
from pod import Pod
from report import Report
from servers import Servers
from words import Failed
from work import Work, submit

# A slow machine needs longer; a cluster that stands still never ends.
PATIENCE_S = 600
# Numbers of executors, each with the share of the items that is settled when the next one comes.
STEPS = ((1, 0.1), (5, 0.35), (2, 0.5), (0, None), (3, 0.65))
OBSERVERS = 6
FEEDING_GOES_ON_IN_S = 3
API_GOES_ON_IN_S = 3
# The server tells observers to come back after 2 s.
OBSERVERS_GO_ON_IN_S = 10
SCALED_IN_S = 30
# Of 80 calls at once, if one executor is given 20 (values-keda.yaml).
WANTED = 4
# A container that is asked to stop this long after its start has not connected to its servers yet.
STARTING_S = 0.2
GONE_IN_S = 60


@dataclass
class World:
    """All that a phase needs."""

    cluster: Cluster
    servers: Servers
    report: Report
    token: str
    files: list
    values: dict[str, Any]

    @property
    def api(self) -> Api:
        address, port = self.cluster.addresses[f"{self.cluster.chart.release}-dispatcher"]
        return Api(address, port, self.token)


async def install(world: World) -> None:
    world.report.begin("install")
    began = time.monotonic()
    await world.cluster.apply(world.files, world.values)
    world.report.measured("migration, before the services", f"{time.monotonic() - began:.1f} s")
    took = await world.cluster.settled(PATIENCE_S)
    world.report.measured("all Deployments ready", f"{took:.1f} s")

    async def answers() -> bool:
        try:
            return bool(await asyncio.to_thread(world.api.get, "/runs"))
        except OSError:
            return False

    await world.cluster.until("the API answers behind its Service", answers, PATIENCE_S)
    pods = [pod for deployment in world.cluster.deployments.values() for pod in deployment.pods]
    world.report.check("each process has what the manifest says", [fault for pod in pods for fault in installed.faults(pod)])


async def scale_and_roll(world: World, items: int, model: str, concurrency: int) -> None:
    """Changes the number of executors and then updates everything, while a run goes on."""
    cluster, report = world.cluster, world.report
    report.begin("scale and roll")
    work = await submit(cluster, world.servers, world.api, items, model, concurrency)
    began = time.monotonic()
    observers = [Observer(world.api, work.run) for _ in range(OBSERVERS)]
    for replicas, until in STEPS:
        await cluster.scale("executor", replicas)
        took = await cluster.settled(PATIENCE_S)
        words = f"ready after {took:.1f} s"
        if replicas == 0:
            words = f"the last one gone after {await _gone(world):.1f} s"
        if until is not None:
            words += f", {until:.0%} settled {await work.reach(until, PATIENCE_S):.1f} s later"
        report.measured(f"executors: {replicas}", words)
    await _change_of_mind(world)
    await _roll(world, work)
    await work.end(PATIENCE_S)
    report.measured("the run", f"{items} items in {time.monotonic() - began:.0f} s")
    report.check(f"{items} items: each has one result, and was called once", await work.faults())
    await _observed(world, work, observers)


async def _gone(world: World) -> float:
    executors = world.cluster.of("executor")

    async def gone() -> bool:
        return not executors.pods

    return await world.cluster.until("no executor is left", gone, PATIENCE_S)


async def _change_of_mind(world: World) -> None:
    """Adds executors, and takes them away again while they start."""
    cluster, executors = world.cluster, world.cluster.of("executor")
    before = executors.replicas
    await cluster.scale("executor", 2 * before)

    async def started() -> bool:
        return len(executors.alive) == 2 * before and all(pod.process for pod in executors.alive)

    await cluster.until("their containers are started", started, PATIENCE_S)
    await asyncio.sleep(STARTING_S)
    added = [pod for pod in executors.alive if not pod.ready]
    await cluster.scale("executor", before)

    async def gone() -> bool:
        return all(pod.ended.is_set() for pod in added)

    took = await cluster.until("executors that were starting are gone", gone, GONE_IN_S)
    world.report.measured(f"{len(added)} executors that were starting", f"gone {took:.1f} s after they were asked to stop")


async def _roll(world: World, work: Work) -> None:
    """Upgrades the release to one whose pods differ in an annotation."""
    cluster, report = world.cluster, world.report
    # As many executors as there are: an upgrade sets the number that the values have.
    world.values |= {f"{service}.podAnnotations.roll": "1" for service in ("dispatcher", "executor", "logSink")}
    replicas = cluster.of("executor").replicas
    for deployment in cluster.deployments.values():
        deployment.most, deployment.fewest_ready = 0, None
    before = [pod for deployment in cluster.deployments.values() for pod in deployment.pods]
    settled = await work.settled()
    began = time.monotonic()
    async with Asking(world.api, work.run) as asking:
        await cluster.apply(world.files, world.values | {"executor.replicas": replicas})
        await cluster.settled(PATIENCE_S)
        await cluster.until("all pods of before are gone", _quiet(cluster), PATIENCE_S)
    report.measured("roll of everything", f"{len(before)} pods in {time.monotonic() - began:.1f} s, {await work.settled() - settled} "
                    f"items settled meanwhile")
    for name, deployment in cluster.deployments.items():
        report.measured(f"roll of {name}", f"at most {deployment.most} pods for {deployment.replicas}, at least "
                        f"{deployment.fewest_ready} ready")
    report.check("all pods were replaced", [pod.name for pod in before if not pod.ended.is_set()])
    report.check(f"the API answered {asking.answered} requests and refused none", asking.refused)


def _quiet(cluster: Cluster):
    async def quiet() -> bool:
        return all(deployment.quiet for deployment in cluster.deployments.values())

    return quiet


async def _observed(world: World, work: Work, observers: list[Observer]) -> None:
    for observer in observers:
        await asyncio.to_thread(observer.ended.wait, PATIENCE_S)
    last = (await work.view())["seq"]
    faults = [observer.fault or f"saw {observer.seen} of {last} events" for observer in observers if observer.seen != last]
    again = sum(observer.reconnects for observer in observers)
    world.report.measured(f"{len(observers)} observers", f"{again} connections resumed, longest gap "
                          f"{max(observer.longest_gap_s for observer in observers):.1f} s")
    world.report.check(f"each observer saw events 1 to {last}, without gap or repeat", faults)


async def kill_leader(world: World, number: int, items: int, model: str, concurrency: int) -> None:
    """Kills the dispatcher that feeds, while observers follow and users ask."""
    cluster, report = world.cluster, world.report
    report.begin(f"dispatcher killed, {number}")
    work = await submit(cluster, world.servers, world.api, items, model, concurrency)
    observers = [Observer(world.api, work.run) for _ in range(OBSERVERS)]
    await work.reach(0.2, PATIENCE_S)
    leader = await _leader(cluster)
    cluster.ledger.victims.add(leader.name)
    feeding = Feeding(world.servers.direct_database_url, work.run)
    async with Asking(world.api, work.run) as asking, feeding:
        # The watches begin; the time between two looks is 0.05 s.
        await work.reach(0.3, PATIENCE_S)
        killed_at = time.time()
        leader.process.send(signal.SIGKILL)
        await work.end(PATIENCE_S)
    resumed = feeding.resumed_after(killed_at)
    if resumed is None:
        report.check("feeding goes on", ["no later leader has fed: the run was fed before, or too short"])
    else:
        report.below("feeding goes on", resumed, FEEDING_GOES_ON_IN_S)
    report.measured("longest pause between two calls", f"{_pause(world, killed_at):.1f} s")
    report.measured("the API", f"{asking.answered} requests answered, {len(asking.refused)} refused")
    report.below("the API goes on", asking.longest_gap_s, API_GOES_ON_IN_S)
    report.check("observers of the killed dispatcher resumed", [] if any(o.reconnects for o in observers) else ["none had to"])
    await _observed(world, work, observers)
    report.below("observers go on", max(observer.longest_gap_s for observer in observers), OBSERVERS_GO_ON_IN_S)
    report.check(f"{items} items: each has one result, and was called once", await work.faults())
    took = await cluster.settled(PATIENCE_S)
    report.measured("two dispatchers again", f"{took:.1f} s after the end of the run")


def _pause(world: World, after: float) -> float:
    begins = sorted(call["in_us"] / 1e6 for call in world.servers.calls() if call["in_us"] / 1e6 > after - 1)
    return max((later - earlier for earlier, later in zip(begins, begins[1:])), default=0.0)


async def _leader(cluster: Cluster) -> Pod:
    for pod in cluster.of("dispatcher").ready:
        metrics = await asyncio.to_thread(installed.metrics, pod)
        if metrics.get("runmill_feeder_is_leader") == 1:
            return pod
    raise Failed("no dispatcher says that it is the leader")


async def follow_scaling(world: World, items: int, model: str, concurrency: int) -> None:
    """Lets KEDA's rules decide the number of executors: from none to what is wanted, and back."""
    cluster, report = world.cluster, world.report
    report.begin("autoscaling")
    await cluster.apply(world.files, world.values)
    await cluster.settled(PATIENCE_S)
    [scaled] = cluster.objects.of_kind("ScaledObject")
    autoscaler = Autoscaler(cluster, scaled)
    executors = cluster.of("executor")

    async def none() -> bool:
        autoscaler.check()
        return executors.replicas == 0 and not executors.pods

    async def enough() -> bool:
        autoscaler.check()
        return len(executors.ready) >= WANTED

    async with autoscaler:
        took = await cluster.until("no executor is left", none, PATIENCE_S)
        report.measured("idle: no executor left", f"after {took:.1f} s")
        began = autoscaler.now()
        work = await submit(cluster, world.servers, world.api, items, model, concurrency)
        await cluster.until(f"{WANTED} executors are ready", enough, PATIENCE_S)
        report.below(f"{WANTED} executors are ready, after the submission", autoscaler.now() - began, SCALED_IN_S)
        await work.end(PATIENCE_S)
        ended = autoscaler.now()
        report.measured("the run", f"{items} items in {ended - began:.0f} s after its submission")
        report.measured("back to none", f"{await cluster.until('no executor is left', none, PATIENCE_S):.1f} s after its end")
    changes = [change for change in autoscaler.changes if change.at > began]
    report.measured("changes after the submission", ", ".join(f"{it.before} to {it.after} at {it.at - began:.0f} s" for it in changes))
    most = max(wanted for at, wanted in autoscaler.answers if at > began)
    report.check(f"{WANTED} executors were wanted", [] if most == WANTED else [f"{most:g} were"])
    report.check("no executor was removed before the end", [str(it) for it in changes if it.after < it.before and it.at < ended])
    report.check("GET /scaling answered each time", autoscaler.failures)
    report.check(f"{items} items: each has one result, and was called once", await work.faults())


def conclude(world: World) -> None:
    """Reports what happened to pods in all phases."""
    ledger, report = world.cluster.ledger, world.report
    report.begin("all phases")
    report.measured("probes", ", ".join(f"{count} {name}" for name, count in sorted(ledger.probes.items())))
    for what, times in (("ready after", ledger.ready_after), ("ended after", ledger.ended_after)):
        for component, found in sorted(times.items()):
            report.measured(f"{component}, {what}", f"{statistics.median(found):.1f} s, at most {max(found):.1f} s ({len(found)})")
    for component, (peak, limit) in sorted(ledger.peak.items()):
        report.measured(f"{component}, memory", f"at most {peak >> 20} of {limit >> 20} MiB")
    for what, faults in ledger.verdicts():
        report.check(f"{what}: none", faults)
