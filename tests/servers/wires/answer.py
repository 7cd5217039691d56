"""An answer in the terms of OpenAI's chat completions, whatever its protocol."""

from dataclasses import dataclass, field


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
