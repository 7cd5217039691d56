"""Selectors, ports and names, which Kubernetes accepts even where they lead nowhere."""

import re
from collections.abc import Iterator
from typing import Any

import tools
from release import Release

from .duty import Duty

NAME_MAX = 63
CONFIGURATION = tools.ROOT / "docs/configuration.md"


def selectors(release: Release) -> Iterator[str]:
    for it in release.objects:
        labels = _selected(it)
        if labels is None:
            continue
        found = [pod.name for pod in release.pods if pod.is_selected_by(labels)]
        if len(found) != 1:
            yield f"{it['kind']} {it['metadata']['name']}: selects {found or 'no pods'}"


def _selected(it: dict[str, Any]) -> dict[str, str] | None:
    """Returns the labels of the pods that an object selects, or None if it selects none."""
    spec = it.get("spec", {})
    match it["kind"]:
        case "Service":
            return spec["selector"]
        case "NetworkPolicy":
            return spec["podSelector"]["matchLabels"]
        case "Deployment" | "StatefulSet" | "PodDisruptionBudget":
            return spec["selector"]["matchLabels"]
    return None


def ports(release: Release) -> Iterator[str]:
    for service in release.of_kind("Service"):
        for pod in release.pods:
            if not pod.is_selected_by(service["spec"]["selector"]):
                continue
            names = {port["name"] for port in pod.container.get("ports", [])}
            for port in service["spec"]["ports"]:
                if port["targetPort"] not in names:
                    yield f"Service {service['metadata']['name']}: {pod.name} has no port {port['targetPort']}"


def listeners(release: Release) -> Iterator[str]:
    """The ports of a container are those that its service listens on."""
    for pod, variable in release.variables():
        if variable["name"] not in {"RUNMILL_LISTEN", "RUNMILL_OPS_LISTEN"}:
            continue
        host, _, port = variable["value"].rpartition(":")
        if int(port) not in {it["containerPort"] for it in pod.container["ports"]}:
            yield f"{pod.name}: {variable['name']} is not a port of the container"
        if host not in {"0.0.0.0", "[::]"}:
            yield f"{pod.name}: {variable['name']} cannot be reached from outside of the pod"


def variables(release: Release) -> Iterator[str]:
    """The services refuse unknown variables, so each must be documented. Keys of the Secret may be absent."""
    documented = set(re.findall(r"^\| `([A-Z_]+)`", CONFIGURATION.read_text(), re.MULTILINE))
    for pod, variable in release.variables():
        if pod.kind != "StatefulSet" and "value" in variable and variable["name"] not in documented:
            yield f"{pod.name}: {variable['name']} is not in {CONFIGURATION.name}"


def scaling(release: Release) -> Iterator[str]:
    """What scales a Deployment is alone in it: with `replicas`, each upgrade would undo it."""
    deployments = {it["metadata"]["name"]: it for it in release.of_kind("Deployment")}
    for it in [*release.of_kind("ScaledObject"), *release.of_kind("HorizontalPodAutoscaler")]:
        target = deployments.get(it["spec"]["scaleTargetRef"]["name"])
        if target is None:
            yield f"{it['kind']}: scales a Deployment that does not exist"
        elif "replicas" in target["spec"]:
            yield f"{it['kind']}: its Deployment has a number of replicas, too"


def scraping(release: Release) -> Iterator[str]:
    for monitor in release.of_kind("ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"]
        services = [it for it in release.of_kind("Service") if wanted.items() <= it["metadata"]["labels"].items()]
        jobs = {it["metadata"]["labels"][monitor["spec"]["jobLabel"]] for it in services}
        if jobs != {"dispatcher", "executor", "log-sink"}:
            yield f"ServiceMonitor: has the jobs {sorted(jobs)}"


def names(release: Release) -> Iterator[str]:
    seen = set()
    for it in release.objects:
        name = it["metadata"]["name"]
        if len(name) > NAME_MAX:
            yield f"{it['kind']} {name}: the name is longer than {NAME_MAX} characters"
        if it["metadata"].get("namespace") != "evaluation":
            yield f"{it['kind']} {name}: has no namespace"
        if (it["kind"], name) in seen:
            yield f"{it['kind']} {name}: is there twice"
        seen.add((it["kind"], name))


def _select_nothing(release: Release) -> None:
    release.of_kind("Service")[0]["spec"]["selector"]["app.kubernetes.io/component"] = "other"


def _lead_to_no_port(release: Release) -> None:
    release.of_kind("Service")[0]["spec"]["ports"][0]["targetPort"] = "other"


def _listen_within_the_pod(release: Release) -> None:
    for _, variable in release.variables():
        if variable["name"] == "RUNMILL_OPS_LISTEN":
            variable["value"] = "127.0.0.1:9090"


def _set_an_unknown_variable(release: Release) -> None:
    release.pods[0].container["env"].append({"name": "RUNMILL_LISTENS", "value": "any"})


def _scale_twice(release: Release) -> None:
    target = {"spec": {"scaleTargetRef": {"name": release.of_kind("Deployment")[0]["metadata"]["name"]}}}
    release.of_kind("Deployment")[0]["spec"]["replicas"] = 2
    release.objects.append({"kind": "ScaledObject", "metadata": {"name": "any"}, **target})


def _scrape_nothing(release: Release) -> None:
    spec = {"jobLabel": "app.kubernetes.io/component", "selector": {"matchLabels": {"any": "label"}}}
    release.objects.append({"kind": "ServiceMonitor", "metadata": {"name": "any"}, "spec": spec})


def _repeat_a_name(release: Release) -> None:
    release.objects.append(release.objects[0])


DUTIES = [
    Duty("selectors", selectors, _select_nothing),
    Duty("ports of services", ports, _lead_to_no_port),
    Duty("addresses to listen on", listeners, _listen_within_the_pod),
    Duty("documented variables", variables, _set_an_unknown_variable),
    Duty("one scaler", scaling, _scale_twice),
    Duty("scraping", scraping, _scrape_nothing),
    Duty("names", names, _repeat_a_name),
]
