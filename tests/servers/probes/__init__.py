"""The rows of the matrix."""

import base64
import struct
import zlib
from collections.abc import Callable

from cells import Cell
from runmill import Runmill
from servers import Ask, Server, Skip

from . import answers, errors

HELLO = "Say hello."
SHORT = {"temperature": 0, "max_new_tokens": 16}
FEW = {"temperature": 0, "max_new_tokens": 5}
LONG_WORDS = 1500
CITY = "Answer in JSON: which city is the capital of Norway?"
WEATHER = "What is the weather in Oslo?"
STORY = "Tell me slowly a long story about a dog."
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 12}},
    "required": ["city"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": SCHEMA}}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Returns the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
Probe = Callable[[Server, Runmill, Ask], Cell]


def pixel() -> str:
    """Returns a PNG of one pixel as a data URL."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode()


# Rows of the matrix: name, probe, common question. Without a question, only servers that state one are tried.
PROBES: list[tuple[str, Probe, Ask | Skip]] = [
    ("streamed", answers.streamed, Ask(HELLO, generation=SHORT)),
    ("buffered", answers.buffered, Ask(HELLO, generation=SHORT)),
    ("tools", answers.tools, Ask(WEATHER, generation=SHORT | {"tools": [TOOL]})),
    ("schema", answers.schema, Ask(CITY, generation=SHORT | {"max_new_tokens": 24, "response_format": FORMAT})),
    ("logprobs", answers.logprobs, Ask(HELLO, generation=FEW)),
    ("logprobs with tools", answers.logprobs, Ask(WEATHER, generation=FEW | {"tools": [TOOL]})),
    ("several answers (`n`)", answers.several, Ask(HELLO, generation=FEW)),
    ("stop", answers.stop, Ask(HELLO, generation=SHORT | {"stop": [answers.STOP]})),
    ("usage", answers.usage, Ask(HELLO, generation=SHORT)),
    ("token limit", answers.token_limit, Ask(HELLO, generation=FEW | {"max_new_tokens": answers.TOKEN_LIMIT})),
    ("name with a prefix", answers.full_name, Skip("its names have no prefix")),
    ("unknown model", errors.unknown_model, Ask(HELLO, "no-such-model", generation=FEW)),
    ("image to a text model", errors.image, Ask(HELLO, generation=SHORT, images=(pixel(),))),
    ("rate limit", errors.rate_limit, Skip("the server has no such limit")),
    ("server error", errors.server_error, Skip("no such error can be provoked")),
    ("wrong key", errors.wrong_key, Ask(HELLO, generation=SHORT)),
    ("no key", errors.no_key, Ask(HELLO, generation=SHORT)),
    ("prompt too long", errors.too_long, Ask("word " * LONG_WORDS, generation=SHORT)),
    ("kill in mid-stream", errors.kill, Ask(STORY, generation=SHORT | {"max_new_tokens": 100})),
]
