from collections.abc import Callable, Iterable
from dataclasses import dataclass

from release import Release


@dataclass(frozen=True)
class Duty:
    """What every rendering of the chart has to have."""

    name: str
    # Returns the faults, one sentence each.
    faults: Callable[[Release], Iterable[str]]
    # Makes a fault in a release, which `faults` must find.
    spoil: Callable[[Release], None]
