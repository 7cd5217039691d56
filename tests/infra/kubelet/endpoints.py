"""The pods behind Services, as late as nodes learn of them."""

import random
import time
from collections import deque

import manifests
from pod import Pod
from probes import port_number

# Time until all nodes know that a pod is ready, or no longer: a second is usual.
LAG_S = 1


class Endpoints:
    def __init__(self) -> None:
        self._looks: deque[tuple[float, list[Pod]]] = deque([(0, [])])
        self._random = random.Random(1)

    def look(self, pods: list[Pod]) -> None:
        """Notes which pods are ready now. To be called several times a second."""
        now = time.monotonic()
        self._looks.append((now, [pod for pod in pods if pod.ready]))
        while len(self._looks) > 1 and self._looks[1][0] <= now - LAG_S:
            self._looks.popleft()

    def choose(self, selector: dict[str, str], port: int | str) -> tuple[str, int] | None:
        """Returns the place of one of the pods that are known as ready, which may have gone meanwhile."""
        ready = [pod for pod in self._looks[0][1] if manifests.selects(selector, pod.labels)]
        if not ready:
            return None
        pod = self._random.choice(ready)
        return pod.address, port_number(pod.container, port)
