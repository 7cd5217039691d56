"""Compares running containers with their manifests."""

import urllib.request
from pathlib import Path

from pod import Pod

METRICS_PORT = 9090
TIMEOUT_S = 5


def faults(pod: Pod) -> list[str]:
    """Returns how the container's process differs from what the manifest says."""
    found = []
    environment = pod.process.variables()
    stated = {variable["name"] for variable in pod.container["env"]}
    if strange := set(environment) - stated - {"PATH", "HOSTNAME"} - set(pod.image_variables):
        found.append(f"{pod.name} has the variables {', '.join(sorted(strange))}")
    status = _status(pod)
    user = str(pod.spec["securityContext"]["runAsUser"])
    if set(status["Uid"].split()) != {user}:
        found.append(f"{pod.name} runs as {status['Uid']}")
    if int(status["CapBnd"], 16) or int(status["CapEff"], 16):
        found.append(f"{pod.name} has the capabilities {status['CapEff']}, and may have {status['CapBnd']}")
    if status["NoNewPrivs"] != "1":
        found.append(f"{pod.name} may get new privileges")
    if "ro" not in _root_options(pod):
        found.append(f"{pod.name} may write to its root folder")
    return found


def _status(pod: Pod) -> dict[str, str]:
    lines = Path(f"/proc/{pod.process.id}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _root_options(pod: Pod) -> list[str]:
    for line in Path(f"/proc/{pod.process.id}/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[4] == "/":
            return fields[5].split(",")
    return []


def metrics(pod: Pod) -> dict[str, float]:
    """Returns the metrics of a pod that have no labels."""
    with urllib.request.urlopen(f"http://{pod.address}:{METRICS_PORT}/metrics", timeout=TIMEOUT_S) as response:
        lines = response.read().decode().splitlines()
    pairs = (line.split() for line in lines if line and not line.startswith("#"))
    return {pair[0]: float(pair[1]) for pair in pairs if "{" not in pair[0]}
