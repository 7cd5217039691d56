"""Compares two builds of runmill on one machine, so that a difference of a few percent shows.

Each round measures the base, this checkout, and the base again. Its ratio is that of this checkout to the mean of the
two, so that a machine that steadily gets slower changes nothing. The ratio of the second base to the first shows how
much a figure differs between two runs of the same build.
"""

import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

import parts
from installation import Failed, folder, gateway

PARTS = {"standalone": parts.standalone, "cluster": parts.over_servers}

Figures = dict[str, float]


@dataclass(frozen=True)
class Sides:
    base: Path
    this: Path


@dataclass(frozen=True)
class Round:
    base: Figures
    this: Figures
    base_again: Figures

    def ratio(self, name: str) -> float:
        return self.this[name] / statistics.mean([self.base[name], self.base_again[name]])

    def base_ratio(self, name: str) -> float:
        return self.base_again[name] / self.base[name]


def compare(sides: Sides, chosen: list[str], rounds: int, items: int, concurrency: int) -> list[tuple[str, ...]]:
    """Returns a row for each figure: its medians, and the medians and ranges of its ratios."""
    rows = []
    for part in chosen:
        done = []
        for number in range(1, rounds + 1):
            done.append(one_round(sides, part, items, concurrency))
            told = ", ".join(f"{name} {done[-1].ratio(name):.3f}" for name in done[-1].base)
            print(f"round {number} of {rounds}, this / base: {told}", file=sys.stderr, flush=True)
        rows += [row(name, done) for name in done[0].base]
    return rows


def one_round(sides: Sides, part: str, items: int, concurrency: int) -> Round:
    def measured(runmill: Path) -> Figures:
        # Both sides call the model server of this checkout, as that is not what is compared.
        with folder() as work, gateway(sides.this, work, concurrency) as base_url:
            return figures(part, PARTS[part](runmill, work, base_url, items, concurrency))

    return Round(measured(sides.base), measured(sides.this), measured(sides.base))


def figures(part: str, run: parts.Measured) -> Figures:
    found = {f"{part}, items/s": run.items_per_s}
    found |= {f"{part}, {name}, us CPU/item": used.cpu_us_per_item for name, used in run.processes.items()}
    for name, value in found.items():
        if not value:
            raise Failed(f"{name}: nothing was counted; measure more items, as BENCH='--items 20000'")
    return found


def row(name: str, rounds: list[Round]) -> tuple[str, ...]:
    base = statistics.median(value for done in rounds for value in (done.base[name], done.base_again[name]))
    this = statistics.median(done.this[name] for done in rounds)
    ratios, base_ratios = ([ratio(done, name) for done in rounds] for ratio in (Round.ratio, Round.base_ratio))
    return name, f"{base:,.0f}", f"{this:,.0f}", spread(ratios), spread(base_ratios)


def spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
