"""Network policies: what pods may reach, and who may reach them."""

from collections.abc import Iterator
from typing import Any

from release import Pod, Release

from .duty import Duty

# Ports that each component may reach. Executors may reach every port, because providers choose theirs.
DNS, DATABASE, BROKER, COLLECTOR, WEBHOOKS = {53}, {5432, 6432}, {5671, 5672}, {4318}, {443}
REACHED = {
    "dispatcher": DNS | DATABASE | BROKER | COLLECTOR | WEBHOOKS,
    "log-sink": DNS | DATABASE | BROKER | COLLECTOR,
    "migrate": DNS | DATABASE,
    "postgresql": set(),
    "rabbitmq": set(),
}


def every_pod_has_one(release: Release) -> Iterator[str]:
    for pod in release.pods:
        policies = list(_policies(release, pod))
        if len(policies) != 1:
            yield f"{pod.name}: has {len(policies)} network policies instead of 1"
        for policy in policies:
            if set(policy["spec"]["policyTypes"]) != {"Ingress", "Egress"}:
                yield f"{pod.name}: its network policy leaves a direction open"


def executors_alone_reach_out(release: Release) -> Iterator[str]:
    for pod in release.pods:
        for policy in _policies(release, pod):
            for rule in policy["spec"].get("egress", []):
                yield from _unexpected(pod, rule)


def _unexpected(pod: Pod, rule: dict[str, Any]) -> Iterator[str]:
    if pod.component == "executor":
        return
    ports = {port["port"] for port in rule.get("ports", [])}
    if not ports:
        yield f"{pod.name}: reaches every port of {rule.get('to', 'every address')}"
    elif not ports <= REACHED[pod.component]:
        yield f"{pod.name}: reaches the ports {sorted(ports)}"
    if ports & WEBHOOKS and any("except" not in it.get("ipBlock", {}) for it in rule.get("to", [{}])):
        yield f"{pod.name}: reaches addresses that are not public"


def nobody_reaches_metadata(release: Release) -> Iterator[str]:
    """No rule opens the addresses at which clouds tell machines their credentials."""
    for pod in release.pods:
        for policy in _policies(release, pod):
            for rule in policy["spec"].get("egress", []):
                if "to" not in rule and "ports" not in rule:
                    yield f"{pod.name}: reaches everything"
                for peer in rule.get("to", []):
                    block = peer.get("ipBlock", {})
                    if block.get("cidr") == "0.0.0.0/0" and "169.254.0.0/16" not in block.get("except", []):
                        yield f"{pod.name}: reaches link-local addresses"


def _policies(release: Release, pod: Pod) -> Iterator[dict[str, Any]]:
    for policy in release.of_kind("NetworkPolicy"):
        if pod.is_selected_by(policy["spec"]["podSelector"]["matchLabels"]):
            yield policy


def _policy(release: Release, component: str) -> dict[str, Any]:
    return next(
        it
        for it in release.of_kind("NetworkPolicy")
        if it["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == component
    )


def _forget_egress(release: Release) -> None:
    _policy(release, "dispatcher")["spec"]["policyTypes"] = ["Ingress"]


def _open_the_log_sink(release: Release) -> None:
    _policy(release, "log-sink")["spec"]["egress"].append({"to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]})


def _open_link_local(release: Release) -> None:
    _policy(release, "executor")["spec"]["egress"].append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]})


DUTIES = [
    Duty("a network policy for every pod", every_pod_has_one, _forget_egress),
    Duty("executors alone reach out", executors_alone_reach_out, _open_the_log_sink),
    Duty("no way to metadata", nobody_reaches_metadata, _open_link_local),
]
