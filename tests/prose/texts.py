"""The texts of this repository that people read: comments, the API's description, error messages."""

import json
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from binary import runmill

COMMENT = re.compile(r"\s*(///|//!|//)(?!/) ?(.*)$")
# Calls whose string literals a user reads when something is wrong.
ERROR = re.compile(r"#\[error\(|\b(?:ApiError::\w+|\w*fault|usage|context|bail!|anyhow!|ensure!)\(")
# A string, or a quote as a character.
LITERAL = re.compile(r"""r#"(.*?)"#|"((?:[^"\\]|\\.)*)"|'\\?"'""", re.DOTALL)
# A backslash at the end of a line takes the line's end and the indentation behind it out of a literal.
CONTINUED = re.compile(r"\\\n\s*")
TWO_WORDS = re.compile(r"\w\W* \W*\w")
START_TIMEOUT_S = 60


@dataclass(frozen=True, order=True)
class Text:
    """A text and its file and line, or its place in the API's description."""

    place: str
    words: str


def comments() -> list[Text]:
    """Returns the comment blocks of all Rust files: consecutive lines of one kind (`//`, `///` or `//!`)."""
    return [block for file in rust_files() for block in blocks(file)]


def blocks(file: Path) -> Iterator[Text]:
    kind, start, lines = "", 0, []
    # The empty line ends a block that the file ends with.
    for number, line in enumerate([*file.read_text().splitlines(), ""], start=1):
        found = COMMENT.match(line)
        if lines and (not found or found[1] != kind):
            yield Text(f"{file.relative_to(ROOT)}:{start}", " ".join(lines))
            lines = []
        if found:
            if not lines:
                kind, start = found[1], number
            lines.append(found[2])


def errors() -> list[Text]:
    """Returns the string literals of error messages in Rust files, where the error is declared or made."""
    found = set()
    for file in rust_files():
        name = file.relative_to(ROOT)
        if name.stem == "tests" or {"tests", "benches"} & set(name.parts):
            continue
        source, _, _ = file.read_text().partition("#[cfg(test)]")
        for call in ERROR.finditer(source):
            place = f"{name}:{source.count(chr(10), 0, call.start()) + 1}"
            found_literals = LITERAL.findall(arguments(source, call.end()))
            literals = (CONTINUED.sub("", raw or escaped) for raw, escaped in found_literals)
            # A single word is a name or a JSON pointer.
            found |= {Text(place, words) for words in literals if TWO_WORDS.search(words)}
    return sorted(found)


def arguments(source: str, start: int) -> str:
    """Returns `source` from `start` to the parenthesis that closes the call."""
    depth, at = 1, start
    while depth and at < len(source):
        if literal := LITERAL.match(source, at):
            at = literal.end()
            continue
        depth += {"(": 1, ")": -1}.get(source[at], 0)
        at += 1
    return source[start:at]


def rust_files() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.rs"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    # A file that is deleted and not committed is still listed.
    return sorted(file for file in map(ROOT.joinpath, set(listed)) if file.exists())


def openapi() -> list[Text]:
    """Returns each summary and description of the API, from the description that a server hands out."""
    return sorted({Text(pointer, words) for pointer, words in described(document(), "")})


def described(node: object, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        node = dict(enumerate(node))
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        # JSON's way to write a slash within a name.
        below = f"{pointer}/{str(key).replace('/', '~1')}"
        if key in ("summary", "description") and isinstance(value, str):
            yield below, value
        else:
            yield from described(value, below)


def document() -> dict:
    """Starts a server with an empty database, asks it for the API's description, and stops it."""
    with tempfile.TemporaryDirectory(prefix="runmill-prose-") as folder:
        port = free_port()
        environment = {"RUNMILL_DATA_DIR": folder, "RUNMILL_LISTEN": f"127.0.0.1:{port}"}
        server = subprocess.Popen([runmill(), "serve"], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return fetched(f"http://127.0.0.1:{port}/openapi.json", server)
        finally:
            server.terminate()
            server.wait()


def fetched(url: str, server: subprocess.Popen) -> dict:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return json.load(response)
        except OSError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"`runmill serve` does not answer: {error}; start it by hand to see why")
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
