from .base import PROGRAMS, Server, Skip

OTHER_PROTOCOL = Skip("tried over chat completions")


class LlamaCpp(Server):
    name = "llama.cpp"
    version = "b11549"
    package = "PyPI xllamacpp 2026.10.11549"
    key = "sk-right-key"

    def command(self) -> list[str]:
        python = self.folder / "llama-cpp/bin/python"
        return [str(it) for it in (python, PROGRAMS / "llama_cpp.py", self.port, self.folder / "smollm2.gguf", self.key)]


class LlamaCppResponses(LlamaCpp):
    name = "llama.cpp responses"
    protocol = "openai_responses"
    asks = dict.fromkeys(("tools", "logprobs", "logprobs with tools", "stop", "image to a text model"), OTHER_PROTOCOL)


class LlamaCppMessages(LlamaCpp):
    name = "llama.cpp messages"
    protocol = "anthropic_messages"
    asks = {
        **dict.fromkeys(("tools", "logprobs", "logprobs with tools", "image to a text model"), OTHER_PROTOCOL),
        "buffered": Skip("runmill always streams over this protocol"),
    }
