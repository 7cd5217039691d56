"""Asks a server by plain HTTP: what it really answers."""

import http.client
import json
import urllib.parse
from dataclasses import dataclass, field

from servers import Ask, Server

TIMEOUT_S = 60
NAMES = {"max_new_tokens": "max_tokens"}


@dataclass
class Answer:
    status: int | None = None
    text: str = ""
    finish: str | None = None
    usage: dict | None = None
    tool_calls: list[tuple[str, str]] = field(default_factory=list)
    logprobs: int = 0  # number of tokens that have one
    choices: set[int] = field(default_factory=set)
    model: str | None = None
    error: str | None = None  # the server's words
    deltas: int = 0

    @property
    def is_answer(self) -> bool:
        return self.error is None and self.finish is not None


def ask(server: Server, ask: Ask, stream: bool = True, key: str | None = "", **more) -> Answer:
    """Returns the server's answer. The key is the server's own, unless one is given; None sends none."""
    body = json.dumps(payload(server, ask, stream) | more)
    url = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=TIMEOUT_S)
    answer = Answer()
    try:
        connection.request("POST", url.path + "/chat/completions", body, headers(server, key))
        response = connection.getresponse()
        answer.status = response.status
        content = response.read()
    except (OSError, http.client.HTTPException) as error:
        answer.error = f"{type(error).__name__}: {error}"
        return answer
    finally:
        connection.close()
    read(answer, content.decode(errors="replace"), stream)
    return answer


def headers(server: Server, key: str | None) -> dict[str, str]:
    key = server.key if key == "" else key
    authorization = {"authorization": f"Bearer {key}"} if key else {}
    return {"content-type": "application/json", **server.headers, **authorization}


def payload(server: Server, ask: Ask, stream: bool) -> dict:
    content = ask.question
    if ask.images:
        images = [{"type": "image_url", "image_url": {"url": url}} for url in ask.images]
        content = [{"type": "text", "text": ask.question}, *images]
    generation = {NAMES.get(name, name): value for name, value in ask.generation.items()}
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    return {
        "model": ask.model or server.model,
        "messages": [{"role": "user", "content": content}],
        **generation,
        **options,
    }


def read(answer: Answer, content: str, stream: bool) -> None:
    if answer.status != 200 or not stream:
        add(answer, parsed(content))
        if answer.status != 200 and answer.error is None:
            answer.error = " ".join(content.split()) or "an empty body"
        return
    for line in content.splitlines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            add(answer, parsed(data))
    if answer.finish is None and answer.error is None:
        answer.error = "the stream ends without a stop reason"


def parsed(text: str) -> dict:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def add(answer: Answer, part: dict) -> None:
    """Adds a whole answer or a chunk of one."""
    if error := part.get("error") or part.get("detail"):
        answer.error = error.get("message", str(error)) if isinstance(error, dict) else str(error)
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

