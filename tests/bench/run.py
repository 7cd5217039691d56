#!/usr/bin/env python3
"""Measures runmill end to end and prints one table, or compares it with another commit (--base).

README.md describes the parts and how to read a comparison. Reads AMQP_URL and DATABASE_URL, which
tests/services/with-servers sets. Needs Python 3.11 and psql.
"""

import argparse
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import batch
import builds
import client
import comparison
import exports
import front_door
import limits
import observers
import old_runs
import parts
import rescoring
import starts
import streams
import web
from installation import Failed, folder, gateway

PARTS = ("cluster", "standalone", "upload", "streams", "limits", "client", "celery", "front-door", "batch", "rescoring",
         "exports", "web", "observers", "starts")
# Only measured when it is named: it writes some 10 GB.
NAMED = ("old-runs",)


def main() -> None:
    args = arguments()
    for name in ("AMQP_URL", "DATABASE_URL"):
        if name not in os.environ:
            sys.exit(f"{name} is not set: run `make bench`")
    try:
        table = compared(args) if args.base or args.base_binary else measured(args)
    except Failed as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
    print(f"\n{table}")
    if args.out:
        args.out.write_text(table)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS + NAMED, default=PARTS, help="measure only these")
    parser.add_argument("--items", type=int, default=50_000, help="of a run in cluster and standalone (%(default)s)")
    parser.add_argument("--upload-items", type=int, default=1_000_000, help="of the dataset in upload (%(default)s)")
    parser.add_argument("--feed-seconds", type=float, default=30, help="how long upload feeds its run (%(default)s)")
    parser.add_argument("--streams", type=int, default=10_000, help="streams in flight at once (%(default)s)")
    parser.add_argument("--limits-seconds", type=float, default=30, help="of each steady state in limits (%(default)s)")
    parser.add_argument("--hidden-seconds", type=float, default=90, help="until limits finds a limit (%(default)s)")
    parser.add_argument("--front-door-rate", type=float, default=50, help="calls a second in front-door (%(default)s)")
    parser.add_argument("--front-door-seconds", type=float, default=20, help="of each load (%(default)s)")
    parser.add_argument("--front-door-rounds", type=int, default=3, help="loads of each side (%(default)s)")
    parser.add_argument("--proxy-rate", type=float, default=5, help="the same of LiteLLM's proxy (%(default)s)")
    parser.add_argument("--batch-lines", type=int, default=100_000, help="of the file in batch (%(default)s)")
    parser.add_argument("--answers", type=int, default=1_000_000, help="of the run in rescoring (%(default)s)")
    parser.add_argument("--export-rows", type=int, default=1_000_000, help="of the run in exports and web (%(default)s)")
    parser.add_argument("--observers", type=int, default=1_000, help="of a run in observers (%(default)s)")
    parser.add_argument("--observed-rate", type=int, default=2_000, help="items a second of that run (%(default)s)")
    parser.add_argument("--observed-seconds", type=int, default=60, help="that it takes (%(default)s)")
    parser.add_argument("--litellm-calls", type=int, default=1_000, help="calls by LiteLLM, of each kind (%(default)s)")
    parser.add_argument("--celery-items", type=int, default=2_000, help="size of Celery's run (%(default)s)")
    parser.add_argument("--celery-processes", type=int, default=os.cpu_count(), help="Celery's workers (%(default)s)")
    parser.add_argument("--old-results", type=int, default=10_000_000, help="of the runs of a year (%(default)s)")
    parser.add_argument("--old-rounds", type=int, default=5, help="runs beside them, and beside none (%(default)s)")
    parser.add_argument("--concurrency", type=int, default=256, help="calls in flight (%(default)s)")
    parser.add_argument("--binary", type=Path, help="measure this runmill, do not build one")
    parser.add_argument("--base", metavar="COMMIT", help="compare with this commit, in cluster and standalone")
    parser.add_argument("--base-binary", type=Path, metavar="BINARY", help="compare with this runmill")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of a comparison (%(default)s)")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    return parser.parse_args()


def measured(args: argparse.Namespace) -> str:
    runmill = args.binary or builds.of_checkout()
    rows = [shown(row) for row in measure(args, runmill.resolve())]
    return markdown([], ["what", "measured"], rows)


def compared(args: argparse.Namespace) -> str:
    chosen = [part for part in args.parts if part in comparison.PARTS]
    if not chosen or args.rounds < 1:
        raise Failed(f"a comparison needs --rounds of at least 1 and --parts among {', '.join(comparison.PARTS)}")
    base = args.base_binary or builds.of_commit(args.base)
    this = args.binary or builds.of_checkout()
    sides = comparison.Sides(base.resolve(), this.resolve())
    rows = comparison.compare(sides, chosen, args.rounds, args.items, args.concurrency)
    title = [f"base {args.base or base}", f"{args.rounds} rounds of {args.items:,} items"]
    return markdown(title, ["figure", "base", "this", "this / base", "base / base"], rows)


def measure(args: argparse.Namespace, runmill: Path) -> Iterator[parts.Row]:
    if "streams" in args.parts:
        streams.allow_files(args.streams)
    for part in args.parts:
        # A gateway and a folder for each: parts do not see each other's load or files.
        with folder() as work, gateway(runmill, work, args.streams) as base_url:
            match part:
                case "cluster":
                    run = parts.over_servers(runmill, work, base_url, args.items, args.concurrency)
                    yield from run.rows(part)
                case "standalone":
                    run = parts.standalone(runmill, work, base_url, args.items, args.concurrency)
                    yield from run.rows(part)
                case "upload":
                    yield from parts.upload(runmill, work, base_url, args.upload_items, args.feed_seconds)
                case "streams":
                    yield from streams.in_standalone(runmill, work, base_url, args.streams)
                    yield from streams.in_executor(runmill, work, base_url, args.streams)
                case "limits":
                    yield from limits.measure(runmill, work, args.limits_seconds, args.hidden_seconds)
                case "front-door":
                    load = front_door.Load(args.front_door_rate, args.front_door_seconds, args.front_door_rounds)
                    yield from front_door.measure(runmill, work, base_url, load, args.proxy_rate)
                case "batch":
                    yield from batch.measure(runmill, work, args.batch_lines)
                case "rescoring":
                    yield from rescoring.measure(runmill, work, args.answers)
                case "exports":
                    yield from exports.measure(runmill, work, args.export_rows)
                case "web":
                    yield from web.measure(runmill, work, args.export_rows)
                case "observers":
                    yield from observers.measure(runmill, work, base_url, args.observers, args.observed_rate, args.observed_seconds)
                case "starts":
                    yield from starts.measure(runmill, work, base_url)
                case "old-runs":
                    yield from old_runs.measure(runmill, work, base_url, args.items, args.concurrency,
                                                args.old_results, args.old_rounds)
                case "client":
                    yield from client.ours(work, base_url)
                    yield from client.litellm(work, base_url, args.litellm_calls)
                case "celery":
                    yield from parts.celery(work, base_url, args.celery_items, args.celery_processes)


def shown(row: parts.Row) -> parts.Row:
    """Tells a long bench's progress, where it does not mix with the table."""
    print(f"{row[0]}: {row[1]}", file=sys.stderr, flush=True)
    return row


def markdown(title: list[str], columns: list[str], rows: Iterable[tuple[str, ...]]) -> str:
    """Returns a table in Markdown below a line about the measurement and its machine."""
    machine = [f"{datetime.now(UTC):%Y-%m-%d}", f"{os.cpu_count()} cores", processor(), "streams of 64 tokens"]
    lines = [f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *rows)]
    return "\n".join([", ".join(title + machine), "", *lines]) + "\n"


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


if __name__ == "__main__":
    main()
