"""Does a job with a program in a folder of its own, and measures it."""

import csv
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from harnesses import OFFLINE
from installation import Failed
from jobs import File, Program, Step, Typed, Way
from mock import Counted, Mock
from terminal import Screen, typed

# Lines of a screen that are shown.
EXCERPT = 16
KEY = "sk-mock-0123456789"
# No program can reach another machine: nothing listens at this port.
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Done:
    """A job that was done, at the median of several rounds."""

    way: Way
    seconds: float
    counted: Counted
    excerpt: tuple[str, ...]

    @property
    def commands(self) -> int:
        return sum(isinstance(step, Typed) for step in self.way.steps)

    @property
    def files(self) -> int:
        return sum(isinstance(step, File) for step in self.way.steps)


class Desk:
    """The folder in which a program works. States before jobs are kept, and each job begins with a copy of one."""

    def __init__(self, folder: Path, program: Program, mock: Mock) -> None:
        self._work, self._states = folder / "work", folder / "states"
        self._program, self._mock = program, mock
        self._known: dict[tuple, Path] = {}
        home = {"PATH": f"{program.path}:{os.environ['PATH']}", "HOME": str(self._work / "home"), "LANG": "C.UTF-8",
                "TERM": "xterm-256color", "HTTPS_PROXY": NOWHERE, "https_proxy": NOWHERE, "NO_PROXY": "127.0.0.1"}
        model = {"OPENAI_BASE_URL": mock.url, "OPENAI_API_KEY": KEY}
        self._environment = home | OFFLINE | model | {name: value.format(**model) for name, value in program.environment.items()}

    def do(self, way: Way, rounds: int) -> Done:
        state = self._state(way)
        done = [self._once(way, state) for _ in range(rounds)]
        seconds = [sum(screen.seconds for screen in screens) for screens, _ in done]
        screens, _ = done[-1]
        text = "\n".join(screen.text for screen in screens)
        excerpt = excerpt_of(text, way.shows) if way.shows else (f"# {way.makes} has them",)
        # Where a program is stopped, its calls differ from round to round.
        counted = sorted((counted for _, counted in done), key=lambda it: it.paid)[rounds // 2]
        return Done(way, median(seconds), counted, excerpt)

    def _once(self, way: Way, state: Path) -> tuple[list[Screen], Counted]:
        shutil.rmtree(self._work, ignore_errors=True)
        shutil.copytree(state, self._work, symlinks=True)
        screens = self._take(way.steps)
        if way.makes and not (self._work / way.makes).read_text():
            raise Failed(f"{self._program.name}: {way.makes} is empty")
        return screens, self._mock.counted()

    def _state(self, way: Way) -> Path:
        key = way.before, way.is_mended
        if key not in self._known:
            shutil.rmtree(self._work, ignore_errors=True)
            (self._work / "home").mkdir(parents=True)
            rows = self._mock.rows
            half = len(rows) // 2
            for name, part in {"questions": rows, "easy": rows[:half], "hard": rows[half:]}.items():
                write_csv(self._work / f"{name}.csv", part)
            self._mock.is_at_fault = way.is_mended
            try:
                self._take(way.before)
            finally:
                self._mock.is_at_fault = False
            self._mock.counted()
            state = self._states / str(len(self._known))
            shutil.copytree(self._work, state, symlinks=True)
            self._known[key] = state
        return self._known[key]

    def _take(self, steps: tuple[Step, ...]) -> list[Screen]:
        """Takes the steps. Returns the screens of the commands."""
        screens = []
        for step in steps:
            if isinstance(step, File):
                (self._work / step.name).write_text(step.text)
            else:
                screens.append(self._type(step))
        return screens

    def _type(self, step: Typed) -> Screen:
        after = step.interrupt_after
        interrupt = after and (lambda: self._mock.count().begun >= after)
        screen = typed(step.line, self._work, self._environment, interrupt)
        if screen.status not in step.statuses:
            raise Failed(f"{self._program.name}: `{step.line}` ended with status {screen.status}:\n{screen.text[-2000:]}")
        return screen


def write_csv(path: Path, part: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "question", "answer"])
        writer.writeheader()
        writer.writerows(part)


def excerpt_of(text: str, shows: str) -> tuple[str, ...]:
    stripped = (line.strip("│║ ") for line in text.splitlines())
    lines = [line for line in stripped if re.search(shows, line)]
    if not lines:
        raise Failed(f"nothing on the screen matches {shows}:\n{text[-3000:]}")
    return tuple(lines[-EXCERPT:])
