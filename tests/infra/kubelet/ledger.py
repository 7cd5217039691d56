"""What happened to pods: counts and times for the report, and the faults that fail it."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from quantities import bytes_of
from words import say


@dataclass
class Ledger:
    """Events of all pods. Times are in seconds."""

    probes: Counter = field(default_factory=Counter)
    failed_probes: list[str] = field(default_factory=list)
    flaps: list[str] = field(default_factory=list)
    kills: list[str] = field(default_factory=list)
    restarts: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    wrong_ends: list[str] = field(default_factory=list)
    ready_after: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ended_after: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    peak: dict[str, tuple[int, int]] = field(default_factory=dict)
    # Names of pods that the scenario kills on purpose.
    victims: set[str] = field(default_factory=set)

    def probed(self, probe: str, pod: str, fault: str | None, expected: bool) -> None:
        self.probes[probe] += 1
        if fault and not expected:
            self.failed_probes.append(f"{pod}, {probe}: {fault}")
            say(f"{pod}: {probe} failed: {fault}")

    def flapped(self, pod: str) -> None:
        self.flaps.append(pod)
        say(f"{pod} is no longer ready")

    def killed(self, pod: str) -> None:
        self.kills.append(pod)
        say(f"{pod} outlived its grace: SIGKILL")

    def restarted(self, pod: str, component: str, status: int | None) -> None:
        say(f"{pod}: its container ended with status {status} and is restarted")
        if pod not in self.victims:
            self.restarts.append(f"{pod}, status {status}")

    def became_ready(self, component: str, after: float) -> None:
        self.ready_after[component].append(after)

    def terminated(self, pod: str, component: str, after: float, status: int | None) -> None:
        self.ended_after[component].append(after)
        # A pod that was deleted before its start has none.
        if status not in (0, None):
            self.wrong_ends.append(f"{pod}, status {status}")
            say(f"{pod} ended with status {status}")

    def memory(self, component: str, peak: int, resources: dict) -> None:
        limit = bytes_of(resources.get("limits", {}).get("memory"))
        self.peak[component] = max(self.peak.get(component, (0, 0)), (peak, limit))

    def fault(self, words: str) -> None:
        self.faults.append(words)
        say(words)

    def verdicts(self) -> list[tuple[str, list[str]]]:
        """Returns each thing that must not happen, and when it did."""
        above = [f"{name}: {peak >> 20} MiB of {limit >> 20}" for name, (peak, limit) in self.peak.items() if peak > limit > 0]
        return [
            ("probes of started pods that failed", self.failed_probes),
            ("pods that were ready, and then not", self.flaps),
            ("SIGKILLs after the grace", self.kills),
            ("containers that ended by themselves", self.restarts),
            ("exit statuses other than 0 after SIGTERM", self.wrong_ends),
            ("components above their memory limit", above),
            ("other faults", self.faults),
        ]
