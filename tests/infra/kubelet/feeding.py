"""Watches how far a run is fed, 20 times a second, by the database."""

import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """Time in seconds since 1970, the number of jobs that are fed, and the term of the lead."""

    at: float
    fed: int
    term: int


class Feeding:
    """A watch over one run."""

    def __init__(self, database_url: str, run: str) -> None:
        self._run = run.removeprefix("run_")
        self._psql = subprocess.Popen(
            ["psql", "-XAqtw", database_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    async def __aenter__(self) -> "Feeding":
        statement = ("SELECT extract(epoch FROM clock_timestamp()), fed, (SELECT max(term) FROM lead) "
                     f"FROM runs WHERE id = '{self._run}'")
        self._psql.stdin.write(f"{statement} \\watch 0.05\n")
        self._psql.stdin.flush()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._psql.terminate()
        lines = self._psql.communicate()[0].splitlines()
        found = (line.split("|") for line in lines if line.count("|") == 2)
        self.looks = [Look(float(at), int(fed), int(term)) for at, fed, term in found]

    def resumed_after(self, at: float) -> float | None:
        """Returns the seconds from a time to the first job that was fed by a later leader."""
        before = [look for look in self.looks if look.at <= at]
        if not before:
            return None
        later = (look.at - at for look in self.looks
                 if look.at > at and look.term > before[-1].term and look.fed > self._fed_by(before[-1].term))
        return next(later, None)

    def _fed_by(self, term: int) -> int:
        return max(look.fed for look in self.looks if look.term == term)
