from .base import Ask, Server, Skip

SHORT = {"temperature": 0, "max_new_tokens": 10}


class MlxLm(Server):
    name = "mlx-lm"
    version = "0.32.2"
    package = "PyPI mlx-lm 0.32.2 with mlx[cpu] 0.32.4"
    model = "default_model"
    asks = {
        "streamed": Ask(generation=SHORT),
        "buffered": Ask(generation=SHORT),
        "usage": Ask(generation=SHORT),
        "schema": Ask("Answer in JSON: which city is the capital of Norway?", generation=SHORT),
        "too long": Skip("its limit is the model's 8,192 tokens, which take minutes without a GPU"),
    }

    def command(self) -> list[str]:
        python, model = self.folder / "mlx-lm/bin/python", self.folder / "smollm2-mlx"
        return [str(python), "-m", "mlx_lm", "server", "--model", str(model), "--host", "127.0.0.1", "--port", str(self.port)]

    def environment(self) -> dict[str, str]:
        return {"HF_HUB_OFFLINE": "1"}
