#!/usr/bin/env python3
"""Runs runmill against model servers that others wrote, and writes what works into docs/providers.md.

Takes the command from RUNMILL, or builds it. Fails if runmill is at fault in any cell.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(1, str(ROOT / "tests/support"))

import table
from cells import Cell, skipped, wrong
from probes import PROBES
from runmill import Runmill
from servers import GATEWAYS, SERVERS, LlamaCpp, Server, Skip

PAGE = ROOT / "docs/providers.md"


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="runmill-servers-") as temporary:
        folder = options.folder or Path(temporary) / "servers"
        subprocess.run([HERE / "install", folder], check=True)
        began = time.monotonic()
        runmill = Runmill(binary(), Path(temporary))
        try:
            columns = {server: column(server, runmill, folder, options.row) for server in options.only}
        finally:
            runmill.stop()
    rows = {name: [columns[server][name] for server in options.only] for name in chosen(options.row)}
    faults = [f"{server.name}: {name}: {cell.note}" for server, cells in columns.items()
              for name, cell in cells.items() if cell.word == "wrong"]
    print(f"{sum(map(len, rows.values()))} cells in {time.monotonic() - began:.0f} s, {len(faults)} wrong")
    print(*faults, sep="\n")
    if options.only == list(SERVERS) and not options.row:
        table.write(PAGE, options.only, rows)
    return 1 if faults else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    by_name = {server.name: server for server in SERVERS}
    parser.add_argument("--only", metavar="SERVER", action="append", choices=by_name,
                        help=f"one of {', '.join(by_name)}; may be repeated. The page is written only without this")
    parser.add_argument("--row", metavar="NAME", action="append", choices=[name for name, _, _ in PROBES],
                        help="one row of the matrix; may be repeated. The page is written only without this")
    parser.add_argument("--folder", type=Path, help="folder of an installation, which is made if it is not there and "
                        "kept; by default a temporary one")
    options = parser.parse_args()
    options.only = [by_name[name] for name in options.only or by_name]
    options.folder = options.folder and options.folder.resolve()
    return options


def binary() -> Path:
    if command := os.environ.get("RUNMILL"):
        return Path(command).resolve()
    subprocess.run(["cargo", "build", "--quiet", "--package", "runmill"], cwd=ROOT, check=True)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug/runmill"


def column(kind: type[Server], runmill: Runmill, folder: Path, rows: list[str] | None) -> dict[str, Cell]:
    """Returns the cells of a server, by the names of their rows."""
    upstream = LlamaCpp(folder) if kind in GATEWAYS else None
    server = kind(folder, upstream)
    try:
        for it in filter(None, (upstream, server)):
            timed(f"{kind.name}: starts {it.name}", it.start)
        return {name: timed(f"{kind.name}: {name}", lambda name=name: cell(name, server, runmill))
                for name in chosen(rows)}
    finally:
        for it in filter(None, (server, upstream)):
            it.stop()


def cell(name: str, server: Server, runmill: Runmill) -> Cell:
    probe, common = next((probe, ask) for it, probe, ask in PROBES if it == name)
    ask = server.ask(name, common)
    if isinstance(ask, Skip):
        return skipped(ask.reason)
    try:
        return probe(server, runmill, ask)
    except Exception as error:  # One cell that cannot be judged must not cost the others.
        return wrong(f"not judged: {type(error).__name__}: {error}")


def chosen(rows: list[str] | None) -> list[str]:
    return [name for name, _, _ in PROBES if not rows or name in rows]


def timed(what: str, step):
    began = time.monotonic()
    result = step()
    told = f"{result.word}  {result.note}" if isinstance(result, Cell) else ""
    print(f"{time.strftime('%T')} {time.monotonic() - began:5.1f} s  {what}  {told}", flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
