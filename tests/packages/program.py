"""Checks of the program of a package, which are those of a person who has just installed it."""

import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 300


def run(command: list, **options) -> str:
    """Returns what a command prints. Raises an error with its output if it fails."""
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT_S, **options)
    return done.stdout


def version() -> str:
    """Returns the version of the workspace."""
    [found] = re.findall(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    return found


def says_its_version(program: Path) -> None:
    said = run([program, "--version"])
    assert said == f"runmill {version()}\n", said


def runs_the_demo(program: Path) -> None:
    """The demo finds all that it needs in the program: nothing of this checkout, of the environment or of a home."""
    with tempfile.TemporaryDirectory() as empty:
        environment = {"HOME": empty, "PATH": "/usr/bin:/bin", "RUNMILL_DATA_DIR": f"{empty}/data"}
        said = run([program, "demo"], cwd=empty, env=environment)
    assert re.search(r"status +│? *completed", said) and "1319 succeeded" in said, said
