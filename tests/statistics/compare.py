"""Calculates every case by the reference implementations and by runmill, and compares the numbers."""

import json
import math
import subprocess
import sys
import warnings
from collections import Counter

from cases import CASES, generate, reference

TOLERANCE = 1e-9
SHOWN = 10


def main() -> int:
    warnings.simplefilter("ignore")
    cases = generate()
    counts, faults, largest = Counter(), [], 0.0
    for case, ours in zip(cases, runmill(sys.argv[1], cases), strict=True):
        theirs = reference(case)
        for name, want in theirs.items():
            difference = distance(ours[name], want)
            largest = max(largest, difference)
            counts[case["kind"], name] += 1
            if difference > TOLERANCE:
                faults.append(f"{case['kind']} {name}: {ours[name]}, but {want}: {json.dumps(case)[:300]}")
    for (kind, name), count in sorted(counts.items()):
        print(f"{kind:10} {name:10} {count:5} compared")
    print(f"{len(cases)} cases, {len(faults)} faults, largest difference {largest:.1e}")
    print(*faults[:SHOWN], sep="\n")
    return 1 if faults or len(cases) != CASES else 0


def distance(ours: object, theirs: object) -> float:
    """Returns the largest difference of the numbers, in relation to them where they are large."""
    if isinstance(theirs, (list, tuple)):
        return max(distance(one, other) for one, other in zip(ours, theirs, strict=True))
    if ours is None or math.isnan(theirs):
        return 0.0 if ours is None and math.isnan(theirs) else math.inf
    return abs(ours - theirs) / max(1.0, abs(theirs))


def runmill(program: str, cases: list[dict]) -> list[dict]:
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    output = subprocess.run([program], input=lines, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in output.splitlines()]


if __name__ == "__main__":
    sys.exit(main())
