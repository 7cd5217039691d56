"""The twelve jobs, and the steps in which a program does one."""

from dataclasses import dataclass
from pathlib import Path

JOBS = {
    "first": "First run",
    "template": "Own template",
    "wrong": "Look at the wrong answers",
    "export": "Export",
    "stop": "Stop with Ctrl-C, and go on",
    "failed": "Only what failed again",
    "scorer": "Another scorer",
    "again": "The same again",
    "models": "Two models compared",
    "limits": "At most 4 calls in flight and 600 a minute",
    "gate": "Gate in CI: at least 0.9",
    "suite": "Two files, two models, two prompts",
}


@dataclass(frozen=True)
class File:
    """A file that the user writes, or a part of one that the user changes."""

    name: str
    text: str


@dataclass(frozen=True)
class Typed:
    """A command. Ctrl-C is pressed once so many calls have begun. `statuses` are those that it may end with."""

    line: str
    statuses: tuple[int, ...] = (0,)
    interrupt_after: int | None = None


Step = File | Typed


@dataclass(frozen=True)
class Way:
    """How a program does a job: the state before it, the steps, and a pattern of the lines that tell the user, or else the file
    that has what the user wants."""

    before: tuple[Step, ...]
    steps: tuple[Step, ...]
    shows: str = ""
    makes: str = ""
    # True if the model server refuses some rows in the state before, and is mended for the steps.
    is_mended: bool = False
    # Says what the program cannot do, or does in another way.
    remark: str = ""


@dataclass(frozen=True)
class Program:
    name: str
    version: str
    # Folder with its command.
    path: Path
    environment: dict[str, str]
    ways: dict[str, Way]
