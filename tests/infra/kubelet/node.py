"""Starts containers: each a process in namespaces of its own, with the image's files and nothing of this machine's environment."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from image import DEVICES, Image
from network import Network
from words import Failed

HERE = Path(__file__).resolve().parent
# Of a pod without terminationGracePeriodSeconds.
GRACE_S = 30
KERNEL_TIMEOUT_S = 10


class Container:
    """A container's process, by the id that this machine knows it by."""

    def __init__(self, keeper: asyncio.subprocess.Process, process: int, user: int, group: int, log: Path) -> None:
        self._keeper = keeper
        self.id = process
        self._user, self._group = user, group
        self.log = log
        self.peak_bytes = 0

    @property
    def runs(self) -> bool:
        return self._keeper.returncode is None

    def send(self, number: signal.Signals) -> None:
        if self.runs:
            try:
                os.kill(self.id, number)
            except ProcessLookupError:
                pass

    async def wait(self) -> int:
        """Returns the exit status. After a signal it is 1, or the signal's negative number: versions of unshare differ."""
        return await self._keeper.wait()

    def measure(self) -> int:
        """Returns the most memory that the process has used so far, in bytes."""
        try:
            lines = Path(f"/proc/{self.id}/status").read_text().splitlines()
        except OSError:
            return self.peak_bytes
        for line in lines:
            if line.startswith("VmHWM:"):
                self.peak_bytes = int(line.split()[1]) * 1024
        return self.peak_bytes

    async def execute(self, *command: str) -> tuple[int, str]:
        """Runs a command in the container, as its user and with its environment. Returns the exit status and the output."""
        namespaces = ("--mount", "--net", "--pid", "--uts", "--ipc", "--root")
        process = await asyncio.create_subprocess_exec(
            "nsenter", f"--target={self.id}", *namespaces, f"--setuid={self._user}", f"--setgid={self._group}", *command,
            env=self.variables(), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    def variables(self) -> dict[str, str]:
        """Returns the environment that the process has."""
        text = Path(f"/proc/{self.id}/environ").read_bytes().decode()
        return dict(line.split("=", 1) for line in text.split("\0") if line)


@dataclass
class Start:
    """What a container is started with."""

    name: str
    address: str
    container: dict
    pod: dict
    environment: dict[str, str]
    mounts: list[dict]
    log: Path
    hosts: dict[str, str] = field(default_factory=dict)


class Node:
    """This machine, as the place of all pods."""

    def __init__(self, image: Image, network: Network, work: Path) -> None:
        self.image = image
        self.network = network
        self.work = work

    async def start(self, start: Start) -> Container:
        orders = self._orders(start)
        told, started = os.pipe()
        # The first process ends with this one, and all of its namespace end with it.
        command = [
            "setpriv", "--pdeathsig", "KILL", "nsenter", f"--net={self.network.namespace(start.address)}",
            "unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child",
            sys.executable, "-I", "-S", str(HERE / "container.py"),
        ]
        try:
            with start.log.open("ab") as log:
                keeper = await asyncio.create_subprocess_exec(
                    *command, stdin=asyncio.subprocess.PIPE, stdout=log, stderr=log, pass_fds=[started],
                )
            os.close(started)
            keeper.stdin.write(json.dumps(orders | {"started": started}).encode() + b"\n")
            async with asyncio.timeout(KERNEL_TIMEOUT_S):
                first = await asyncio.to_thread(os.read, told, 1)
        except TimeoutError:
            first = b""
        finally:
            os.close(told)
        if first != b"1":
            raise Failed(f"{start.name} cannot be started:\n{tail(start.log)}")
        children = Path(f"/proc/{keeper.pid}/task/{keeper.pid}/children").read_text().split()
        process = int(children[0]) if children else keeper.pid
        return Container(keeper, process, orders["user"], orders["group"], start.log)

    def _orders(self, start: Start) -> dict:
        context = start.pod.get("securityContext", {}) | start.container.get("securityContext", {})
        user = context.get("runAsUser", self.image.user)
        if context.get("runAsNonRoot") and user == 0:
            raise Failed(f"{start.name} must not run as root, and does")
        group = context.get("runAsGroup", 0)
        folder = start.container.get("workingDir", self.image.folder)
        return {
            "root": str(self.image.root),
            "devices": DEVICES,
            "mounts": start.mounts + [self._hosts(start)],
            "read_only_root": context.get("readOnlyRootFilesystem", False),
            "hostname": start.name,
            "folder": folder,
            "user": user,
            "group": group,
            "groups": [context["fsGroup"]] if "fsGroup" in context else [],
            "no_new_privileges": not context.get("allowPrivilegeEscalation", True),
            "drop_capabilities": "ALL" in context.get("capabilities", {}).get("drop", []),
            "command": self.image.argv(start.container),
            "environment": self.image.environment | {"HOSTNAME": start.name} | start.environment,
        }

    def _hosts(self, start: Start) -> dict:
        """Writes the pod's /etc/hosts, which also stands for the cluster's DNS."""
        names = {"localhost": "127.0.0.1", start.name: start.address} | start.hosts
        path = start.log.parent / "hosts"
        path.write_text("".join(f"{address} {name}\n" for name, address in names.items()))
        return {"source": str(path), "target": "/etc/hosts", "read_only": True}


def tail(log: Path, lines: int = 20) -> str:
    # A pod whose container could not be made has none.
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(text.splitlines()[-lines:])
