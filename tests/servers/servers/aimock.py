from .base import PROGRAMS, Ask, Server


class AiMock(Server):
    name = "aimock"
    version = "1.43.0"
    package = "npm @copilotkit/aimock 1.43.0"
    model = "gpt-4o-mini"
    key = "sk-right-key"
    asks = {
        "rate limit": Ask("Please refuse the rate."),
        "server error": Ask("Please break down."),
    }

    def command(self) -> list[str]:
        program = self.folder / "node/node_modules/@copilotkit/aimock/dist/cli.js"
        return ["node", str(program), "--port", str(self.port), "--fixtures", str(PROGRAMS / "aimock.json")]

    def environment(self) -> dict[str, str]:
        return {"AIMOCK_API_KEYS": self.key}
