"""Renders the chart, and resolves what its objects refer to."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tools
import yaml

from words import Failed

# Fields of a pod that this kubelet obeys.
POD_OBEYED = {
    "containers", "volumes", "securityContext", "terminationGracePeriodSeconds", "enableServiceLinks", "restartPolicy",
    "automountServiceAccountToken",
}
# Fields that say where a pod runs, or that need a container engine or an API server.
POD_IGNORED = {
    "affinity", "imagePullSecrets", "nodeSelector", "priorityClassName", "serviceAccountName", "tolerations",
    "topologySpreadConstraints",
}
CONTAINER_OBEYED = {
    "name", "command", "args", "env", "envFrom", "ports", "startupProbe", "livenessProbe", "readinessProbe", "lifecycle",
    "resources", "securityContext", "volumeMounts", "workingDir",
}
CONTAINER_IGNORED = {"image", "imagePullPolicy"}
REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


@dataclass(frozen=True)
class Chart:
    folder: Path
    release: str
    namespace: str
    # Breaks what is rendered, for a test of the checks.
    spoil: Callable[[list[dict]], None] | None = None

    def render(self, files: list[Path], values: dict[str, Any], upgrade: bool) -> list[dict]:
        """Returns the objects of an installation or an upgrade, hooks included."""
        arguments = ["template", self.release, self.folder, "--namespace", self.namespace]
        arguments += ["--is-upgrade"] if upgrade else []
        for file in files:
            arguments += ["--values", file]
        for name, value in values.items():
            arguments += ["--set-json", f"{name}={json.dumps(value)}"]
        done = tools.helm(*arguments)
        if done.returncode:
            raise Failed(f"helm template: {done.stderr.strip()}")
        rendered = [document for document in yaml.safe_load_all(done.stdout) if document]
        if self.spoil:
            self.spoil(rendered)
        return rendered


@dataclass
class Objects:
    """The objects that containers refer to, as the API server would have them."""

    namespace: str
    held: dict[tuple[str, str], dict] = field(default_factory=dict)

    def put(self, made: dict) -> None:
        self.held[made["kind"], made["metadata"]["name"]] = made

    def of_kind(self, kind: str) -> Iterator[dict]:
        return (made for (of, _), made in self.held.items() if of == kind)

    def data(self, kind: str, name: str, optional: bool = False) -> dict[str, str]:
        """Returns the keys of a Secret or ConfigMap."""
        made = self.held.get((kind, name))
        if made is None:
            if optional:
                return {}
            raise Failed(f"{kind} {name} does not exist")
        plain = {key: base64.b64decode(text).decode() for key, text in made.get("data", {}).items()} \
            if kind == "Secret" else dict(made.get("data", {}))
        return plain | made.get("stringData", {})


def check_fields(pod: dict) -> None:
    """Refuses a pod that asks for something which would be left out without a word."""
    unknown = set(pod) - POD_OBEYED - POD_IGNORED
    for container in pod["containers"]:
        unknown |= set(container) - CONTAINER_OBEYED - CONTAINER_IGNORED
    if unknown:
        raise Failed(f"this kubelet does not know the fields {', '.join(sorted(unknown))}")
    if len(pod["containers"]) != 1:
        raise Failed("this kubelet runs pods of one container")


def environment(container: dict, objects: Objects, pod: dict[str, str]) -> dict[str, str]:
    """Returns the variables of a container. `pod` has the values that `fieldRef` may name, by their paths."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            if reference := source.get(key):
                keys = objects.data(kind, reference["name"], reference.get("optional", False))
                found |= {source.get("prefix", "") + name: value for name, value in keys.items()}
    for variable in container.get("env", []):
        value = _value(variable, objects, pod)
        if value is not None:
            found[variable["name"]] = expanded(value, found)
    return found


def _value(variable: dict, objects: Objects, pod: dict[str, str]) -> str | None:
    source = variable.get("valueFrom")
    if source is None:
        # A number here is a fault of the manifest, which Kubernetes refuses.
        if not isinstance(value := variable.get("value", ""), str):
            raise Failed(f"the value of {variable['name']} is not a string: {value!r}")
        return value
    for kind, key in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
        if reference := source.get(key):
            optional = reference.get("optional", False)
            keys = objects.data(kind, reference["name"], optional)
            if reference["key"] not in keys and not optional:
                raise Failed(f"{kind} {reference['name']} has no key {reference['key']}, which {variable['name']} needs")
            return keys.get(reference["key"])
    path = source.get("fieldRef", {}).get("fieldPath")
    if path not in pod:
        raise Failed(f"{variable['name']} comes from {source}, which this kubelet does not know")
    return pod[path]


def expanded(text: str, variables: dict[str, str]) -> str:
    """Returns the text with `$(NAME)` replaced; an unknown name stays as it is, and `$$` is a dollar sign."""
    def replaced(match: re.Match) -> str:
        return "$" if match[0] == "$$" else variables.get(match[1], match[0])

    return REFERENCE.sub(replaced, text)


def template_hash(template: dict) -> str:
    """Returns what tells pods of one template from those of another."""
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in selector.items())


def hooks(objects: list[dict], event: str) -> list[dict]:
    """Returns what Helm makes at an event, such as `pre-install`, in its order."""
    made = [made for made in objects if event in _hook_events(made)]
    return sorted(made, key=lambda made: int(made["metadata"]["annotations"].get("helm.sh/hook-weight", 0)))


def without_hooks(objects: list[dict]) -> list[dict]:
    return [made for made in objects if not _hook_events(made)]


def _hook_events(made: dict) -> list[str]:
    events = made["metadata"].get("annotations", {}).get("helm.sh/hook", "")
    return [event.strip() for event in events.split(",") if event.strip()]
