"""The files and the settings of the image, made of the Dockerfile and of a binary that is built already."""

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from words import Failed

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Devices and folders that a container engine makes.
DEVICES = ("null", "zero", "full", "random", "urandom")
FOLDERS = ("dev", "etc", "proc", "tmp", "var/tmp", "run")
# Files of the base image, which the binary reads and `ldd` does not name.
BASE_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/nsswitch.conf")
TIME_ZONES = "/usr/share/zoneinfo"


@dataclass
class Image:
    """The last stage of the Dockerfile."""

    root: Path
    entrypoint: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    user: int = 0
    folder: str = "/"

    def argv(self, container: dict) -> list[str]:
        """Returns what is executed, by the rules of Kubernetes: `command` also replaces the image's arguments."""
        if command := container.get("command"):
            return command + container.get("args", [])
        return self.entrypoint + container.get("args", self.arguments)

    def files(self) -> dict[str, tuple[int, int]]:
        """Returns size and time of change of each file, to see whether a container has changed one."""
        found = {}
        for folder, _, names in os.walk(self.root):
            for name in names:
                state = os.lstat(path := os.path.join(folder, name))
                found[path] = (state.st_size, state.st_mtime_ns)
        return found


def build(dockerfile: Path, binary: Path, root: Path) -> Image:
    """Makes the root folder: the binary, its libraries, certificates and time zones. Nothing of it belongs to the user."""
    image = Image(root)
    place = read(dockerfile, image)
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in DEVICES:
        (root / "dev" / name).touch()
    for name in ("hosts", "resolv.conf", "hostname"):
        (root / "etc" / name).touch()
    _copy(binary, root / place.lstrip("/"))
    for library in _libraries(binary):
        _copy(library, root / str(library).lstrip("/"))
    for name in filter(os.path.exists, BASE_FILES):
        _copy(Path(name), root / name.lstrip("/"))
    if os.path.isdir(TIME_ZONES):
        shutil.copytree(TIME_ZONES, root / TIME_ZONES.lstrip("/"), symlinks=True)
    (root / image.folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
    return image


def _copy(source: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, to)


def _libraries(binary: Path) -> list[Path]:
    done = subprocess.run(["ldd", str(binary)], capture_output=True, text=True)
    # A static binary has none, and ldd says so by its status.
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", done.stdout)]


def read(dockerfile: Path, image: Image) -> str:
    """Takes the settings of the last stage. Returns the path of the binary."""
    copied = set()
    for name, rest in _last_stage(dockerfile.read_text()):
        match name:
            case "ENV":
                image.environment |= dict(word.split("=", 1) for word in shlex.split(rest))
            case "USER":
                image.user = int(rest.partition(":")[0])
            case "WORKDIR":
                image.folder = rest
            case "ENTRYPOINT":
                image.entrypoint = json.loads(rest)
            case "CMD":
                image.arguments = json.loads(rest)
            case "HEALTHCHECK":
                image.healthcheck = json.loads(rest.partition("CMD ")[2])
            case "COPY":
                copied.add(rest.split()[-1])
    if not image.entrypoint or image.entrypoint[0] not in copied:
        raise Failed(f"{dockerfile}: the last stage does not copy the program that it starts")
    return image.entrypoint[0]


def _last_stage(text: str) -> list[tuple[str, str]]:
    """Returns the instructions of the last stage, after those of the stages that it is made from."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
    stages: dict[str, list[tuple[str, str]]] = {}
    stage: list[tuple[str, str]] = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, rest = line.partition(" ")
        if name.upper() != "FROM":
            stage.append((name.upper(), rest.strip()))
            continue
        words = rest.split()
        stage = list(stages.get(words[0], []))
        if "AS" in map(str.upper, words):
            stages[words[-1]] = stage
    return stage
