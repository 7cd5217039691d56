"""Looks if each expression of each panel has data while runs go on."""

import time
from collections.abc import Callable

from installation import Failed
from observed import Expression, expressions
from scraper import Prometheus

TIMEOUT_S = 180
# Grafana takes four scrape intervals; the time shown is that of the run.
INTERVALS = {"__rate_interval": "5s", "__range": "1m"}


def watch(scraper: Prometheus, filled_in: list[dict[str, str]], meanwhile: Callable[[], None]) -> list[tuple[str, str, str]]:
    """Waits until each expression has had data for one of these choices of provider and model. Returns the table."""
    samples: dict[Expression, int] = dict.fromkeys(expressions(), 0)
    deadline = time.monotonic() + TIMEOUT_S
    while missing := [it for it, count in samples.items() if not count]:
        if time.monotonic() > deadline:
            raise Failed("no data: " + "; ".join(f"{it.dashboard}, {it.panel}: {it.text}" for it in missing))
        for expression in missing:
            samples[expression] = max(_count(scraper, expression, values | INTERVALS) for values in filled_in)
        meanwhile()
        time.sleep(0.5)
    return _table(samples)


def _count(scraper: Prometheus, expression: Expression, values: dict[str, str]) -> int:
    return len(scraper.values(expression.filled(values)))


def _table(samples: dict[Expression, int]) -> list[tuple[str, str, str]]:
    panels: dict[tuple[str, str], list[int]] = {}
    for expression, count in samples.items():
        panels.setdefault((expression.dashboard, expression.panel), []).append(count)
    return [(dashboard, panel, " + ".join(map(str, counts))) for (dashboard, panel), counts in panels.items()]
