"""Generates usages for every kind of price in a price file."""

import random
import re
from collections import defaultdict
from dataclasses import dataclass, field

CASES = 2_000
SEED = 20_261_128
MODES = (None, "chat", "completion", "responses")
PREFIXES = {
    "azure_text": "azure",
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "text-completion-openai": "openai",
}
SERVICES = ("flex", "balanced", "priority", "ultrafast")
ABOVE = re.compile(r"_above_(\d+)k_tokens")
# Within the hours of every off-peak price of the file, and outside of them.
OFF_PEAK, PEAK = "2026-11-25T11:30:00Z", "2026-11-25T02:00:00Z"


@dataclass
class Case:
    kind: str
    model: str
    provider: str
    entry: dict
    usage: dict = field(default_factory=dict)
    service: str = "default"
    place: str = "global"
    fast: bool = False
    at: str = PEAK

    @property
    def name(self) -> str:
        return full_name(self.model, self.provider)


def full_name(model: str, provider: str) -> str:
    """Returns the name of an entry as runmill looks it up: with the vendor's prefix."""
    prefix = "vertex_ai" if provider.startswith("vertex_ai") else PREFIXES.get(provider, provider)
    return model if model.startswith(prefix + "/") else f"{prefix}/{model}"


def generate(prices: dict) -> list[Case]:
    """Returns cases of all kinds, of each about as many, over as many models as there are."""
    by_kind = defaultdict(list)
    for model, entry in prices.items():
        if is_text_model(prices, model, entry):
            for kind in kinds(entry):
                by_kind[kind].append((model, entry))
    chance = random.Random(SEED)
    cases, places = [], {kind: 0 for kind in by_kind}
    for models in by_kind.values():
        chance.shuffle(models)
    while len(cases) < CASES:
        for kind, models in sorted(by_kind.items()):
            model, entry = models[places[kind] % len(models)]
            places[kind] += 1
            cases.append(case(kind, model, entry, chance))
    return cases[:CASES]


def is_text_model(prices: dict, model: str, entry: dict) -> bool:
    provider = entry.get("litellm_provider")
    if model == "sample_spec" or not provider or entry.get("mode") not in MODES or "alias_of" in entry:
        return False
    # These are classes of sizes, and no models.
    if model.startswith("together-ai-"):
        return False
    # An entry of the same model with its prefix takes precedence.
    name = full_name(model, provider)
    if name != model and name in prices:
        return False
    has_price = all(f"{side}_cost_per_token" in entry for side in ("input", "output"))
    return has_price or "tiered_pricing" in entry


def kinds(entry: dict) -> set[str]:
    found = {"plain"}
    add = {
        "cache_read_input_token_cost": ["cached"],
        "cache_creation_input_token_cost": ["written"],
        "cache_creation_input_token_cost_above_1hr": ["written for 1 h"],
        "cache_creation_input_token_cost_above_12hr": ["written for 12 h"],
        "input_cost_per_audio_token": ["audio in"],
        "cache_read_input_audio_token_cost": ["cached audio"],
        "input_cost_per_image_token": ["image in"],
        "output_cost_per_reasoning_token": ["reasoning"],
        "output_cost_per_audio_token": ["audio out"],
        "output_cost_per_image_token": ["image out"],
        "input_cost_per_request": ["per request"],
        "tiered_pricing": ["ranges", "at the end of a range"],
        "off_peak_pricing": ["off-peak", "peak"],
        "regional_processing_uplift_multiplier_eu": ["in the EU"],
        "regional_processing_uplift_multiplier_us": ["in the US"],
        "fedramp_uplift_multiplier": ["FedRAMP"],
        "regional_endpoint_uplift_multiplier": ["in a region"],
    }
    for name, kinds_of_name in add.items():
        if entry.get(name) is not None:
            found.update(kinds_of_name)
    if "cache_read_input_token_cost" not in entry:
        found.add("cached without a price")
    if "input_cost_per_audio_token" not in entry:
        found.add("audio without a price")
    if entry.get("litellm_provider") == "fireworks_ai" and "cache_read_input_token_cost" not in entry:
        found.add("cached at Fireworks")
    if entry.get("input_cost_per_token") == 0:
        found.add("free")
    if any(ABOVE.search(name) for name in entry):
        found.update(["at a threshold", "above a threshold"])
        if any(name.endswith("_flex") for name in entry):
            found.add("flex above a threshold")
        if any(name.endswith("_priority") for name in entry):
            found.add("priority above a threshold")
        if any("1hr_above" in name for name in entry):
            found.add("written for 1 h above a threshold")
    found.update(service for service in SERVICES if f"input_cost_per_token_{service}" in entry)
    if "input_cost_per_token_batches" in entry:
        found.add("batch")
    if entry.get("litellm_provider") == "anthropic" and "search_context_cost_per_query" in entry:
        found.add("searches")
    entries = entry.get("provider_specific_entry") or {}
    found.update(f"anthropic {name}" for name in ("us", "fast") if name in entries)
    return found


def case(kind: str, model: str, entry: dict, chance: random.Random) -> Case:
    case = Case(kind, model, entry["litellm_provider"], entry)
    thresholds = sorted({int(found) * 1_000 for name in entry for found in ABOVE.findall(name)})
    # Below every threshold and range but the first.
    prompt, completion = chance.randint(5_000, 31_000), chance.randint(1_000, 9_000)
    if "threshold" in kind:
        prompt = chance.choice(thresholds) + (0 if kind == "at a threshold" else chance.choice([1, 12_345]))
    if "range" in kind:
        ends = [int(end) for tier in entry["tiered_pricing"] for end in tier["range"][1:]]
        prompt = chance.choice(ends) + (0 if kind == "at the end of a range" else chance.choice([-1, 1]))
    usage = case.usage
    usage |= {"prompt_tokens": prompt, "completion_tokens": completion}
    part = lambda whole: chance.randint(1, whole // 3)
    if "cached" in kind or (kind not in ("plain", "free", "batch") and chance.random() < 0.5):
        usage["cached_tokens"] = part(prompt)
    if "written" in kind or ("threshold" in kind and chance.random() < 0.5):
        usage["cache_write_tokens"] = part(prompt)
    if "written for" in kind:
        usage["long_cache_write_tokens"] = part(usage["cache_write_tokens"] + 3)
    if kind in ("audio in", "cached audio", "audio without a price"):
        usage["audio_input_tokens"] = part(prompt)
    if kind == "cached audio":
        usage["cached_audio_tokens"] = min(usage["audio_input_tokens"], usage["cached_tokens"]) // 2
    if kind == "image in":
        usage["image_input_tokens"] = part(prompt)
    if "reasoning" in kind or (kind in SERVICES and chance.random() < 0.5):
        usage["reasoning_tokens"] = part(completion)
    if kind == "audio out":
        usage["audio_output_tokens"] = part(completion)
    if kind == "image out":
        usage["image_output_tokens"] = part(completion)
    if kind == "searches":
        usage["web_searches"] = chance.randint(1, 9)
    case.service = next((service for service in SERVICES if kind.startswith(service)), "default")
    if kind == "batch":
        case.service = "batch"
    case.place = {
        "in the EU": "eu", "in the US": "us", "FedRAMP": "fedramp", "in a region": "regional", "anthropic us": "us"
    }.get(kind, "global")
    case.fast = kind == "anthropic fast"
    case.at = OFF_PEAK if kind == "off-peak" else PEAK
    return case
