"""A network for pods on this machine: a bridge, and for each pod a network namespace with an address of its own."""

import os
import subprocess
from pathlib import Path

from words import Failed

# Not in use by other bridges of one machine as long as process ids differ by less than their number.
NETWORKS = 250
NAMESPACES = Path("/run/netns")


class Network:
    """Addresses 10.213.N.1 (this machine), .2 to .199 (pods) and from .200 on (Services)."""

    def __init__(self) -> None:
        number = os.getpid() % NETWORKS
        self._prefix = f"10.213.{number}"
        self._bridge = f"kubelet{number}"
        self._namespaces: dict[str, str] = {}
        self._given = 1
        self._services = 199
        self.host = f"{self._prefix}.1"

    def up(self) -> None:
        self._sweep()
        _ip(f"link add {self._bridge} type bridge",
            f"addr add {self.host}/24 dev {self._bridge}",
            f"link set {self._bridge} up")

    def _sweep(self) -> None:
        """Removes what a killed process of the same number has left."""
        for name in os.listdir(NAMESPACES) if NAMESPACES.exists() else []:
            if name.startswith(f"{self._bridge}-"):
                _ip(f"netns del {name}")
        if Path(f"/sys/class/net/{self._bridge}").exists():
            _ip(f"link del {self._bridge}")

    def down(self) -> None:
        for address in list(self._namespaces):
            self.remove(address)
        _ip(f"link del {self._bridge}")

    def service(self) -> str:
        """Returns a new address on the bridge, for a Service."""
        self._services += 1
        _ip(f"addr add {(address := f'{self._prefix}.{self._services}')}/24 dev {self._bridge}")
        return address

    def pod(self) -> str:
        """Makes a namespace. Returns its address, which is the least recently used free one."""
        if len(self._namespaces) >= 190:
            raise Failed("this network has no address left")
        while True:
            self._given = self._given % 199 + 1
            address = f"{self._prefix}.{self._given}"
            if self._given > 1 and address not in self._namespaces:
                break
        name = f"{self._bridge}-{self._given}"
        outside, inside = f"{self._bridge}v{self._given}"[-15:], f"p{self._bridge[7:]}v{self._given}"
        _ip(f"netns add {name}")
        self._namespaces[address] = name
        _ip(f"link add {outside} type veth peer name {inside} netns {name}",
            f"link set {outside} master {self._bridge} up")
        _ip(f"addr add {address}/24 dev {inside}", "link set lo up", f"link set {inside} name eth0 up",
            f"route add default via {self.host}", namespace=name)
        return address

    def namespace(self, address: str) -> Path:
        return NAMESPACES / self._namespaces[address]

    def remove(self, address: str) -> None:
        # Its end of the pair goes with it.
        _ip(f"netns del {self._namespaces.pop(address)}")


def _ip(*commands: str, namespace: str | None = None) -> None:
    command = ["ip", *(["-netns", namespace] if namespace else []), "-batch", "-"]
    done = subprocess.run(command, input="\n".join(commands) + "\n", capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"ip {'; '.join(commands)}: {done.stderr.strip()}")
