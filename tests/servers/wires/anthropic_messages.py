from servers import Ask

from .answer import Answer

PATH = "/messages"
NAMES = {"max_new_tokens": "max_tokens", "stop": "stop_sequences"}


def payload(model: str, ask: Ask, stream: bool) -> dict:
    generation = dict(ask.generation)
    body = {"model": model, "messages": [{"role": "user", "content": ask.question}], "stream": stream}
    if form := generation.pop("response_format", None):
        body["output_config"] = {"format": {"type": form["type"], "schema": form["json_schema"]["schema"]}}
    return body | {NAMES.get(name, name): value for name, value in generation.items()}


def add(answer: Answer, part: dict) -> None:
    """Adds a whole answer or an event of one."""
    text = (part.get("delta") or {}).get("text") or ""
    answer.deltas += bool(text)
    answer.text += text + "".join(block.get("text", "") for block in part.get("content") or [])
    message = part.get("message") or {}
    answer.model = part.get("model") or (message.get("model") if isinstance(message, dict) else None) or answer.model
    reason = part.get("stop_reason") or (part.get("delta") or {}).get("stop_reason")
    if reason:
        answer.finish = "length" if reason == "max_tokens" else "stop"
    for usage in (part.get("usage"), message.get("usage") if isinstance(message, dict) else None):
        if usage:
            answer.usage = (answer.usage or {}) | counts(usage)


def counts(usage: dict) -> dict:
    """Returns the counts that are told. Anthropic counts cached tokens beside the others."""
    told = {}
    if "input_tokens" in usage:
        beside = ("cache_read_input_tokens", "cache_creation_input_tokens")
        told["prompt_tokens"] = usage["input_tokens"] + sum(usage.get(name) or 0 for name in beside)
    if "output_tokens" in usage:
        told["completion_tokens"] = usage["output_tokens"]
    return told
