"""Reads the CPU of the servers beside runmill, and of other programs that listen at a port of this machine."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from measured import TICKS_PER_S, tree

LISTENS = "0A"


class Server:
    """A process that was found by its port, with all its descendants."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def cpu_s(self) -> float:
        """Returns the CPU since its start, also of descendants that have ended and were waited for."""
        total = 0
        for pid in tree(self.pid):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            total += sum(map(int, fields[11:15]))
        return total / TICKS_PER_S


def server_of(url: str, default_port: int, name: str) -> Server | None:
    """Returns the server of a URL. `None` if it is not a process `name` of this machine whose files may be read."""
    pid = listening_at(urlsplit(url).port or default_port)
    return Server(pid) if pid and name in Path(f"/proc/{pid}/comm").read_text() else None


def listening_at(port: int) -> int | None:
    """Returns the process that listens at a port of this machine."""
    sockets = {f"socket:[{inode}]" for inode in listening_sockets(port)}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            files = list(Path(f"/proc/{pid}/fd").iterdir())
            if any(os.readlink(file) in sockets for file in files):
                return int(pid)
        except OSError:
            continue
    return None


def listening_sockets(port: int) -> list[str]:
    rows = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return [row[9] for row in rows if row[3] == LISTENS and int(row[1].rpartition(":")[2], 16) == port]
