"""The report: what was measured in each phase, and what was checked."""

from dataclasses import dataclass, field

from words import say, table


@dataclass
class Report:
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    checks: list[tuple[str, str, str]] = field(default_factory=list)
    # Faults of all checks, after the check's name.
    faults: list[str] = field(default_factory=list)
    failed: int = 0
    phase: str = ""

    def begin(self, phase: str) -> None:
        self.phase = phase
        say(f"== {phase}")

    def measured(self, what: str, value: str) -> None:
        self.rows.append((self.phase, what, value))
        say(f"{what}: {value}")

    def check(self, what: str, faults: list[str]) -> None:
        """Notes a check, which has passed if there are no faults."""
        self.failed += bool(faults)
        self.checks.append((self.phase, what, "passed" if not faults else f"FAILED: {len(faults)}, such as {faults[0][:300]}"))
        self.faults += [f"{what}: {fault}" for fault in faults]
        say(f"{what}: {'passed' if not faults else 'FAILED'}")
        for fault in faults[:5]:
            say(f"    {fault[:2000]}")

    def below(self, what: str, value: float, limit: float) -> None:
        """Checks a time in seconds."""
        self.measured(what, f"{value:.1f} s")
        self.check(f"{what}, below {limit:g} s", [] if value < limit else [f"{value:.1f} s"])

    def text(self) -> str:
        return "\n".join([
            table(("phase", "measured", "value"), self.rows), "",
            table(("phase", "check", "verdict"), self.checks), "",
            f"{len(self.checks) - self.failed} checks passed, {self.failed} failed",
        ])
