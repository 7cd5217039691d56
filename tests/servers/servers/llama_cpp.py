from .base import PROGRAMS, Server


class LlamaCpp(Server):
    name = "llama.cpp"
    version = "b11549"
    package = "PyPI xllamacpp 2026.10.11549"
    key = "sk-right-key"

    def command(self) -> list[str]:
        python = self.folder / "llama-cpp/bin/python"
        return [str(it) for it in (python, PROGRAMS / "llama_cpp.py", self.port, self.folder / "smollm2.gguf", self.key)]
