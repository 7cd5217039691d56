"""CPU time and memory of processes, as /proc has them."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    cpu_s: float
    rss_mb: float
    rss_max_mb: float


def usage(pid: int) -> Usage:
    """Of one process, from its start."""
    status = _status(pid)
    # Behind the name, which may hold spaces: the 12th and 13th fields are user and system time.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu_s = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    return Usage(cpu_s, _megabytes(status, "VmRSS"), _megabytes(status, "VmHWM"))


def tree_usage(pid: int) -> Usage:
    """Of a process and all its descendants that live, added up: pages that they share count for each."""
    all_of_it = [usage(member) for member in _tree(pid)]
    return Usage(*(sum(getattr(one, name) for one in all_of_it) for name in ("cpu_s", "rss_mb", "rss_max_mb")))


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _megabytes(status: dict[str, str], field: str) -> float:
    return int(status.get(field, "0 kB").split()[0]) / 1024


def _tree(pid: int) -> list[int]:
    children = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += [int(child) for child in (task / "children").read_text().split()]
    return [pid] + [member for child in children for member in _tree(child)]
