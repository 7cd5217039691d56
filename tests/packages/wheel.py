"""Checks of the wheel."""

import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import program

# One file, and what every wheel says about itself.
CONTENT = re.compile(r"runmill-[^/]+\.(data/scripts/runmill|dist-info/(METADATA|WHEEL|RECORD|licenses/LICENSE|sboms/.+\.json))")


def checks(wheel: Path, work: Path) -> Iterator[Callable[[], None]]:
    environment = work / "environment"
    installed = environment / "bin/runmill"

    def it_carries_the_program_alone() -> None:
        with zipfile.ZipFile(wheel) as archive:
            beside = [name for name in archive.namelist() if not CONTENT.fullmatch(name)]
            assert not beside, beside

    def it_fits_every_python_and_says_which_system() -> None:
        assert re.fullmatch(rf"runmill-{re.escape(program.version())}-py3-none-\w*linux\w+\.whl", wheel.name), wheel.name

    def a_new_environment_is_made() -> None:
        program.run([sys.executable, "-m", "venv", environment])

    def it_is_installed_without_an_index() -> None:
        pip = [environment / "bin/python", "-m", "pip", "--disable-pip-version-check"]
        program.run([*pip, "install", "--quiet", "--no-index", wheel])

    def it_says_its_version() -> None:
        program.says_its_version(installed)

    def it_runs_the_demo() -> None:
        program.runs_the_demo(installed)

    def it_is_uninstalled() -> None:
        program.run([environment / "bin/python", "-m", "pip", "uninstall", "--quiet", "--yes", "runmill"])
        assert not installed.exists()

    yield it_carries_the_program_alone
    yield it_fits_every_python_and_says_which_system
    yield a_new_environment_is_made
    yield it_is_installed_without_an_index
    yield it_says_its_version
    yield it_runs_the_demo
    yield it_is_uninstalled
