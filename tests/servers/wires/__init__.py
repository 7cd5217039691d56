"""The wire protocols, as the direct client speaks them."""

from . import anthropic_messages, openai_chat, openai_responses
from .answer import Answer

WIRES = {
    "openai_chat": openai_chat,
    "openai_responses": openai_responses,
    "anthropic_messages": anthropic_messages,
}

__all__ = ["WIRES", "Answer"]
