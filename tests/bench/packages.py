"""Installs pinned Python packages, and runs the programs of measurements to their ends."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The environments of all tools are made alike.
sys.path.insert(0, str(HERE.parent / "support"))

import environments
from installation import Failed, Folder


def python_with_litellm() -> Path:
    """Returns the Python of an environment with the pinned LiteLLM and Celery; creates it if needed."""
    return python_with("bench/celery", HERE / "celery/requirements.txt")


def python_with_proxy() -> Path:
    """Returns the Python of an environment with LiteLLM's proxy; creates it if needed."""
    return python_with("bench/litellm-proxy", HERE / "litellm/requirements.txt")


def python_with(name: str, requirements: Path) -> Path:
    try:
        return environments.installed(name, requirements) / "bin/python"
    except environments.Missing as error:
        raise Failed(f"{requirements}: {error}") from error


def output(work: Folder, name: str, command: list, environment: dict[str, str], timeout_s: float) -> bytes:
    with work.log(name).open("wb") as log:
        try:
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=log, timeout=timeout_s)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failed(f"{name}: {error}") from error
    if done.returncode:
        last = work.log(name).read_text(errors="replace").strip().splitlines()[-1:]
        raise Failed(f"{name} ended with status {done.returncode}: {' '.join(last)}")
    return done.stdout
