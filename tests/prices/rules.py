"""What LiteLLM is known to calculate wrongly, with the vendor's rule and its source."""

from collections.abc import Callable
from dataclasses import dataclass

from cases import Case

ABOVE_200K = "_above_200k_tokens"


@dataclass
class Rule:
    why: str
    source: str
    holds: Callable[[Case], bool]
    # Returns the right cost in dollars, from the case and LiteLLM's cost.
    right: Callable[[Case, float], float]


def stated(case: Case, ending: str) -> float:
    """Returns the cost by the prices that the file states with this ending, or else without it."""
    price = lambda name: case.entry.get(name + ending, case.entry.get(name))
    prompt, completion = case.usage["prompt_tokens"], case.usage["completion_tokens"]
    cached, reasoning = case.usage.get("cached_tokens", 0), case.usage.get("reasoning_tokens", 0)
    others = set(case.usage) - {"prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"}
    assert not others or not any(case.usage[name] for name in others), f"no rule for {others}"
    read, output = price("cache_read_input_token_cost"), price("output_cost_per_token")
    thought = case.entry.get("output_cost_per_reasoning_token", output)
    if read is None:
        read = price("input_cost_per_token") / (2 if case.provider == "fireworks_ai" else 1)
    return (
        (prompt - cached) * price("input_cost_per_token")
        + cached * read
        + (completion - reasoning) * output
        + reasoning * thought
    )


RULES = [
    Rule(
        "LiteLLM never adds the price of a request, which its own file states",
        "https://docs.perplexity.ai/getting-started/pricing",
        lambda case: "input_cost_per_request" in case.entry,
        lambda case, cost: cost + case.entry["input_cost_per_request"],
    ),
    Rule(
        "LiteLLM charges Fireworks' priority tier as the standard one, although its own file states prices of it",
        "https://api.fireworks.ai/v1/serverless/models",
        lambda case: case.provider == "fireworks_ai" and case.service == "priority",
        lambda case, _: stated(case, "_priority"),
    ),
    Rule(
        "LiteLLM charges long prompts of Perplexity's Agent API as short ones, although its own file states prices of them",
        "https://docs.perplexity.ai/docs/agent-api/models",
        lambda case: case.provider == "perplexity" and case.kind == "above a threshold",
        lambda case, _: stated(case, ABOVE_200K),
    ),
]


def rule(case: Case) -> Rule | None:
    return next((rule for rule in RULES if rule.holds(case)), None)
