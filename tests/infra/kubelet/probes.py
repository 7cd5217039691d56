"""The probes of a container: when they ask, and what their answers mean."""

import asyncio
import time
from dataclasses import dataclass

from words import Failed

# A time-out that is noticed later than this says nothing about the pod.
LATE_S = 0.5


@dataclass(frozen=True)
class Probe:
    """An HTTP probe. Times are in seconds."""

    path: str
    port: int
    initial_delay: float
    period: float
    timeout: float
    successes: int
    failures: int

    @classmethod
    def of(cls, container: dict, name: str) -> "Probe | None":
        """Returns the container's probe of that name, with the defaults of Kubernetes."""
        if (stated := container.get(name)) is None:
            return None
        if "httpGet" not in stated or stated["httpGet"].get("scheme", "HTTP") != "HTTP":
            raise Failed(f"{name} of {container['name']} is no plain httpGet, which this kubelet needs")
        get = stated["httpGet"]
        return cls(
            path=get.get("path", "/"),
            port=port_number(container, get["port"]),
            initial_delay=stated.get("initialDelaySeconds", 0),
            period=stated.get("periodSeconds", 10),
            timeout=stated.get("timeoutSeconds", 1),
            successes=stated.get("successThreshold", 1),
            failures=stated.get("failureThreshold", 3),
        )

    async def fault(self, address: str) -> str | None:
        """Asks once. Returns why the answer counts as a failure."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.timeout):
                status, body = await _get(address, self.port, self.path)
        except TimeoutError:
            if time.monotonic() - began > self.timeout + LATE_S:
                # This process did not run when the answer may have come.
                return await self.fault(address)
            return f"no answer within {self.timeout} s"
        except (OSError, ValueError) as error:
            return str(error) or type(error).__name__
        return None if 200 <= status < 400 else f"{status} {body[:300].decode(errors='replace')}"


async def _get(address: str, port: int, path: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(address, port)
    try:
        head = f"GET {path} HTTP/1.1\r\nHost: {address}:{port}\r\nUser-Agent: kube-probe/1.30\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        answer = await reader.read()
    finally:
        writer.close()
    first, _, rest = answer.partition(b"\r\n")
    if not first.startswith(b"HTTP/1."):
        raise ValueError("the connection was closed without an answer")
    return int(first.split()[1]), rest.partition(b"\r\n\r\n")[2]


def port_number(container: dict, port: int | str) -> int:
    """Returns the number of a port that is given by number or by name."""
    if isinstance(port, int):
        return port
    for stated in container.get("ports", []):
        if stated.get("name") == port:
            return stated["containerPort"]
    raise Failed(f"container {container['name']} has no port {port}")


@dataclass
class Threshold:
    """State of a probe by its last answers: it changes only after so many equal ones in a row."""

    probe: Probe
    good: bool
    in_a_row: int = 0

    def take(self, answered: bool) -> bool:
        """Counts an answer. Returns true if the state has changed."""
        if answered == self.good:
            self.in_a_row = 0
            return False
        self.in_a_row += 1
        if self.in_a_row < (self.probe.successes if answered else self.probe.failures):
            return False
        self.good, self.in_a_row = answered, 0
        return True
