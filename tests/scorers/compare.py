"""Scores the recorded outputs by runmill and by the other tools, and prints where they agree and each output where not.

Fails for an output with different values that docs/scoring.md does not judge: it names the ids of those that it judges.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from mapping import PAIRS, Pair

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests/data"
PAGE = (ROOT / "docs/scoring.md").read_text()
OUTPUTS = DATA / "outputs/smollm2-135m-instruct"
# inspect rounds its F1 score to two digits.
SAME = 0.005 + 1e-9
WANTED = 0.995
TAIL = 160
HEAD = (f"{'runmill':20} {'other tool':30} {'outputs':>7} {'same':>8} {'both read':>10} {'same':>8} {'right by':>8} "
        f"{'by theirs':>10}")


def main() -> int:
    recorded = {file.stem: list(cases(file)) for file in sorted(OUTPUTS.glob("*.jsonl"))}
    print(f"{sum(map(len, recorded.values()))} outputs of {OUTPUTS.name}; what cannot be read counts as 0")
    print(HEAD)
    shares, unjudged = zip(*(compare(pair, recorded) for pair in PAIRS))
    equal = sum(share >= WANTED for share in shares)
    print(f"{equal} of {len(PAIRS)} pairs have the same value for at least {WANTED:.1%} of the outputs that both read")
    failed = sum(map(bool, unjudged))
    print(f"{len(PAIRS) - failed} passed, {failed} failed: every other output is judged in docs/scoring.md")
    return 1 if failed else 0


def cases(file: Path) -> Iterator[dict]:
    """Returns each output with its item's references and choices."""
    items = {item["id"]: item for item in lines(DATA / f"{file.stem.removesuffix('-open')}.jsonl")}
    for case in lines(file):
        item = items[case["id"]]
        choices = item.get("choices", [])
        text = choices[ord(item["answer"]) - ord("A")] if choices else item["answer"]
        yield {**case, "reference": item["answer"], "text": text, "choices": choices}


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def compare(pair: Pair, recorded: dict[str, list[dict]]) -> tuple[float, int]:
    """Prints a row for the pair, and the outputs on which both differ.

    Returns the share of the same among the outputs that both read, and the number of outputs that differ and are not judged.
    """
    chosen = [case for name in pair.sets for case in recorded[name] if not pair.ways or case["way"] in pair.ways]
    references = [case["text" if pair.texts else "reference"] for case in chosen]
    ours = runmill(pair.rule, chosen, references)
    theirs = [pair.score(case["output"], reference, case["choices"]) for case, reference in zip(chosen, references)]
    both = [n for n in range(len(chosen)) if ours[n] is not None and theirs[n] is not None]
    differ = [n for n in range(len(chosen)) if abs((ours[n] or 0.0) - (theirs[n] or 0.0)) > SAME]
    share = 1 - len(set(both) & set(differ)) / max(1, len(both))
    right = [[value is not None and value > 0.5 for value in values] for values in (ours, theirs)]
    shares = f"{1 - len(differ) / len(chosen):8.1%} {len(both):10} {share:8.1%}"
    print(f"{pair.name():20} {pair.tool:30} {len(chosen):7} {shares} {sum(right[0]):8} {sum(right[1]):10}")
    for n in differ:
        said = chosen[n]["output"][-TAIL:]
        values = f"runmill {shown(ours[n])}, {pair.tool} {shown(theirs[n])}"
        print(f"    {chosen[n]['id']} ({chosen[n]['way']}), {references[n]!r}: {values}: {said!r}")
    return share, sum(chosen[n]["id"] not in PAGE for n in differ)


def shown(value: float | None) -> str:
    return "unread" if value is None else f"{value:.2f}"


def runmill(rule: dict, chosen: list[dict], references: list[str]) -> list[float | None]:
    """Returns the values of our scorer, `None` for unscored outputs."""
    asked = [{"rule": rule, "references": [reference], "choices": case["choices"], "answer": case["output"]}
             for case, reference in zip(chosen, references)]
    text = "".join(json.dumps(case) + "\n" for case in asked)
    ran = subprocess.run([sys.argv[1]], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]


if __name__ == "__main__":
    sys.exit(main())
