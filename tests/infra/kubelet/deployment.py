"""A Deployment: keeps so many pods of its template, and replaces those of an earlier one step by step."""

import asyncio
import itertools
from collections.abc import Callable

import quantities
from manifests import template_hash
from pod import Pod

# Of a strategy that says nothing.
SHARE = "25%"


class Deployment:
    """Makes and deletes pods until what is there is what is wanted."""

    def __init__(self, manifest: dict, make: Callable[[str, dict], Pod]) -> None:
        self._make = make
        self._deleted: set[asyncio.Task] = set()
        self._numbers = itertools.count(1)
        self.replicas, self._stated = 1, False
        self.pods: list[Pod] = []
        # Most pods that were there at once, the terminating ones apart, and the fewest that were ready during a roll.
        self.most = 0
        self.fewest_ready: int | None = None
        self.apply(manifest)

    def apply(self, manifest: dict) -> None:
        spec = manifest["spec"]
        self.name = manifest["metadata"]["name"]
        self.template = spec["template"]
        self.hash = template_hash(self.template)
        rolling = spec.get("strategy", {}).get("rollingUpdate", {})
        self._surge, self._unavailable = rolling.get("maxSurge", SHARE), rolling.get("maxUnavailable", SHARE)
        # A manifest without a number leaves the autoscaler's; one that no longer has it gets the default.
        self.replicas = spec.get("replicas", 1 if self._stated else self.replicas)
        self._stated = "replicas" in spec

    @property
    def alive(self) -> list[Pod]:
        return [pod for pod in self.pods if not pod.terminating]

    @property
    def ready(self) -> list[Pod]:
        return [pod for pod in self.pods if pod.ready]

    @property
    def settled(self) -> bool:
        """True if all pods are of the template, ready, and as many as wanted. Terminating ones may be left."""
        alive = self.alive
        return len(alive) == self.replicas and all(pod.ready and pod.hash == self.hash for pod in alive)

    @property
    def quiet(self) -> bool:
        """True if it is settled and no pod is terminating."""
        return self.settled and len(self.pods) == self.replicas

    def reconcile(self) -> None:
        """Takes one step towards what is wanted."""
        self.pods = [pod for pod in self.pods if not pod.ended.is_set()]
        alive = self.alive
        new = [pod for pod in alive if pod.hash == self.hash]
        old = [pod for pod in alive if pod.hash != self.hash]
        surge = quantities.surge(self._surge, self.replicas)
        unavailable = quantities.unavailable(self._unavailable, self.replicas)
        # Kubernetes allows one to be missing if neither is allowed.
        unavailable = unavailable or int(surge == 0)
        room = self.replicas + surge - len(alive) if old else self.replicas - len(new)
        for _ in range(min(room, self.replicas - len(new))):
            self._add()
        self.most = max(self.most, len(self.alive))
        if len(new) > self.replicas:
            self._remove(new, len(new) - self.replicas)
        if old:
            ready = len([pod for pod in alive if pod.ready])
            unready = [pod for pod in old if not pod.ready]
            self._remove(unready, len(unready))
            # Ready pods go only as far as enough others are ready.
            self._remove([pod for pod in old if pod.ready], ready - (self.replicas - unavailable))
            left = len(self.ready)
            self.fewest_ready = left if self.fewest_ready is None else min(left, self.fewest_ready)

    def _add(self) -> None:
        name = f"{self.name}-{self.hash[:6]}-{next(self._numbers)}"
        self.pods.append(self._make(name, self.template))

    def _remove(self, pods: list[Pod], count: int) -> None:
        for pod in self.ranked(pods)[:max(count, 0)]:
            task = pod.delete()
            self._deleted.add(task)
            task.add_done_callback(self._deleted.discard)

    @staticmethod
    def ranked(pods: list[Pod]) -> list[Pod]:
        """Returns pods in the order in which they are deleted: those that are not ready, then the newest."""
        return sorted(pods, key=lambda pod: (pod.ready, -pod.made))

    async def drained(self) -> None:
        """Waits until no deleted pod is left."""
        while self._deleted:
            await asyncio.wait(self._deleted)
