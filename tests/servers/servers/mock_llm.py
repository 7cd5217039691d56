from .base import PROGRAMS, Ask, Server


class MockLlm(Server):
    name = "mock-llm"
    version = "0.1.29"
    package = "npm @dwmkerr/mock-llm 0.1.29"
    asks = {
        "rate limit": Ask("Please refuse the rate."),
        "server error": Ask("Please break down."),
    }

    def command(self) -> list[str]:
        program = self.folder / "node/node_modules/@dwmkerr/mock-llm/dist/main.js"
        return ["node", str(program), "--config", str(PROGRAMS / "mock_llm.yaml")]

    def environment(self) -> dict[str, str]:
        return {"HOST": "127.0.0.1", "PORT": str(self.port)}
