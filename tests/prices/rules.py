"""What LiteLLM is known to calculate wrongly, with the vendor's rule and its source."""

from collections.abc import Callable
from dataclasses import dataclass

from cases import Case


@dataclass
class Rule:
    why: str
    source: str
    holds: Callable[[Case], bool]
    # Returns the right cost in dollars, from the case and LiteLLM's cost.
    right: Callable[[Case, float], float]


RULES = [
    Rule(
        "LiteLLM never adds the price of a request, which its own file states",
        "https://docs.perplexity.ai/getting-started/pricing",
        lambda case: "input_cost_per_request" in case.entry,
        lambda case, cost: cost + case.entry["input_cost_per_request"],
    ),
]


def rule(case: Case) -> Rule | None:
    return next((rule for rule in RULES if rule.holds(case)), None)
