from .base import Server


class Portkey(Server):
    name = "Portkey"
    version = "1.15.2"
    package = "npm @portkey-ai/gateway 1.15.2, in front of the llama.cpp server"
    health = "/"

    def __init__(self, folder, upstream=None):
        super().__init__(folder, upstream)
        self.key = upstream.key
        self.headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": upstream.url}

    def command(self) -> list[str]:
        program = self.folder / "node/node_modules/@portkey-ai/gateway/build/start-server.js"
        return ["node", str(program), f"--port={self.port}", "--headless"]
