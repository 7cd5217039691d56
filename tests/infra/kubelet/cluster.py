"""A small cluster: one node, the objects that were applied, and the loops that make pods of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import manifests
import volumes
from deployment import Deployment
from endpoints import Endpoints
from ledger import Ledger
from node import Node, tail
from pod import Pod
from proxy import Proxy
from words import Failed, say

RECONCILED_EVERY_S = 0.1
LOOKED_EVERY_S = 0.1


class Cluster:
    """Installs and upgrades a release, as Helm, the controllers and the kubelet do together."""

    def __init__(self, node: Node, chart: manifests.Chart, secret: dict, names: dict[str, str]) -> None:
        self.objects = manifests.Objects(chart.namespace)
        self.objects.put(secret)
        self.node, self.chart, self.ledger = node, chart, Ledger()
        self.deployments: dict[str, Deployment] = {}
        # Names that pods can resolve, with their addresses.
        self.names = dict(names)
        self.addresses: dict[str, tuple[str, int]] = {}
        self._proxies: list[Proxy] = []
        self._loop: asyncio.Task | None = None
        self._endpoints = Endpoints()

    async def apply(self, files: list[Path], values: dict[str, Any]) -> None:
        """Installs the chart with these values, or upgrades to them: hooks first, then the rest."""
        upgrade = bool(self.deployments)
        rendered = await asyncio.to_thread(self.chart.render, files, values, upgrade)
        for made in manifests.hooks(rendered, "pre-upgrade" if upgrade else "pre-install"):
            if made["kind"] == "Job":
                await self._run(made)
            else:
                self.objects.put(made)
        rest = manifests.without_hooks(rendered)
        for made in rest:
            self.objects.put(made)
        for made in rest:
            if made["kind"] == "Service":
                await self._serve(made)
        for made in rest:
            if made["kind"] == "Deployment":
                self._deploy(made)
        self._loop = self._loop or asyncio.create_task(self._reconcile())

    async def _run(self, job: dict) -> None:
        """Runs a hook's Job to its end, with the repetitions that it allows."""
        spec, name = job["spec"], job["metadata"]["name"]
        async with asyncio.timeout(spec.get("activeDeadlineSeconds")):
            for attempt in range(spec.get("backoffLimit", 6) + 1):
                pod = self._pod(f"{name}-{attempt}-{time.monotonic_ns() % 10**6}", spec["template"])
                await pod.ended.wait()
                if pod.status == 0:
                    return
        raise Failed(f"Job {name} failed:\n{tail(pod.log)}")

    async def _serve(self, service: dict) -> None:
        """Gives a Service its address, behind which a new connection goes to one of the ready pods."""
        name, spec = service["metadata"]["name"], service["spec"]
        if name in self.addresses:
            return
        address = self.node.network.service()
        for port in spec["ports"]:
            proxy = Proxy(lambda port=port: self._endpoints.choose(spec["selector"], port["targetPort"]))
            await proxy.listen(address, port["port"])
            self._proxies.append(proxy)
        self.addresses[name] = (address, spec["ports"][0]["port"])
        namespace = self.objects.namespace
        for form in (name, f"{name}.{namespace}", f"{name}.{namespace}.svc", f"{name}.{namespace}.svc.cluster.local"):
            self.names[form] = address

    def _deploy(self, manifest: dict) -> None:
        if found := self.deployments.get(manifest["metadata"]["name"]):
            found.apply(manifest)
        else:
            made = Deployment(manifest, self._pod)
            self.deployments[made.name] = made

    def _pod(self, name: str, template: dict) -> Pod:
        volumes.mount_points(template["spec"], self.node.image.root)
        return Pod(name, template, self.objects, self.node, self.ledger, self.names)

    async def _reconcile(self) -> None:
        while True:
            for deployment in self.deployments.values():
                deployment.reconcile()
            self._endpoints.look([pod for deployment in self.deployments.values() for pod in deployment.pods])
            await asyncio.sleep(RECONCILED_EVERY_S)

    def of(self, component: str) -> Deployment:
        """Returns the Deployment of a component."""
        return self.deployments[f"{self.chart.release}-{component}"]

    async def settled(self, timeout_s: float) -> float:
        """Waits until every Deployment is as wanted. Returns the seconds that it took."""
        return await self.until("the Deployments are settled", self._settled, timeout_s)

    async def _settled(self) -> bool:
        return all(deployment.settled for deployment in self.deployments.values())

    async def until(self, what: str, holds: Callable[[], Awaitable[bool]], timeout_s: float) -> float:
        """Waits until a condition holds. Returns the seconds that it took."""
        began = time.monotonic()
        while not await holds():
            if wrong := self.ledger.faults or self.ledger.restarts:
                raise Failed(f"{wrong[0]}, while waiting until {what}\n{self.logs()}")
            if self._loop and self._loop.done():
                self._loop.result()
            if time.monotonic() - began > timeout_s:
                raise Failed(f"not within {timeout_s:.0f} s: {what}\n{self.logs()}")
            await asyncio.sleep(LOOKED_EVERY_S)
        return time.monotonic() - began

    def logs(self) -> str:
        pods = [pod for deployment in self.deployments.values() for pod in deployment.pods]
        return "\n".join(f"{pod.name}:\n{tail(pod.log, 5)}" for pod in pods)

    async def scale(self, component: str, replicas: int) -> None:
        say(f"{component}: {self.of(component).replicas} -> {replicas}")
        self.of(component).replicas = replicas

    def abandon(self) -> None:
        """Lets the pods end without their grace, which shows nothing after a failure."""
        for deployment in self.deployments.values():
            for pod in deployment.pods:
                pod.grace = 0

    async def down(self) -> None:
        """Deletes all pods, those of other services before those that their work needs."""
        if self._loop:
            self._loop.cancel()
        for component in ("executor", "log-sink", "dispatcher"):
            if deployment := self.deployments.get(f"{self.chart.release}-{component}"):
                await asyncio.gather(*(pod.delete() for pod in deployment.pods))
                await deployment.drained()
        for proxy in self._proxies:
            await proxy.close()
