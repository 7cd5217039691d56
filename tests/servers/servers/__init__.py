"""The servers of the matrix, in the order of its columns."""

from .aimock import AiMock
from .base import Ask, Server, Skip
from .litellm import LiteLlm
from .litserve import LitServe
from .llama_cpp import LlamaCpp, LlamaCppMessages, LlamaCppResponses
from .mlx_lm import MlxLm
from .mock_llm import MockLlm
from .portkey import Portkey

SERVERS = (LlamaCpp, LlamaCppResponses, LlamaCppMessages, MlxLm, LiteLlm, Portkey, LitServe, AiMock, MockLlm)
GATEWAYS = (LiteLlm, Portkey)

__all__ = ["GATEWAYS", "SERVERS", "Ask", "LlamaCpp", "Server", "Skip"]
