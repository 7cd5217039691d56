from .base import Ask, Server, Skip

FEW = Ask(generation={"max_new_tokens": 8})  # without a GPU, a token takes long


class MlxLm(Server):
    name = "mlx-lm"
    version = "0.32.2"
    package = "PyPI mlx-lm 0.32.2 with mlx[cpu] 0.32.4"
    model = "default_model"
    asks = {
        **dict.fromkeys(("streamed", "buffered", "usage", "stop", "tools", "image to a text model"), FEW),
        "schema": Ask("Hello"),
        "kill in mid-stream": Ask(generation={"max_new_tokens": 24}),
        "prompt too long": Skip("its limit is the model's 8,192 tokens, which take minutes without a GPU"),
    }

    def command(self) -> list[str]:
        python, model = self.folder / "mlx-lm/bin/python", self.folder / "smollm2-mlx"
        return [str(python), "-m", "mlx_lm", "server", "--model", str(model), "--host", "127.0.0.1", "--port", str(self.port)]

    def environment(self) -> dict[str, str]:
        return {"HF_HUB_OFFLINE": "1"}
