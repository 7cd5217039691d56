"""Reads CPU time and memory of processes from /proc."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    cpu_s: float
    # Proportional: a page that processes share is divided among them, so that sums are right.
    memory_mb: float
    rss_max_mb: float


def usage(pid: int) -> Usage:
    """Returns the use of one process since its start."""
    # The name in parentheses may contain spaces. Of the fields after it, the 12th and 13th are user and system time.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu_s = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    return Usage(cpu_s, _megabytes(pid, "smaps_rollup", "Pss"), _megabytes(pid, "status", "VmHWM"))


def tree_usage(pid: int) -> Usage:
    """Returns the sum of a process and all its living descendants."""
    all_of_it = [usage(member) for member in tree(pid)]
    return Usage(*(sum(getattr(one, name) for one in all_of_it) for name in ("cpu_s", "memory_mb", "rss_max_mb")))


def rss_mb(pid: int) -> float:
    """Returns the resident set of a process; 0 if there is no such process, or it has ended."""
    try:
        return _megabytes(pid, "status", "VmRSS")
    except OSError:
        return 0.0


def _megabytes(pid: int, file: str, field: str) -> float:
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    kilobytes = next((line.split()[1] for line in lines if line.startswith(f"{field}:")), "0")
    return int(kilobytes) / 1024


def tree(pid: int) -> list[int]:
    """Returns a process and all its living descendants."""
    children = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += [int(child) for child in (task / "children").read_text().split()]
    found = [pid]
    for child in children:
        # One that has ended since then has no descendants.
        with suppress(OSError):
            found += tree(child)
    return found
