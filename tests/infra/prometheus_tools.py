"""Finds Prometheus and promtool, or unpacks Debian's packages of them below target/."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "infra/prometheus"


def tool(name: str) -> str:
    """Returns the path of `prometheus` or `promtool`. Installs nothing outside of target/."""
    if found := shutil.which(name):
        return found
    unpacked = FOLDER / "usr/bin" / name
    if not unpacked.exists():
        _unpack()
    return str(unpacked)


def _unpack() -> None:
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        sys.exit("prometheus and promtool are neither installed nor in packages here: install them, or use Debian")
    FOLDER.mkdir(parents=True, exist_ok=True)
    if _download().returncode:
        # The list of packages may be old. Only root may renew it.
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        if (done := _download()).returncode:
            sys.exit(f"prometheus cannot be downloaded: {done.stderr.strip()}")
    for package in FOLDER.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, FOLDER], check=True)
        package.unlink()


def _download() -> subprocess.CompletedProcess:
    return subprocess.run(["apt-get", "download", "-qq", "prometheus"], cwd=FOLDER, capture_output=True, text=True)
