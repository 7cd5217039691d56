#!/usr/bin/env python3
"""Writes the built-in price table anew, from the price file of LiteLLM in target/litellm-prices.

Keeps the models that the table has and their order. Run it after tests/prices/run, which installs LiteLLM.
"""

import json
import re
import sys
from datetime import date
from decimal import Decimal
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "shared/pricing/src/built_in.json"
NAMES = {
    "input": "input_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "long_cache_write": "cache_creation_input_token_cost_above_1hr",
    "audio_input": "input_cost_per_audio_token",
    "cached_audio_input": "cache_read_input_audio_token_cost",
    "image_input": "input_cost_per_image_token",
    "output": "output_cost_per_token",
    "reasoning": "output_cost_per_reasoning_token",
    "audio_output": "output_cost_per_audio_token",
    "image_output": "output_cost_per_image_token",
}
UPLIFTS = {
    "eu": "regional_processing_uplift_multiplier_eu",
    "us": "regional_processing_uplift_multiplier_us",
    "fedramp": "fedramp_uplift_multiplier",
    "regional": "regional_endpoint_uplift_multiplier",
}
SERVICES = ("flex", "balanced", "priority", "ultrafast")
ABOVE = re.compile(r"_above_(\d+)k_tokens")
# The only vendor that charges the prices of long prompts from the threshold on.
INCLUSIVE = "xai"


def main() -> None:
    found = list((ROOT / "target/litellm-prices/lib").glob("python*/site-packages"))
    if not found:
        sys.exit("LiteLLM is not installed: run tests/prices/run before")
    [packages] = found
    [release] = [known.version for known in distributions(path=[str(packages)]) if known.name == "litellm"]
    prices = json.loads((packages / "litellm/model_prices_and_context_window_backup.json").read_text())
    table = json.loads(TABLE.read_text())
    models = {name: entry(prices, name, old) for name, old in table["models"].items()}
    source = f"built in, from LiteLLM {release}"
    if source != table["source"] or models != table["models"]:
        lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(new)}" for name, new in models.items())
        head = f'{{\n  "source": {json.dumps(source)},\n  "date": "{date.today()}",\n  "models": {{\n'
        TABLE.write_text(f"{head}{lines}\n  }}\n}}\n")


def entry(prices: dict, name: str, old: dict) -> dict:
    vendor, bare = name.split("/", 1)
    known = prices.get(name) or prices.get(bare)
    if known is None or known.get("tiered_pricing"):
        print(f"kept as it was: {name}")
        return old
    new = plan(known, "", vendor)
    for service in SERVICES:
        if f"input_cost_per_token_{service}" in known:
            new.setdefault("service_tiers", {})[service] = plan(known, f"_{service}", vendor)
    if off_peak := known.get("off_peak_pricing"):
        hours = {key: off_peak[key] for key in ("hours_utc", "windows", "weekday_timezone") if key in off_peak}
        new["off_peak"] = rates(off_peak, "") | hours
    uplift = {place: known[key] for place, key in UPLIFTS.items() if key in known}
    uplift |= {key: value for key, value in (known.get("provider_specific_entry") or {}).items() if key in ("us", "fast")}
    if uplift:
        new["uplift"] = uplift
    searches = set((known.get("search_context_cost_per_query") or {}).values())
    if len(searches) == 1:
        new["search"] = searches.pop()
    for ours, theirs in (("context_window", "max_input_tokens"), ("max_output", "max_output_tokens")):
        if known.get(theirs) is not None:
            new[ours] = int(known[theirs])
    return new


def plan(known: dict, suffix: str, vendor: str) -> dict:
    """Returns the prices of a tier of service. A price that it does not have is the standard one."""
    base = rates(known, "", suffix) if not suffix else rates(known, "") | rates(known, "", suffix)
    if suffix and "reasoning" in base and f"output_cost_per_reasoning_token{suffix}" not in known:
        base["reasoning"] = base["output"]
    thresholds = sorted({int(found) for name in known for found in ABOVE.findall(name)})
    below, tiers = base, []
    for thousands in thresholds:
        ending = f"_above_{thousands}k_tokens"
        tier = rates(known, ending) | (rates(known, ending, suffix) if suffix else {})
        changed = {name: price for name, price in tier.items() if price != base.get(name)}
        below = {name: price for name, price in (below | changed).items() if price != base.get(name)}
        if below:
            tiers.append({"above": thousands * 1_000 - (vendor == INCLUSIVE)} | below)
    return base | ({"tiers": tiers} if tiers else {})


def rates(known: dict, ending: str, suffix: str = "") -> dict:
    """Returns the prices in the fields with this ending, in dollars per million tokens."""
    stated = {ours: known.get(f"{theirs}{ending}{suffix}") for ours, theirs in NAMES.items()}
    return {ours: per_million(price) for ours, price in stated.items() if price is not None}


def per_million(price: float) -> float | int:
    usd = Decimal(repr(price)) * 1_000_000
    return int(usd) if usd == usd.to_integral_value() else float(usd)


if __name__ == "__main__":
    main()
