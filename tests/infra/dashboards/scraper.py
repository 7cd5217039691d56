"""A Prometheus server with the alerts, which scrapes every second."""

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from installation import Folder, Service, free_port
from observed import RULES
from prometheus_tools import tool

# An alert that waits for 10 minutes waits for 20 seconds here, and one that looks at 5 minutes looks at 30 seconds.
HASTE, HASTE_OF_RANGES = 30, 10
CONFIGURATION = """
global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}
rule_files: [{rules}]
scrape_configs:
  - job_name: runmill
    file_sd_configs: [{{ files: [{targets}], refresh_interval: 1s }}]
"""


class Prometheus:
    def __init__(self, url: str, targets: Path) -> None:
        self.url = url
        self._file = targets
        self._targets: dict[str, str] = {}

    def scrape(self, address: str, job: str) -> None:
        self._targets[address] = job
        groups = [{"targets": [address], "labels": {"job": job}} for address, job in self._targets.items()]
        # Prometheus must never read half a file.
        half = self._file.with_suffix(".half")
        half.write_text(json.dumps(groups))
        half.rename(self._file)

    def values(self, expression: str) -> list[float]:
        """Returns the value of each series that an expression has now, without those that are no number."""
        found = self._get("query?" + urllib.parse.urlencode({"query": expression}))["result"]
        values = (float(series["value"][1]) for series in found)
        return [value for value in values if value == value]

    def alerts(self, state: str) -> set[str]:
        """Returns the alerts that are `firing` or `pending`."""
        return {alert["labels"]["alertname"] for alert in self._get("alerts")["alerts"] if alert["state"] == state}

    def _get(self, path: str) -> dict:
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=10) as response:
            return json.load(response)["data"]


def _hastened(rules: str) -> str:
    waits = re.sub(r"\bfor: (\d+)m\b", lambda it: f"for: {int(it[1]) * 60 // HASTE}s", rules)
    return re.sub(r"\[(\d+)m\]", lambda it: f"[{int(it[1]) * 60 // HASTE_OF_RANGES}s]", waits)


@contextmanager
def prometheus(work: Folder) -> Iterator[Prometheus]:
    targets, configuration = work.path / "targets.json", work.path / "prometheus.yaml"
    targets.write_text("[]")
    hastened = work.path / "rules.yaml"
    hastened.write_text(_hastened(RULES.read_text()))
    configuration.write_text(CONFIGURATION.format(rules=hastened, targets=targets))
    port = free_port()
    command = [tool("prometheus"), f"--config.file={configuration}", f"--web.listen-address=127.0.0.1:{port}",
               f"--storage.tsdb.path={work.path / 'tsdb'}"]
    service = Service(work, "prometheus", command, {})
    try:
        url = f"http://127.0.0.1:{port}"
        service.wait_ready(f"{url}/-/ready")
        yield Prometheus(url, targets)
    finally:
        service.stop()
