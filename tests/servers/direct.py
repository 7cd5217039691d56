"""Asks a server by plain HTTP: what it really answers."""

import http.client
import json
import urllib.parse

from servers import Ask, Server
from wires import WIRES, Answer

TIMEOUT_S = 60


def ask(server: Server, ask: Ask, stream: bool = True, key: str | None = "", **more) -> Answer:
    """Returns the server's answer. The key is the server's own, unless one is given; None sends none."""
    wire = WIRES[server.protocol]
    body = json.dumps(wire.payload(ask.model or server.model, ask, stream) | more)
    url = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=TIMEOUT_S)
    answer = Answer()
    try:
        connection.request("POST", url.path + wire.PATH, body, headers(server, key))
        response = connection.getresponse()
        answer.status = response.status
        content = response.read()
    except (OSError, http.client.HTTPException) as error:
        answer.error = f"{type(error).__name__}: {error}"
        return answer
    finally:
        connection.close()
    read(answer, content.decode(errors="replace"), stream, wire)
    return answer


def headers(server: Server, key: str | None) -> dict[str, str]:
    key = server.key if key == "" else key
    is_anthropic = server.protocol == "anthropic_messages"
    version = {"anthropic-version": "2023-06-01"} if is_anthropic else {}
    authorization = {"x-api-key": key} if is_anthropic else {"authorization": f"Bearer {key}"}
    return {"content-type": "application/json", **server.headers, **version, **(authorization if key else {})}


def read(answer: Answer, content: str, stream: bool, wire) -> None:
    if answer.status != 200 or not stream:
        add(answer, content, wire)
        if answer.status != 200 and answer.error is None:
            answer.error = " ".join(content.split()) or "an empty body"
        return
    for line in content.splitlines():
        if line.startswith("data:"):
            add(answer, line.removeprefix("data:"), wire)
    if answer.finish is None and answer.error is None:
        answer.error = "the stream ends without a stop reason"


def add(answer: Answer, content: str, wire) -> None:
    """Adds the JSON of a whole answer, a part of one, or an error."""
    part = parsed(content)
    if error := part.get("error") or part.get("detail"):
        answer.error = error.get("message", str(error)) if isinstance(error, dict) else str(error)
        return
    wire.add(answer, part)


def parsed(text: str) -> dict:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
