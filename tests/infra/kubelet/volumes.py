"""The volumes of a pod, as folders of this machine."""

import os
import shutil
from pathlib import Path

from manifests import Objects
from words import Failed

READ_ONLY_KINDS = {"secret": ("Secret", "secretName"), "configMap": ("ConfigMap", "name")}


def make(pod: dict, container: dict, objects: Objects, folder: Path) -> list[dict]:
    """Makes each volume. Returns what is mounted where."""
    group = pod.get("securityContext", {}).get("fsGroup", 0)
    places = {}
    for volume in pod.get("volumes", []):
        place = folder / "volumes" / volume["name"]
        place.mkdir(parents=True)
        kind = next((kind for kind in volume if kind != "name"), None)
        if kind == "emptyDir":
            os.chown(place, 0, group)
            # Sticky for the group, so that what is made in it has the group, too.
            place.chmod(0o2777)
        elif kind in READ_ONLY_KINDS:
            _fill(place, volume[kind], READ_ONLY_KINDS[kind], objects, group)
        else:
            raise Failed(f"this kubelet does not know volumes of the kind {kind}")
        places[volume["name"]] = (place, kind)
    return [_mount(stated, *places[stated["name"]]) for stated in container.get("volumeMounts", [])]


def _mount(stated: dict, place: Path, kind: str) -> dict:
    source = place / stated["subPath"] if "subPath" in stated else place
    read_only = stated.get("readOnly", False) or kind in READ_ONLY_KINDS
    return {"source": str(source), "target": stated["mountPath"], "read_only": read_only}


def _fill(place: Path, source: dict, names: tuple[str, str], objects: Objects, group: int) -> None:
    kind, key = names
    for name, text in objects.data(kind, source[key], source.get("optional", False)).items():
        file = place / name
        file.write_text(text)
        os.chown(file, 0, group)
        file.chmod(source.get("defaultMode", 0o644))


def mount_points(pod: dict, root: Path) -> None:
    """Makes the folders that volumes are mounted at, which a container engine makes in the container's own copy of the image."""
    for container in pod["containers"]:
        for stated in container.get("volumeMounts", []):
            (root / stated["mountPath"].lstrip("/")).mkdir(parents=True, exist_ok=True)


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
