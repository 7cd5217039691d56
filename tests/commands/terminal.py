"""Types commands at a pseudo-terminal, so that programs show what a person sees."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

COLUMNS, LINES = 100, 40
TIMEOUT_S = 180
LOOK_S = 0.02
CTRL_C = b"\x03"
# Colours, moves of the cursor, titles of the window.
ESCAPES = re.compile(r"\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b[=>78]")


class Stuck(Exception):
    """A command that did not end."""


@dataclass(frozen=True)
class Screen:
    text: str
    status: int
    seconds: float


def typed(line: str, folder: Path, environment: dict[str, str], interrupt: Callable[[], bool] | None = None) -> Screen:
    """Runs a line of the shell. Presses Ctrl-C once, as soon as `interrupt` is true."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    began = time.monotonic()
    process = subprocess.Popen(["bash", "-c", line], cwd=folder, env=environment, preexec_fn=lambda: os.login_tty(theirs))
    os.close(theirs)
    said = b""
    try:
        while process.poll() is None:
            said += read(ours)
            if interrupt and interrupt():
                os.write(ours, CTRL_C)
                interrupt = None
            if time.monotonic() - began > TIMEOUT_S:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise Stuck(f"`{line}` did not end in {TIMEOUT_S} s:\n{shown(said)[-2000:]}")
        seconds = time.monotonic() - began
        while more := read(ours):
            said += more
    finally:
        os.close(ours)
    return Screen(shown(said), process.returncode, seconds)


def read(terminal: int) -> bytes:
    ready, _, _ = select.select([terminal], [], [], LOOK_S)
    try:
        return os.read(terminal, 65536) if ready else b""
    except OSError:
        # The last process has closed the terminal.
        return b""


def shown(said: bytes) -> str:
    """Returns what is left on the screen: of a line that was written several times, the last writing."""
    plain = ESCAPES.sub("", said.decode(errors="replace")).replace("\r\n", "\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2].rstrip() for line in plain.splitlines())
