"""Release builds of runmill: of this checkout, and of a commit to compare it with."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from installation import ROOT, TARGET, Failed


def of_checkout() -> Path:
    if subprocess.run(["cargo", "build", "--release", "--package", "runmill"], cwd=ROOT).returncode:
        raise Failed("this checkout does not build: see above")
    return TARGET / "release/runmill"


def of_commit(commit: str) -> Path:
    """Builds a commit in a target folder of its own, which is kept: the next time there is nothing to build."""
    found = full_hash(commit)
    # Cargo does not tell apart the crates of two commits in one target folder when their files are older than it.
    target = TARGET / "bench" / found
    with sources(found, target / "source") as manifest:
        command = ["cargo", "build", "--release", "--locked", "--package", "runmill",
                   "--manifest-path", manifest, "--target-dir", target]
        if subprocess.run(command, cwd=ROOT).returncode:
            raise Failed(f"{commit} does not build (see above); name another commit in BASE")
    return target / "release/runmill"


def full_hash(commit: str) -> str:
    command = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        raise Failed(f"git has no commit `{commit}`; take one from `git log`, or fetch it first")
    return found.stdout.strip()


@contextmanager
def sources(commit: str, path: Path) -> Iterator[Path]:
    """Puts the files of a commit into `path`, with the time of the commit, and removes them at the end."""
    path.mkdir(parents=True, exist_ok=True)
    try:
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(["tar", "-x", "-C", path], check=True, input=archive)
        yield path / "Cargo.toml"
    finally:
        shutil.rmtree(path)
