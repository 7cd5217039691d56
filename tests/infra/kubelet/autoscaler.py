"""What KEDA and the HorizontalPodAutoscaler do with the ScaledObject that the chart renders."""

import asyncio
import json
import math
import time
import urllib.request
from dataclasses import dataclass, field

from cluster import Cluster
from manifests import Objects
from words import Failed, say

# Of kube-controller-manager's flags, by default.
SYNC_S = 15
TOLERANCE = 0.1
ASKED_FOR_S = 3


@dataclass
class Change:
    """A change of the number of replicas, seconds after the autoscaler was made."""

    at: float
    before: int
    after: int
    wanted: float


@dataclass
class Autoscaler:
    """Follows one ScaledObject with a trigger of the type metrics-api."""

    cluster: Cluster
    manifest: dict
    changes: list[Change] = field(default_factory=list)
    # Answers of GET /scaling, with the seconds at which they came.
    answers: list[tuple[float, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        spec = self.manifest["spec"]
        [trigger] = spec["triggers"]
        if trigger["type"] != "metrics-api":
            raise Failed(f"this autoscaler knows the trigger metrics-api, not {trigger['type']}")
        self._settings = trigger["metadata"]
        self._deployment = self.cluster.deployments[spec["scaleTargetRef"]["name"]]
        self._least, self.most = spec["minReplicaCount"], spec["maxReplicaCount"]
        self._polling_s, self._cooldown_s = spec["pollingInterval"], spec["cooldownPeriod"]
        self._token = _token(self.cluster.objects, trigger["authenticationRef"]["name"])
        self._url = self._reachable(self._settings["url"])
        down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        self._stable_s = down["stabilizationWindowSeconds"]
        self._proposed: list[tuple[float, int]] = []
        self._made = time.monotonic()

    async def __aenter__(self) -> "Autoscaler":
        self._tasks = [asyncio.create_task(self._activate()), asyncio.create_task(self._size())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()

    def check(self) -> None:
        """Fails if one of the loops has ended, which it only does by a fault."""
        for task in self._tasks:
            if task.done():
                task.result()

    def now(self) -> float:
        """Returns the seconds since the autoscaler was made."""
        return time.monotonic() - self._made

    async def _activate(self) -> None:
        """KEDA itself: from none to the first replica, and from the last to none after the cool-down."""
        active_at = time.monotonic()
        threshold = float(self._settings.get("activationTargetValue", 0))
        while True:
            wanted = await self._ask()
            if wanted is not None and wanted > threshold:
                active_at = time.monotonic()
                if self._deployment.replicas == 0:
                    self._scale(max(self._least, 1), wanted)
            elif wanted is not None and self._deployment.replicas > self._least == 0:
                if time.monotonic() - active_at >= self._cooldown_s:
                    self._scale(0, wanted)
            await asyncio.sleep(self._polling_s)

    async def _size(self) -> None:
        """The HorizontalPodAutoscaler that KEDA makes, which does nothing while there are no replicas."""
        target = float(self._settings["targetValue"])
        while True:
            await asyncio.sleep(SYNC_S)
            replicas = self._deployment.replicas
            if replicas == 0 or (wanted := await self._ask()) is None:
                continue
            if abs(wanted / (target * replicas) - 1) <= TOLERANCE:
                continue
            size = min(max(math.ceil(wanted / target), self._least, 1), self.most)
            now = time.monotonic()
            self._proposed = [(at, n) for at, n in self._proposed if now - at <= self._stable_s] + [(now, size)]
            # Downwards, the largest of the window counts.
            size = max(n for _, n in self._proposed) if size < replicas else size
            if self._deployment.replicas and size != replicas:
                self._scale(size, wanted)

    def _scale(self, replicas: int, wanted: float) -> None:
        before, self._deployment.replicas = self._deployment.replicas, replicas
        self.changes.append(Change(self.now(), before, replicas, wanted))
        say(f"{self._deployment.name}: {before} -> {replicas}, since {wanted:g} are wanted")

    async def _ask(self) -> float | None:
        try:
            answer = await asyncio.to_thread(self._get)
        except (OSError, ValueError, KeyError) as error:
            self.failures.append(str(error))
            say(f"{self._url}: {error}")
            return None
        self.answers.append((self.now(), answer))
        return answer

    def _get(self) -> float:
        request = urllib.request.Request(self._url, headers={"Authorization": f"Bearer {self._token}"})
        with urllib.request.urlopen(request, timeout=ASKED_FOR_S) as response:
            found = json.load(response)
        for part in self._settings["valueLocation"].split("."):
            found = found[part]
        return float(found)

    def _reachable(self, url: str) -> str:
        """Returns the URL with the address of the Service that it names, since this machine does not ask the cluster's DNS."""
        scheme, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        name, _, port = host.partition(":")
        if name not in self.cluster.names:
            raise Failed(f"{url} names no Service of the cluster")
        return f"{scheme}://{self.cluster.names[name]}:{port or 80}/{path}"


def _token(objects: Objects, name: str) -> str:
    authentication = next(made for made in objects.of_kind("TriggerAuthentication") if made["metadata"]["name"] == name)
    [reference] = authentication["spec"]["secretTargetRef"]
    return objects.data("Secret", reference["name"])[reference["key"]]
