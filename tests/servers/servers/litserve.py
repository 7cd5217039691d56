from .base import PROGRAMS, Ask, Server


class LitServe(Server):
    name = "LitServe"
    version = "0.2.19"
    package = "PyPI litserve 0.2.19, OpenAISpec over one sentence"
    asks = {"server error": Ask("Please fail.")}

    def command(self) -> list[str]:
        return [str(self.folder / "litserve/bin/python"), str(PROGRAMS / "litserve_app.py"), str(self.port)]
