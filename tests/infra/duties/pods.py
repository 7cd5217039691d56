"""Security, resources, probes and drains of pods."""

from collections.abc import Iterator
from typing import Any

from release import Pod, Release

from .duty import Duty

POD_SECURITY = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
}
# Service links are variables with the release's name in front, and runmill refuses unknown ones that begin with RUNMILL_.
NOT_FROM_KUBERNETES = {"automountServiceAccountToken": False, "enableServiceLinks": False}
# Seconds that a process needs beyond its drain, before it would be killed.
GRACE_SPARE_S = 10


def security(release: Release) -> Iterator[str]:
    for pod in release.pods:
        yield from _differences(pod, "pod", NOT_FROM_KUBERNETES, pod.spec)
        yield from _differences(pod, "pod's securityContext", POD_SECURITY, pod.spec.get("securityContext", {}))
        yield from _differences(pod, "securityContext", CONTAINER_SECURITY, pod.container.get("securityContext", {}))
        if not pod.spec.get("securityContext", {}).get("runAsUser"):
            yield f"{pod.name}: runAsUser is not set"
        for volume in pod.spec.get("volumes", []):
            if not volume.keys() & {"secret", "configMap", "emptyDir"}:
                yield f"{pod.name}: the volume {volume['name']} is of the host"


def _differences(pod: Pod, place: str, wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    for key, value in wanted.items():
        if found.get(key) != value:
            yield f"{pod.name}: {key} of the {place} is {found.get(key)} instead of {value}"


def resources(release: Release) -> Iterator[str]:
    for pod in release.pods:
        found = pod.container.get("resources", {})
        for kind, name in [("requests", "cpu"), ("requests", "memory"), ("limits", "memory")]:
            if not found.get(kind, {}).get(name):
                yield f"{pod.name}: resources.{kind}.{name} is not set"


def probes(release: Release) -> Iterator[str]:
    for pod in release.pods:
        if pod.kind == "Job":
            continue
        ports = {port["name"] for port in pod.container["ports"]}
        for name in ["startupProbe", "livenessProbe", "readinessProbe"]:
            probe = pod.container.get(name)
            if not probe:
                yield f"{pod.name}: {name} is not set"
            elif "httpGet" in probe and probe["httpGet"]["port"] not in ports:
                yield f"{pod.name}: {name} asks a port that the container does not have"


def drains(release: Release) -> Iterator[str]:
    for pod in release.pods:
        drain = {it["name"]: it.get("value") for it in pod.container.get("env", [])}.get("RUNMILL_DRAIN_TIMEOUT_SECONDS")
        if drain is None:
            continue
        before = pod.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        grace = pod.spec["terminationGracePeriodSeconds"]
        if grace < before + int(drain) + GRACE_SPARE_S:
            yield f"{pod.name}: the grace period of {grace} s is shorter than a stop takes"


def spread(release: Release) -> Iterator[str]:
    for pod in release.pods:
        if pod.kind != "Deployment":
            continue
        constraints = pod.spec.get("topologySpreadConstraints", [])
        if not constraints:
            yield f"{pod.name}: the pods are not spread"
        for constraint in constraints:
            if not pod.is_selected_by(constraint["labelSelector"]["matchLabels"]):
                yield f"{pod.name}: the spread counts other pods"


def _first(release: Release, kind: str = "Deployment") -> Pod:
    return next(pod for pod in release.pods if pod.kind == kind)


def _unset_capabilities(release: Release) -> None:
    del _first(release).container["securityContext"]["capabilities"]


def _unset_memory(release: Release) -> None:
    del _first(release).container["resources"]["limits"]["memory"]


def _rename_probed_port(release: Release) -> None:
    _first(release).container["readinessProbe"]["httpGet"]["port"] = "absent"


def _shorten_grace(release: Release) -> None:
    _first(release).spec["terminationGracePeriodSeconds"] = 30


def _spread_others(release: Release) -> None:
    labels = _first(release).spec["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
    labels["app.kubernetes.io/component"] = "other"


DUTIES = [
    Duty("security contexts", security, _unset_capabilities),
    Duty("resources", resources, _unset_memory),
    Duty("probes", probes, _rename_probed_port),
    Duty("drains", drains, _shorten_grace),
    Duty("topology spread", spread, _spread_others),
]
