"""A pod: its container is started, probed, restarted when it ends, and ended with the grace that the manifest gives it."""

import asyncio
import signal
import time
from pathlib import Path

import manifests
import volumes
from ledger import Ledger
from node import GRACE_S, Container, Node, Start
from probes import Probe, Threshold
from words import Failed

# Waits before restarts after the first: they double up to five minutes. A container that ran for ten minutes begins anew.
BACKOFF_S, BACKOFF_MAX_S, BACKOFF_FORGOTTEN_S = 10, 300, 600
MEMORY_LOOKED_AT_S = 1


class Pod:
    """One pod of a template. `ready` is what its Service and its Deployment go by."""

    def __init__(self, name: str, template: dict, objects: manifests.Objects, node: Node, ledger: Ledger,
                 hosts: dict[str, str]) -> None:
        manifests.check_fields(template["spec"])
        self.name = name
        self.labels = template["metadata"].get("labels", {})
        self.spec = template["spec"]
        self.container = self.spec["containers"][0]
        self.hash = manifests.template_hash(template)
        self.image_variables = node.image.environment
        self.made = time.monotonic()
        self.ready = False
        self.ready_at: float | None = None
        self.terminating = False
        self.restarts = 0
        self.status: int | None = None
        self.process: Container | None = None
        self.ended = asyncio.Event()
        self.grace: float = self.spec.get("terminationGracePeriodSeconds", GRACE_S)
        self._pre_stop = pre_stop(self.container)
        self._deleting: asyncio.Task | None = None
        self._objects, self._node, self._ledger, self._hosts = objects, node, ledger, hosts
        self._folder: Path = node.work / name
        self._folder.mkdir(mode=0o755)
        self.address = node.network.pod()
        self._stopped = asyncio.Event()
        self.life = asyncio.create_task(self._live(), name=name)

    @property
    def component(self) -> str:
        return self.container["name"]

    @property
    def log(self) -> Path:
        return self._folder / "log"

    async def _live(self) -> None:
        try:
            mounts = volumes.make(self.spec, self.container, self._objects, self._folder)
            while not self.terminating:
                began = time.monotonic()
                self.process = await self._node.start(self._start(mounts))
                if self.terminating:
                    # It was deleted while its container was being made.
                    await self._stop(self.process, time.monotonic() + self.grace)
                probing = asyncio.create_task(self._probe(self.process))
                self.status = await self.process.wait()
                probing.cancel()
                self._turn(False)
                if self.terminating or self.spec.get("restartPolicy") == "Never":
                    break
                self._ledger.restarted(self.name, self.component, self.status)
                await self._back_off(time.monotonic() - began)
                self.restarts += 1
        except Failed as error:
            self._ledger.fault(f"{self.name}: {error}")
        finally:
            self._turn(False)
            self._node.network.remove(self.address)
            self.ended.set()

    def _start(self, mounts: list[dict]) -> Start:
        own = {
            "metadata.name": self.name, "metadata.namespace": self._objects.namespace, "status.podIP": self.address,
            "status.hostIP": self._node.network.host, "spec.nodeName": "node", "spec.serviceAccountName": "default",
        } | {f"metadata.labels['{name}']": value for name, value in self.labels.items()}
        environment = manifests.environment(self.container, self._objects, own)
        if self.spec.get("enableServiceLinks", True):
            environment = self._links() | environment
        return Start(self.name, self.address, self.container, self.spec, environment, mounts, self.log, self._hosts)

    def _links(self) -> dict[str, str]:
        """Returns the variables by which Kubernetes tells pods of Services, unless they ask it not to."""
        found = {}
        for service in self._objects.of_kind("Service"):
            name = service["metadata"]["name"].upper().replace("-", "_")
            port = str(service["spec"]["ports"][0]["port"])
            found |= {f"{name}_SERVICE_HOST": self._hosts.get(service["metadata"]["name"], ""), f"{name}_SERVICE_PORT": port}
        return found

    async def _back_off(self, ran_s: float) -> None:
        if self.restarts == 0 or ran_s > BACKOFF_FORGOTTEN_S:
            return
        wait = min(BACKOFF_S * 2 ** (self.restarts - 1), BACKOFF_MAX_S)
        try:
            await asyncio.wait_for(self._stopped.wait(), wait)
        except TimeoutError:
            pass

    async def _probe(self, process: Container) -> None:
        """Asks the probes until the container ends."""
        startup = Probe.of(self.container, "startupProbe")
        if startup and not await self._started(startup, process):
            return
        async with asyncio.TaskGroup() as group:
            for name in ("readinessProbe", "livenessProbe"):
                if probe := Probe.of(self.container, name):
                    group.create_task(self._watch(name, probe, process))
                elif name == "readinessProbe":
                    self._turn(True)
            group.create_task(self._measure(process))

    async def _started(self, probe: Probe, process: Container) -> bool:
        await asyncio.sleep(probe.initial_delay)
        threshold = Threshold(probe, good=True)
        while process.runs:
            # A failure before the first success is what this probe is for, so it is no flap.
            fault = await probe.fault(self.address)
            if fault is None:
                return True
            if threshold.take(False):
                await self._kill_slowly(process, f"startupProbe: {fault}")
                return False
            await asyncio.sleep(probe.period)
        return False

    async def _watch(self, name: str, probe: Probe, process: Container) -> None:
        threshold = Threshold(probe, good=name == "livenessProbe")
        await asyncio.sleep(probe.initial_delay)
        answered_before = name == "livenessProbe"
        while process.runs and not self.terminating:
            began = time.monotonic()
            fault = await probe.fault(self.address)
            if self.terminating or not process.runs:
                return
            # Readiness may take a while; after its first success each failure counts.
            self._ledger.probed(name, self.name, fault, expected=not answered_before)
            answered_before = answered_before or fault is None
            if threshold.take(fault is None):
                if name == "readinessProbe":
                    self._turn(threshold.good)
                else:
                    await self._kill_slowly(process, f"livenessProbe: {fault}")
                    return
            await asyncio.sleep(max(0.0, probe.period - (time.monotonic() - began)))

    async def _measure(self, process: Container) -> None:
        while process.runs:
            self._ledger.memory(self.component, process.measure(), self.container.get("resources", {}))
            await asyncio.sleep(MEMORY_LOOKED_AT_S)

    def _turn(self, ready: bool) -> None:
        if ready and not self.ready and self.ready_at is None:
            self.ready_at = time.monotonic()
            self._ledger.became_ready(self.component, self.ready_at - self.made)
        if self.ready and not ready and not self.terminating and self.process and self.process.runs:
            self._ledger.flapped(self.name)
        self.ready = ready and not self.terminating

    async def _kill_slowly(self, process: Container, why: str) -> None:
        self._ledger.fault(f"{self.name} is killed: {why}")
        await self._stop(process, time.monotonic() + self.grace)

    def delete(self) -> asyncio.Task:
        """Begins to end the pod, which leaves its Service at once. Returns the end, which may have begun before."""
        if self._deleting is None:
            self.terminating, self.ready = True, False
            self._stopped.set()
            self._deleting = asyncio.create_task(self._delete(time.monotonic()), name=f"{self.name} ends")
        return self._deleting

    async def _delete(self, began: float) -> None:
        """Does as Kubernetes: preStop, SIGTERM and, after the grace, SIGKILL."""
        if self.process and self.process.runs:
            await asyncio.sleep(min(self._pre_stop, self.grace))
            await self._stop(self.process, began + self.grace)
        await self.ended.wait()
        self._ledger.terminated(self.name, self.component, time.monotonic() - began, self.status)

    async def _stop(self, process: Container, deadline: float) -> None:
        process.send(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            self._ledger.killed(self.name)
            process.send(signal.SIGKILL)
            await process.wait()


def pre_stop(container: dict) -> float:
    """Returns the seconds that the container sleeps before SIGTERM."""
    hook = container.get("lifecycle", {}).get("preStop", {})
    if set(hook) - {"sleep"}:
        raise Failed(f"this kubelet knows no preStop but sleep, and {container['name']} has {hook}")
    return hook.get("sleep", {}).get("seconds", 0)
