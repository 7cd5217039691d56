"""The command that tests run."""

import os
import subprocess
import sys
from pathlib import Path

from environments import ROOT, TARGET


def runmill() -> Path:
    """Returns the command that RUNMILL_BIN names, or builds it. Ends the program if it does not build."""
    if binary := os.environ.get("RUNMILL_BIN"):
        return Path(binary).resolve()
    # With the features of all tests, whose build this one then reuses.
    build = ["cargo", "build", "--quiet", "--workspace", "--all-features", "--bin", "runmill"]
    if subprocess.run(build, cwd=ROOT).returncode:
        sys.exit("runmill does not build: see above; or name a binary in RUNMILL_BIN")
    return TARGET / "debug/runmill"
