from servers import Ask

from .answer import Answer

PATH = "/responses"


def payload(model: str, ask: Ask, stream: bool) -> dict:
    generation = dict(ask.generation)
    body = {"model": model, "input": ask.question, "stream": stream}
    if limit := generation.pop("max_new_tokens", None):
        body["max_output_tokens"] = limit
    if form := generation.pop("response_format", None):
        body["text"] = {"format": {"type": form["type"], **form["json_schema"]}}
    return body | generation


def add(answer: Answer, part: dict) -> None:
    """Adds a whole answer or an event of one."""
    if part.get("type") == "response.output_text.delta":
        answer.deltas += 1
        answer.text += part["delta"]
    whole = part.get("response") or part
    if whole.get("status") not in ("completed", "incomplete"):
        return
    answer.finish = "stop" if whole["status"] == "completed" else "length"
    answer.model = whole.get("model")
    if usage := whole.get("usage"):
        answer.usage = {"prompt_tokens": usage["input_tokens"], "completion_tokens": usage["output_tokens"]}
    texts = [it.get("text", "") for item in whole.get("output", []) for it in item.get("content") or []]
    answer.text = answer.text or "".join(texts)
