"""Faults of manifests, each with the words of the check that must find it: so the checks are known to be able to fail."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A change of the rendered objects, and a part of the check's name or of the failure's words."""

    change: Callable[[list[dict]], None]
    found_by: str


def pods(objects: list[dict], component: str) -> list[dict]:
    """Returns the specifications of a component's pods."""
    return [made["spec"]["template"]["spec"] for made in objects
            if made["kind"] == "Deployment" and made["metadata"]["name"].endswith(component)]


def no_pre_stop(objects: list[dict]) -> None:
    for pod in pods(objects, "dispatcher"):
        pod["containers"][0].pop("lifecycle")


def no_grace(objects: list[dict]) -> None:
    for pod in pods(objects, "executor"):
        pod["terminationGracePeriodSeconds"] = 0


def service_links(objects: list[dict]) -> None:
    for pod in pods(objects, "executor"):
        pod["enableServiceLinks"] = True


def wrong_liveness(objects: list[dict]) -> None:
    for pod in pods(objects, "log-sink"):
        pod["containers"][0]["livenessProbe"] |= {"periodSeconds": 1, "httpGet": {"path": "/none", "port": "ops"}}


def root_user(objects: list[dict]) -> None:
    for pod in pods(objects, "executor"):
        pod["securityContext"]["runAsUser"] = 0


def writable_root(objects: list[dict]) -> None:
    for pod in pods(objects, "executor"):
        pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] = False


def missing_key(objects: list[dict]) -> None:
    for pod in pods(objects, "dispatcher"):
        for variable in pod["containers"][0]["env"]:
            if variable["name"] == "ENCRYPTION_KEY":
                variable["valueFrom"]["secretKeyRef"]["key"] = "KEY"


ALL = {
    "no-pre-stop": Fault(no_pre_stop, "refused none"),
    "no-grace": Fault(no_grace, "SIGKILLs after the grace"),
    "service-links": Fault(service_links, "RUNMILL_DISPATCHER_SERVICE_HOST"),
    "wrong-liveness": Fault(wrong_liveness, "livenessProbe"),
    "root-user": Fault(root_user, "must not run as root"),
    "writable-root": Fault(writable_root, "may write to its root folder"),
    "missing-key": Fault(missing_key, "has no key KEY"),
}
