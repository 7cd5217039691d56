"""Python environments of the tools and clients that tests run, below target/."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


class Missing(Exception):
    """Packages that could not be installed, with the last words of the command that failed."""


def installed(name: str, requirements: Path, *options: str, timeout_s: float = 1200) -> Path:
    """Returns the folder of an environment with the requirements; creates it once for each version of the file.

    `options` go to pip. A failed installation is begun anew the next time.
    """
    folder = TARGET / name
    stamp, wanted = folder / "requirements.txt", requirements.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return folder
    pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", "--clear", folder], [*pip, *options, "-r", requirements]):
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout_s)
        except (OSError, subprocess.SubprocessError) as error:
            raise Missing(last_words(error)) from error
    stamp.write_text(wanted)
    return folder


def last_words(error: Exception) -> str:
    """Returns the last line that the command printed."""
    said = (getattr(error, "stderr", None) or getattr(error, "stdout", None) or "").strip()
    return said.splitlines()[-1] if said else str(error)
