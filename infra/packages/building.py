"""What both packages are built of: the profile, the program, and the folder that they are written to."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# The environments of all tools are made alike.
sys.path.insert(0, str(ROOT / "tests/support"))

import environments

MANIFEST = ROOT / "services/runmill/Cargo.toml"
# In CI an outdated lock file is an error; otherwise cargo updates it.
LOCKED = ["--locked"] if os.environ.get("CI") else []


def profile(about: str) -> str:
    """Returns the profile of cargo that the command line names."""
    arguments = argparse.ArgumentParser(description=about)
    arguments.add_argument("--profile", default="dist", help="profile of cargo, such as dev; packages for others are of dist")
    return arguments.parse_args().profile


def program(profile: str) -> Path:
    """Builds the program unless RUNMILL_BIN names it, and returns its path."""
    if binary := os.environ.get("RUNMILL_BIN"):
        return Path(binary).resolve()
    run(["cargo", "build", *LOCKED, "--package", "runmill", "--profile", profile])
    return environments.TARGET / ("debug" if profile == "dev" else profile) / "runmill"


def folder(profile: str) -> Path:
    """Returns the folder of the packages. Those for tests have one of their own."""
    packages = environments.TARGET / "packages"
    made = packages if profile == "dist" else packages / profile
    made.mkdir(parents=True, exist_ok=True)
    return made


def remove(files: Path, pattern: str) -> None:
    """Removes packages of earlier builds, so that the folder has one of each kind."""
    for old in files.glob(pattern):
        old.unlink()


def show(package: Path) -> None:
    print(f"{package} ({package.stat().st_size / 1e6:.1f} MB)")


def run(command: list, **options) -> None:
    """Runs a command. If it fails, what it printed has told why."""
    try:
        code = subprocess.run(command, cwd=ROOT, **options).returncode
    except FileNotFoundError:
        sys.exit(f"{command[0]} is not installed")
    if code:
        sys.exit(f"{' '.join(map(str, command))} failed with status {code}")
