from servers import Ask

from .answer import Answer

PATH = "/chat/completions"
NAMES = {"max_new_tokens": "max_tokens"}


def payload(model: str, ask: Ask, stream: bool) -> dict:
    content = ask.question
    if ask.images:
        images = [{"type": "image_url", "image_url": {"url": url}} for url in ask.images]
        content = [{"type": "text", "text": ask.question}, *images]
    generation = {NAMES.get(name, name): value for name, value in ask.generation.items()}
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    return {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        **generation,
        **options,
    }


def add(answer: Answer, part: dict) -> None:
    """Adds a whole answer or a chunk of one."""
    answer.usage = part.get("usage") or answer.usage
    answer.model = part.get("model") or answer.model
    for choice in part.get("choices") or []:
        answer.choices.add(choice.get("index", 0))
        if choice.get("index", 0) != 0:
            continue
        message = choice.get("message") or choice.get("delta") or {}
        answer.deltas += bool(message.get("content"))
        answer.text += message.get("content") or ""
        answer.finish = choice.get("finish_reason") or answer.finish
        answer.logprobs += len((choice.get("logprobs") or {}).get("content") or [])
        add_tools(answer, message.get("tool_calls") or [])


def add_tools(answer: Answer, calls: list[dict]) -> None:
    for call in calls:
        function = call.get("function") or {}
        if function.get("name"):
            answer.tool_calls.append((function["name"], function.get("arguments") or ""))
        elif answer.tool_calls:
            name, arguments = answer.tool_calls[-1]
            answer.tool_calls[-1] = (name, arguments + (function.get("arguments") or ""))

