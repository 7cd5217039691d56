"""Scorers of inspect, lm-eval and math-verify, each as a function of an output, its reference and its choices."""

import asyncio
from collections.abc import Callable

from inspect_ai.model import ModelName, ModelOutput
from inspect_ai.scorer import Scorer, Target, answer, choice, exact, f1, includes, match, pattern
from inspect_ai.solver import TaskState
from inspect_ai.solver._multiple_choice import parse_answers, set_choices_based_on_generated_response
from lm_eval.api.metrics import exact_match_hf_evaluate
from lm_eval.filters.extraction import MultiChoiceRegexFilter, RegexFilter
from lm_eval.tasks.qasper.metrics import f1_abstractive
from math_verify import parse, verify

# Returns the value of an output, or `None` if the tool cannot read it, which it counts as 0.
Theirs = Callable[[str, str, list[str]], float | None]

# Settings of lm-eval's tasks `gsm8k` and `mmlu_flan_cot_zeroshot`.
IGNORED = [",", "\\$", "(?s).*#### ", "\\.$"]
STRICT = "#### (\\-?[0-9\\.\\,]+)"
FLEXIBLE = "(-?[$0-9.,]{2,})|(-?[0-9]+)"
CHOICES = {"regex_pattern": "(\\([A-Z]\\))", "group_select": -1, "ignore_case": True, "ignore_punctuation": True}


def inspect(scorer: Scorer) -> Theirs:
    return lambda output, reference, choices: value(scorer, state(output, choices), reference)


def inspect_choice(output: str, reference: str, choices: list[str]) -> float | None:
    """Scores as inspect does after its own `multiple_choice` prompt, which asks for "ANSWER: LETTER"."""
    answered = state(output, choices)
    set_choices_based_on_generated_response(answered, parse_answers(answered, False))
    return value(choice(), answered, reference)


def state(output: str, choices: list[str]) -> TaskState:
    return TaskState(model=ModelName("mockllm/model"), sample_id=1, epoch=1, input="", messages=[], choices=choices,
                     output=ModelOutput.from_content("model", output))


def value(scorer: Scorer, answered: TaskState, reference: str) -> float | None:
    score = asyncio.run(scorer(answered, Target(reference)))
    if score.reason in ("invalid_response_format", "no_response"):
        return None
    return score.value if isinstance(score.value, float) else float(score.value == "C")


def lm_eval(regex: str, group: int) -> Theirs:
    """Returns the exact match of lm-eval's `gsm8k` behind one of its two filters."""
    extract = RegexFilter(regex_pattern=regex, group_select=group)
    return lambda output, reference, choices: equal(extract.apply([[output]], [{}]), reference)


def lm_eval_choice(output: str, reference: str, choices: list[str]) -> float | None:
    extracted = MultiChoiceRegexFilter(**CHOICES).apply([[output]], [{"choices": choices}])
    return equal(extracted, f"({reference})")


def equal(extracted: list[list[str]], reference: str) -> float | None:
    ((got,),) = extracted
    if got == "[invalid]":
        return None
    found = exact_match_hf_evaluate([got], [reference], regexes_to_ignore=IGNORED, ignore_case=True)
    return float(found["exact_match"])


def math_verify(output: str, reference: str, choices: list[str]) -> float | None:
    given = parse(output)
    return float(verify(parse(reference), given)) if given else None


def lm_eval_f1(output: str, reference: str, choices: list[str]) -> float:
    """Scores by the F1 score of SQuAD's own script."""
    return float(f1_abstractive([output], [reference]))


def lm_eval_exact(output: str, reference: str, choices: list[str]) -> float:
    found = exact_match_hf_evaluate([output.strip()], [reference], ignore_case=True, ignore_punctuation=True)
    return float(found["exact_match"])
