"""Reads what dashboards and alerts ask for, and what the code offers."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "infra/helm/runmill/files"
RULES = FILES / "rules.yaml"
METRIC = re.compile(r"\b(?:runmill|litellm)_[a-z_]+")
DECLARED = re.compile(r'"((?:runmill|litellm)_[a-z_]+)"')
# A histogram has these series.
SERIES_OF_HISTOGRAMS = ("_bucket", "_sum", "_count")


@dataclass(frozen=True)
class Expression:
    dashboard: str
    panel: str
    text: str

    def filled(self, variables: dict[str, str]) -> str:
        """Returns the expression with values in place of Grafana's variables."""
        text = self.text
        for name, value in variables.items():
            text = text.replace(f"${name}", value)
        return text


def expressions() -> Iterator[Expression]:
    """Yields each expression of each panel of each dashboard."""
    for path in sorted((FILES / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                yield Expression(path.stem, panel["title"], target["expr"])


def alerts() -> dict[str, str]:
    """Returns the link to the runbook of each alert."""
    return dict(re.findall(r"- alert: (\w+)\n.*?runbook_url: (\S+)", RULES.read_text(), re.DOTALL))


def declared() -> set[str]:
    """Returns the names of all metrics that the services register. Tests of the code declare none."""
    texts = (without_tests(path) for path in ROOT.glob("s*/*/src/**/*.rs"))
    found = (DECLARED.findall(text) for text in texts if "prometheus" in text)
    return {name for names in found for name in names}


def without_tests(path: Path) -> str:
    return path.read_text().partition("#[cfg(test)]\nmod tests {")[0]


def documented() -> set[str]:
    """Returns the names in the table of metrics."""
    table = (ROOT / "docs/observability.md").read_text().partition("\n## Metrics\n")[2]
    return set(re.findall(r"^\| `([a-z_]+)`", table, re.MULTILINE))


def named(text: str) -> set[str]:
    """Returns the metrics that an expression names; of a histogram's series, the histogram."""
    def base(name: str) -> str:
        ends = [end for end in SERIES_OF_HISTOGRAMS if name.endswith(end)]
        return name.removesuffix(ends[0]) if ends else name

    return {base(name) for name in METRIC.findall(text)}
