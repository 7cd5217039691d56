"""Which scorer of ours stands for which scorer of another tool, and on which outputs."""

from dataclasses import dataclass, field

import theirs
from theirs import FLEXIBLE, STRICT, Theirs, inspect, lm_eval

NUMBERS = ("gsm8k",)
CHOICES = ("truthfulqa", "hellaswag")
TEXTS = ("truthfulqa-open", *CHOICES)
# The prompts that ask for the answer alone.
ALONE = ("short", "letter", "open")


@dataclass
class Pair:
    """`rule` scores the outputs of `sets`, and so does `tool`.

    `texts` has the text of the right choice as the reference, in place of its letter; `ways` are the prompts whose outputs
    are compared, and without any all are.
    """

    rule: dict
    tool: str
    score: Theirs
    sets: tuple[str, ...]
    texts: bool = False
    ways: tuple[str, ...] = field(default=())

    def name(self) -> str:
        settings = " ".join(str(value) for key, value in self.rule.items() if key not in ("scorer", "pattern"))
        return f"{self.rule['scorer']} {settings}".strip()


def numeric_match(place: str) -> Pair:
    rule = {"scorer": "match", "place": place, "numeric": True}
    return Pair(rule, f"inspect match({place}, numeric)", inspect(theirs.match(place, numeric=True)), NUMBERS)


def text_match(place: str) -> Pair:
    rule = {"scorer": "match", "place": place}
    return Pair(rule, f"inspect match({place})", inspect(theirs.match(place)), TEXTS, texts=True)


def answer(form: str, sets: tuple[str, ...]) -> Pair:
    return Pair({"scorer": "answer", "form": form}, f"inspect answer({form})", inspect(theirs.answer(form)), sets)


PATTERN = r"answer is:?\s*\$?([\w.]*\w)"

PAIRS = [
    *map(numeric_match, ("begin", "end", "any", "exact")),
    *map(text_match, ("begin", "end", "any", "exact")),
    Pair({"scorer": "includes"}, "inspect includes", inspect(theirs.includes()), TEXTS, texts=True),
    Pair({"scorer": "includes"}, "inspect includes", inspect(theirs.includes()), NUMBERS),
    Pair({"scorer": "pattern", "pattern": f"(?i){PATTERN}"}, "inspect pattern", inspect(theirs.pattern(PATTERN)), NUMBERS + CHOICES),
    Pair({"scorer": "pattern", "pattern": STRICT}, "lm-eval strict-match", lm_eval(STRICT, 0), NUMBERS),
    Pair({"scorer": "pattern", "pattern": FLEXIBLE, "which": "last"}, "lm-eval flexible-extract", lm_eval(FLEXIBLE, -1), NUMBERS),
    answer("line", NUMBERS),
    answer("word", NUMBERS),
    answer("letter", CHOICES),
    Pair({"scorer": "choice"}, "inspect choice", theirs.inspect_choice, CHOICES, ways=("answer",)),
    Pair({"scorer": "choice"}, "lm-eval multi_choice_regex", theirs.lm_eval_choice, CHOICES),
    Pair({"scorer": "f1"}, "lm-eval f1_abstractive", theirs.lm_eval_f1, TEXTS, texts=True),
    Pair({"scorer": "f1"}, "inspect f1", inspect(theirs.f1()), TEXTS, texts=True),
    Pair({"scorer": "exact"}, "inspect exact", inspect(theirs.exact()), NUMBERS + CHOICES, ways=ALONE),
    Pair({"scorer": "exact"}, "inspect exact", inspect(theirs.exact()), ("truthfulqa-open",), texts=True),
    Pair({"scorer": "exact"}, "lm-eval exact_match", theirs.lm_eval_exact, NUMBERS + CHOICES, ways=ALONE),
    Pair({"scorer": "numeric"}, "lm-eval flexible-extract", lm_eval(FLEXIBLE, -1), NUMBERS),
    Pair({"scorer": "numeric"}, "math-verify", theirs.math_verify, NUMBERS),
    Pair({"scorer": "math"}, "math-verify", theirs.math_verify, NUMBERS),
]
