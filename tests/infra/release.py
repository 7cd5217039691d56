"""What Helm makes of the chart and a file of values."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import tools

CHART = tools.ROOT / "infra/helm/runmill"
WORKLOADS = {"Deployment", "StatefulSet", "Job"}


@dataclass(frozen=True)
class Pod:
    """The pods of a workload."""

    workload: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.workload['kind']} {self.workload['metadata']['name']}"

    @property
    def kind(self) -> str:
        return self.workload["kind"]

    @property
    def component(self) -> str:
        return self.labels["app.kubernetes.io/component"]

    @property
    def labels(self) -> dict[str, str]:
        return self.workload["spec"]["template"]["metadata"]["labels"]

    @property
    def spec(self) -> dict[str, Any]:
        return self.workload["spec"]["template"]["spec"]

    @property
    def container(self) -> dict[str, Any]:
        """The container; the chart's pods have one each."""
        [container] = self.spec["containers"]
        return container

    def is_selected_by(self, labels: dict[str, str]) -> bool:
        return labels.items() <= self.labels.items()


@dataclass
class Release:
    """The objects of a release, in the order in which Helm prints them."""

    name: str
    objects: list[dict[str, Any]] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [it for it in self.objects if it["kind"] == kind]

    @property
    def pods(self) -> list[Pod]:
        return [Pod(it) for it in self.objects if it["kind"] in WORKLOADS]

    def variables(self) -> Iterator[tuple[Pod, dict[str, Any]]]:
        """Yields every variable of every pod."""
        for pod in self.pods:
            for variable in pod.container.get("env", []):
                yield pod, variable


class HelmError(Exception):
    """Helm refused the chart or the values; the text is Helm's."""


def render(values: Path) -> Release:
    """Renders the chart with a file of values, as `helm install` would."""
    done = tools.helm("template", "eval", CHART, "--namespace", "evaluation", "--values", values)
    if done.returncode:
        raise HelmError(done.stderr.strip())
    return Release(values.stem, [it for it in yaml.safe_load_all(done.stdout) if it])


def value_files() -> list[Path]:
    return sorted((CHART / "ci").glob("*.yaml"))
