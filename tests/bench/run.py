#!/usr/bin/env python3
"""Measures runmill end to end and prints one table. README.md says what each part does.

Reads AMQP_URL and DATABASE_URL, which tests/services/with-servers sets. Needs Python 3.11 and psql.
"""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import client
import parts
import streams
from installation import ROOT, Failed, folder, gateway

PARTS = ("cluster", "standalone", "upload", "streams", "client", "celery")
# Of the gateway, beside those of the streams that are measured.
OTHER_CONNECTIONS = 500


def main() -> None:
    args = arguments()
    for name in ("AMQP_URL", "DATABASE_URL"):
        if name not in os.environ:
            sys.exit(f"{name} is not set: run `make bench`")
    try:
        runmill = args.binary or build()
        rows = [shown(row) for row in measure(args, runmill)]
    except Failed as error:
        sys.exit(f"bench: {error}")
    table = markdown(rows)
    print(f"\n{table}")
    if args.out:
        args.out.write_text(table)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="measure only these")
    parser.add_argument("--items", type=int, default=50_000, help="of cluster and standalone (%(default)s)")
    parser.add_argument("--upload-items", type=int, default=1_000_000, help="(%(default)s)")
    parser.add_argument("--feed-seconds", type=float, default=30, help="how long upload feeds its run (%(default)s)")
    parser.add_argument("--streams", type=int, default=10_000, help="in flight at once (%(default)s)")
    parser.add_argument("--litellm-calls", type=int, default=1_000, help="of each kind (%(default)s)")
    parser.add_argument("--celery-items", type=int, default=2_000, help="(%(default)s)")
    parser.add_argument("--celery-processes", type=int, default=os.cpu_count(), help="(%(default)s)")
    parser.add_argument("--concurrency", type=int, default=256, help="calls in flight (%(default)s)")
    parser.add_argument("--binary", type=Path, help="measure this runmill instead of building one")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    return parser.parse_args()


def build() -> Path:
    command = ["cargo", "build", "--release", "--package", "runmill"]
    if subprocess.run(command, cwd=ROOT).returncode:
        raise Failed("the release build failed")
    target = Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    return ROOT / target / "release/runmill"


def measure(args: argparse.Namespace, runmill: Path) -> Iterator[parts.Row]:
    runmill = runmill.resolve()
    if "streams" in args.parts:
        streams.allow_files(args.streams)
    for part in args.parts:
        # A gateway and a folder for each: parts do not see each other's load or files.
        with folder() as work, gateway(runmill, work, args.streams + OTHER_CONNECTIONS) as base_url:
            match part:
                case "cluster":
                    yield from parts.over_servers(runmill, work, base_url, args.items, args.concurrency)
                case "standalone":
                    yield from parts.standalone(runmill, work, base_url, args.items, args.concurrency)
                case "upload":
                    yield from parts.upload(runmill, work, base_url, args.upload_items, args.feed_seconds)
                case "streams":
                    yield from streams.in_standalone(runmill, work, base_url, args.streams)
                    yield from streams.in_executor(runmill, work, base_url, args.streams)
                case "client":
                    yield from client.ours(work, base_url)
                    yield from client.litellm(work, base_url, args.litellm_calls)
                case "celery":
                    yield from parts.celery(work, base_url, args.celery_items, args.celery_processes)


def shown(row: parts.Row) -> parts.Row:
    """Tells a long bench's progress, where it does not mix with the table."""
    print(f"{row[0]}: {row[1]}", file=sys.stderr, flush=True)
    return row


def markdown(rows: list[parts.Row]) -> str:
    header = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {processor()}, streams of 64 tokens"
    lines = [header, "", "| what | measured |", "| --- | --- |"]
    return "\n".join(lines + [f"| {what} | {value} |" for what, value in rows]) + "\n"


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


if __name__ == "__main__":
    main()
