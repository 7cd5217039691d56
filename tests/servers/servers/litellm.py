from .base import PROGRAMS, Ask, Server


class LiteLlm(Server):
    name = "LiteLLM proxy"
    version = "1.108.7"
    package = "PyPI litellm[proxy] 1.108.7, without a database, in front of the llama.cpp server"
    key = "sk-right-key-of-litellm"
    health = "/health/liveliness"
    asks = {
        "name with a prefix": Ask("Say hello.", "openai/tiny", generation={"temperature": 0, "max_new_tokens": 16}),
        "rate limit": Ask("Say hello.", "rate-limited"),
        "server error": Ask("Say hello.", "dead"),
    }

    def command(self) -> list[str]:
        program = self.folder / "litellm/bin/litellm"
        options = ["--config", PROGRAMS / "litellm.yaml", "--host", "127.0.0.1", "--port", self.port, "--num_workers", 1]
        return [str(it) for it in (program, *options)]

    def environment(self) -> dict[str, str]:
        return {
            "MASTER_KEY": self.key,
            "UPSTREAM": self.upstream.url,
            "UPSTREAM_KEY": self.upstream.key,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
