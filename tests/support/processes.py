"""Servers of the command, each on a free port."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

STOP_TIMEOUT_S = 30


@contextmanager
def gateway(command: Path) -> Iterator[str]:
    """Runs the model server of tests, and gives the base URL of its chat completions."""
    with started([command, "gateway", "--listen", "127.0.0.1:0"], {}) as url:
        yield url


@contextmanager
def server(command: Path, folder: Path, tokens: str, further: dict[str, str] = {}, log: IO | None = None) -> Iterator[str]:
    """Runs a standalone server with its data below a folder, and gives its address. It writes its log to a file, if there is one."""
    environment = {
        "RUNMILL_LISTEN": "127.0.0.1:0",
        "RUNMILL_DATA_DIR": str(folder / "data"),
        "RUNMILL_TOKENS": tokens,
        "RUNMILL_ALLOW_HTTP": "true",
        "APP_LOG_LEVEL": "error",
        **further,
    }
    with started([command, "serve"], environment, log) as url:
        yield url


@contextmanager
def started(command: list, environment: dict[str, str], log: IO | None = None) -> Iterator[str]:
    """Runs a server, gives the address that it prints in its first line, and stops it."""
    environment = {"PATH": os.environ.get("PATH", ""), **environment}
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stderr.readline().strip()
        url = next((word.rstrip("/") for word in line.split() if word.startswith("http://")), None)
        if url is None:
            sys.exit(f"{Path(command[0]).name} {command[1]} does not start: {line}")
        yield url
    finally:
        process.terminate()
        process.wait(STOP_TIMEOUT_S)
        process.stderr.close()
