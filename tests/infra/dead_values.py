"""Looks for values of the chart that change nothing."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import tools
from release import CHART, value_files
from wrong_values import resolved

SECRET = {"existingSecret": "any"}
# Settings in which a value may have an effect, beside those of ci/.
SETTINGS: list[dict[str, Any]] = [
    {},
    {**SECRET, "autoscaling": {"mode": "keda", "keda": {"trigger": "prometheus", "prometheusUrl": "http://prometheus:9090"}}},
    {**SECRET, "autoscaling": {"mode": "keda", "keda": {"trigger": "metrics-api"}}},
]
# One of these fits each pattern of the schema.
WORDS = ["other", "/other", "https://other.example", "3Gi", "3%", "192.0.2.0/24", f"sha256:{'1' * 64}", "RUNMILL_OTHER"]


class Chart:
    """The chart's schema, and its renderings in each of the settings."""

    def __init__(self) -> None:
        self.schema = json.loads((CHART / "values.schema.json").read_text())
        self.settings = [yaml.safe_load(file.read_text()) for file in value_files()] + SETTINGS
        self.renderings = [rendering(setting, {}) for setting in self.settings]

    def fields(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Yields the pointer of each field, and values of the chart in which it alone is set."""
        yield from self._fields(self.schema, [])

    def is_dead(self, others: list[dict[str, Any]]) -> bool:
        """Returns whether none of these values changes any rendering."""
        pairs = list(zip(self.settings, self.renderings))
        # First those in which it is likelier to have an effect.
        pairs.sort(key=lambda pair: common_depth(pair[0], others[0]), reverse=True)
        return not any(rendering(setting, other) not in (before, None) for other in others for setting, before in pairs)

    def _fields(self, schema: dict[str, Any], path: list[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        schema = resolved(self.schema, schema)
        below = {name: it for name, it in schema.get("properties", {}).items() if it is not False}
        for name, it in below.items():
            yield from self._fields(it, [*path, name])
        if not below:
            yield "".join(f"/{part}" for part in path), [nested(path, value) for value in self._examples(schema)]

    def _examples(self, schema: dict[str, Any]) -> list[Any]:
        """Returns values that the schema allows, of which one at least is not the default."""
        schema = resolved(self.schema, schema)
        kind = schema["type"][-1] if isinstance(schema["type"], list) else schema["type"]
        if "enum" in schema:
            return schema["enum"]
        match kind:
            case "boolean":
                return [True, False]
            case "integer":
                return [schema["maximum"], schema["minimum"] + 1, schema["minimum"]]
            case "array":
                return [[self._examples(schema["items"])[0]]]
            case "object":
                return [self._object(schema)]
        return [fitting(schema.get("pattern", ""))]

    def _object(self, schema: dict[str, Any]) -> dict[str, Any]:
        if isinstance(schema.get("additionalProperties"), dict):
            return {"other": self._examples(schema["additionalProperties"])[0]}
        for pattern, it in schema.get("patternProperties", {}).items():
            if pattern.startswith("^(RUNMILL"):
                return {fitting(pattern): self._examples(it)[0]}
        names = [*schema.get("required", []), *schema.get("oneOf", [{}])[0].get("required", [])]
        known = schema.get("properties", {})
        return {name: self._examples(known[name])[0] for name in names or list(known)[:1]}


def common_depth(setting: dict[str, Any], other: dict[str, Any]) -> int:
    """Returns how many levels of a value's path a setting has."""
    [(name, below)] = list(other.items())[:1] or [("", None)]
    if name not in setting:
        return 0
    deeper = isinstance(below, dict) and isinstance(setting[name], dict)
    return 1 + (common_depth(setting[name], below) if deeper else 0)


def fitting(pattern: str) -> str:
    return next(word for word in WORDS if re.search(pattern, word))


def nested(path: list[str], value: Any) -> dict[str, Any]:
    for part in reversed(path):
        value = {part: value}
    return value


def rendering(setting: dict[str, Any], other: dict[str, Any]) -> str | None:
    """Returns the chart's objects apart from the trial's Secret, which is made up each time; None if Helm refuses the values."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, values in [("setting", setting), ("other", other)]:
            file = Path(folder) / f"{name}.json"
            file.write_text(json.dumps(values))
            files += ["--values", file]
        done = tools.helm("template", "eval", CHART, *files)
    if done.returncode:
        return None
    return "---".join(part for part in done.stdout.split("\n---\n") if "kind: Secret\n" not in part)
