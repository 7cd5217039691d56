#!/usr/bin/env python3
"""Writes models.py and operations.py from the server's description of its API.

    generate.py http://127.0.0.1:8080          writes them
    generate.py http://127.0.0.1:8080 --check  fails if they differ from what would be written
"""

import json
import keyword
import re
import sys
import textwrap
import urllib.request
from pathlib import Path

PACKAGE = Path(__file__).parent / "runmill_client"
HEAD = '"""{what} Generated from the description of the API by generate.py: do not edit."""\n\n'
JSON = "application/json"


def main() -> int:
    url, check = sys.argv[1].rstrip("/"), "--check" in sys.argv[2:]
    with urllib.request.urlopen(f"{url}/openapi.json") as answer:
        document = json.load(answer)
    outdated = [path for path, text in generated(document).items() if not path.exists() or path.read_text() != text]
    if check:
        for path in outdated:
            print(f"{path.name} is not what the API's description says: run shared/python/generate.py", file=sys.stderr)
        return 1 if outdated else 0
    for path, text in generated(document).items():
        path.write_text(text)
    return 0


def generated(document: dict) -> dict[Path, str]:
    return {
        PACKAGE / "models.py": models(document["components"]["schemas"]),
        PACKAGE / "operations.py": operations(document["paths"]),
    }


def models(schemas: dict) -> str:
    text = HEAD.format(what="Types of what the API takes and answers.")
    text += "from typing import Any, Literal, NotRequired, TypeAlias, TypedDict\n"
    return text + "".join(f"\n\n{model(name, schema)}" for name, schema in sorted(schemas.items()))


def model(name: str, schema: dict) -> str:
    """Returns a class for an object, and a name for any other type."""
    title = class_name(name)
    if "allOf" in schema or schema.get("type") != "object" or "properties" not in schema:
        return f"{title}: TypeAlias = {quoted(python_type(schema, name))}\n"
    required = set(schema.get("required", ()))
    fields = []
    for field, of in schema["properties"].items():
        kind = python_type(of, name)
        fields.append((field, kind if field in required else f"NotRequired[{kind}]"))
    if any(keyword.iskeyword(field) for field, _ in fields):
        pairs = ", ".join(f"{field!r}: {quoted(kind)}" for field, kind in fields)
        return f"{title} = TypedDict({title!r}, {{{pairs}}})\n"
    body = docstring(schema.get("description")) + "".join(f"    {field}: {quoted(kind)}\n" for field, kind in fields)
    return f"class {title}(TypedDict):\n" + (body or "    pass\n")


def python_type(schema: dict, inside: str = "") -> str:
    if reference := schema.get("$ref"):
        return class_name(reference.rsplit("/", 1)[1])
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        return " | ".join(dict.fromkeys(python_type(choice, inside) for choice in choices))
    if "allOf" in schema:
        return "dict[str, Any]"
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return " | ".join(simple_type(kind, schema, inside) for kind in kinds)


def simple_type(kind: str | None, schema: dict, inside: str) -> str:
    if kind == "array":
        # The items of a page are written out in the description.
        if inside.startswith("Page_"):
            return f"list[{class_name(inside.removeprefix('Page_'))}]"
        return f"list[{python_type(schema.get('items', {}), inside)}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {python_type(values, inside) if isinstance(values, dict) else 'Any'}]"
    return {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}.get(kind, "Any")


def operations(paths: dict) -> str:
    text = HEAD.format(what="A method for each operation that takes and answers JSON.")
    text += "from typing import Any, cast\n\nfrom . import models\nfrom .transport import Transport\n\n\n"
    text += "class Operations:\n    def __init__(self, transport: Transport):\n        self._transport = transport\n"
    for path, methods in sorted(paths.items()):
        for method, operation in sorted(methods.items()):
            text += written(path, method, operation) if "operationId" in operation else ""
    return text


def written(path: str, method: str, operation: dict) -> str:
    """Returns the method of an operation, or nothing for one with other bodies than JSON."""
    bodies = operation.get("requestBody", {}).get("content", {})
    answers = next(answer.get("content", {}) for status, answer in operation["responses"].items() if status < "300")
    if bodies and JSON not in bodies or answers and JSON not in answers:
        return ""
    parameters = operation.get("parameters", ())
    in_path = [(parameter["name"], "str") for parameter in parameters if parameter["in"] == "path"]
    body = [("body", qualified(python_type(bodies[JSON]["schema"])))] if bodies else []
    options = [p for p in parameters if p["in"] in ("query", "header")]
    arguments = ["self", *(f"{name}: {kind}" for name, kind in in_path + body)]
    if options:
        arguments += ["*", *(f"{snake(p['name'])}: {option_type(p)}" for p in options)]
    answer = qualified(python_type(answers[JSON]["schema"])) if answers else "None"
    call = [repr(method.upper()), f"f{path!r}" if in_path else repr(path)]
    call += ["body=body"] if body else []
    for where in ("query", "header"):
        given = [f"{p['name']!r}: {snake(p['name'])}" for p in options if p["in"] == where]
        call += [f"{where}={{{', '.join(given)}}}"] if given else []
    made = f"self._transport.json({', '.join(call)})"
    result = f"        return cast({quoted(answer, always=True)}, {made})\n" if answers else f"        {made}\n"
    head = f"\n    def {operation['operationId']}({', '.join(arguments)}) -> {answer}:\n"
    return head + docstring(operation.get("summary"), "        ") + result


def option_type(parameter: dict) -> str:
    kind = qualified(python_type(parameter["schema"]))
    return kind if parameter.get("required") else f"{kind.removesuffix(' | None')} | None = None"


def qualified(kind: str) -> str:
    """Puts the module's name before the names of models."""
    return re.sub(r"\b(?!None|Any|Literal|True|False)([A-Z]\w+)\b(?!')", r"models.\1", kind)


def class_name(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def snake(name: str) -> str:
    word = name.lower().replace("-", "_")
    return f"{word}_" if keyword.iskeyword(word) else word


def quoted(kind: str, always: bool = False) -> str:
    """Quotes a type that may name a model further below."""
    return repr(kind) if always or re.search(r"\b(?!None|Any|Literal|NotRequired)[A-Z]", kind) else kind


def docstring(text: str | None, indent: str = "    ") -> str:
    if not text:
        return ""
    # A summary says enough here; the rest is in the description of the API.
    first = " ".join(text.split("\n\n")[0].split()).replace("\\", "\\\\").replace('"""', "'''")
    first = textwrap.shorten(first, 110 - len(indent), placeholder=" ...").rstrip(".") + "."
    return f'{indent}"""{first}"""\n'


if __name__ == "__main__":
    sys.exit(main())
