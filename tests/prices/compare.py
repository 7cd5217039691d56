"""Calculates every case by LiteLLM and by runmill, and compares the costs."""

import json
import logging
import subprocess
import sys
import warnings
from collections import Counter
from datetime import datetime

import litellm
import litellm.litellm_core_utils.llm_cost_calc.utils as cost_utils
from litellm.types.utils import (
    CacheCreationTokenDetails,
    CompletionTokensDetailsWrapper,
    ModelResponse,
    PromptTokensDetailsWrapper,
    ServerToolUse,
    Usage,
)

from cases import CASES, Case, generate
from rules import RULES, rule

NANO = 1e9
DIGITS = 1e-6
SHOWN = 20


def main() -> int:
    litellm.suppress_debug_info = True
    logging.disable(logging.CRITICAL)
    # It warns of its own types.
    warnings.simplefilter("ignore")
    cases = generate(litellm.model_cost)
    ours = runmill(sys.argv[1], cases)
    counts, faults, reasons, ruled = Counter(), [], Counter(), Counter()
    for case, cost in zip(cases, ours, strict=True):
        verdict, want = judge(case, cost)
        counts[case.kind, verdict] += 1
        if verdict == "unknown":
            reasons[cost["unknown"]] += 1
        if verdict == "by rule":
            ruled[rule(case).why] += 1
        if verdict == "wrong":
            faults.append(f"{case.kind}: {case.name} {case.usage} {case.service}: {cost}, but {want}")
    report(counts, reasons, ruled, len({case.name for case in cases}))
    print(*faults[:SHOWN], sep="\n")
    return 1 if faults or len(cases) != CASES else 0


def judge(case: Case, cost: dict) -> tuple[str, float | None]:
    """Returns the verdict on runmill's cost, and the right cost in nanodollars."""
    if "unknown" in cost:
        return "unknown", None
    want, verdict = litellms(case), "equal"
    if found := rule(case):
        want, verdict = found.right(case, want), "by rule"
    want *= NANO
    is_equal = abs(cost["nanousd"] - want) <= 0.5 + want * DIGITS / 2
    return (verdict if is_equal else "wrong"), want


def litellms(case: Case) -> float:
    """Returns LiteLLM's cost in dollars."""
    usage = usage_of(case)
    cost_utils.current_billing_time = lambda: datetime.fromisoformat(case.at)
    provider = case.provider.split("-")[0] if case.provider.startswith("vertex_ai") else case.provider
    if case.service == "batch":
        return sum(litellm.cost_calculator.batch_cost_calculator(usage, case.model, provider))
    response = ModelResponse(model=case.model, usage=usage)
    return litellm.completion_cost(
        completion_response=response,
        model=case.model,
        custom_llm_provider=provider,
        service_tier=None if case.service == "default" else case.service,
        data_residency=case.place if provider == "openai" and case.place != "global" else None,
        vertex_location="europe-west4" if case.place == "regional" else None,
    )


def usage_of(case: Case) -> Usage:
    counts = case.usage
    get = lambda name: counts.get(name, 0)
    written, long = get("cache_write_tokens"), get("long_cache_write_tokens")
    lifetime = "ephemeral_12h_input_tokens" if "12 h" in case.kind else "ephemeral_1h_input_tokens"
    short = "ephemeral_30m_input_tokens" if "12 h" in case.kind else "ephemeral_5m_input_tokens"
    prompt = PromptTokensDetailsWrapper(
        cached_tokens=get("cached_tokens"),
        cache_creation_tokens=written,
        cache_creation_token_details=CacheCreationTokenDetails(**{short: written - long, lifetime: long}) if long else None,
        audio_tokens=get("audio_input_tokens"),
        image_tokens=get("image_input_tokens"),
    )
    if audio := get("cached_audio_tokens"):
        prompt.cached_tokens_details = {"audio_tokens": audio}
    usage = Usage(
        prompt_tokens=counts["prompt_tokens"],
        completion_tokens=counts["completion_tokens"],
        total_tokens=counts["prompt_tokens"] + counts["completion_tokens"],
        prompt_tokens_details=prompt,
        completion_tokens_details=CompletionTokensDetailsWrapper(
            reasoning_tokens=get("reasoning_tokens"),
            audio_tokens=get("audio_output_tokens"),
            image_tokens=get("image_output_tokens"),
        ),
    )
    if searches := get("web_searches"):
        usage.server_tool_use = ServerToolUse(web_search_requests=searches)
    if case.kind == "anthropic us":
        usage.inference_geo = "us"
    if case.fast:
        usage.speed = "fast"
    return usage


def runmill(binary: str, cases: list[Case]) -> list[dict]:
    """Returns runmill's answers: `nanousd`, or `unknown` with the reason."""
    table = litellm.model_cost
    lines = [json.dumps(table)]
    for case in cases:
        asked = {name: getattr(case, name) for name in ("name", "usage", "service", "place", "fast", "at")}
        lines.append(json.dumps(asked))
    done = subprocess.run([binary], input="\n".join(lines), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"runmill does not read the price file: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def report(counts: Counter, reasons: Counter, ruled: Counter, models: int) -> None:
    verdicts = ("equal", "by rule", "unknown", "wrong")
    print(f"{'kind':36}", *(f"{verdict:>8}" for verdict in verdicts))
    for kind in sorted({kind for kind, _ in counts}):
        print(f"{kind:36}", *(f"{counts[kind, verdict]:8}" for verdict in verdicts))
    sums = [sum(count for (_, found), count in counts.items() if found == verdict) for verdict in verdicts]
    print(f"{f'{sum(sums)} usages of {models} models':36}", *(f"{count:8}" for count in sums))
    for reason, count in reasons.most_common():
        print(f"unknown {count} times: {reason}")
    for found in RULES:
        print(f"by rule {ruled[found.why]} times: {found.why} ({found.source})")


if __name__ == "__main__":
    sys.exit(main())
