"""The harnesses: how each is installed and started, and where it writes its score."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import environments
from environments import TARGET

HERE = Path(__file__).resolve().parent
SAMPLES, RIGHT = 20, 14
PLANTED = RIGHT / SAMPLES
INSTALL_TIMEOUT_S, RUN_TIMEOUT_S = 1200, 300
# Neither data sets nor models are loaded from a hub, and nobody is told of the run.
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "DO_NOT_TRACK": "1", "TELEMETRY_ENABLED": "false",
           "PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


class Unusable(Exception):
    """A harness that could not be installed or run, in words for the person at the terminal."""


class Missing(Unusable):
    """A harness that could not be installed."""


@dataclass(frozen=True)
class Door:
    """What a harness is told: the base URL, the key, and what stands before and after the model's name."""

    base_url: str
    key: str
    prefix: str
    suffix: str = ""

    def model(self, name: str) -> str:
        return f"{self.prefix}{name}{self.suffix}"


@dataclass(frozen=True)
class Case:
    name: str
    run: Callable[[Door, Path], float]


def samples() -> list[dict[str, str]]:
    """Returns questions with their targets. The model answers each with its own text."""
    return [{"id": f"q{n}", "question": f"say {n}", "target": f"say {n}" if n < RIGHT else "nothing"} for n in range(SAMPLES)]


class Python:
    """A harness from PyPI, in an environment of its own."""

    def __init__(self, name: str):
        self.name, self.source = name, HERE / name

    def program(self, name: str) -> Path:
        """Returns a program of the environment; installs it if its requirements have changed."""
        try:
            return environments.installed(f"clients/{self.name}", self.source / "requirements.txt") / "bin" / name
        except environments.Missing as error:
            raise Missing(str(error)) from error


class Inspect(Python):
    def cases(self) -> list[Case]:
        return [
            Case("chat", lambda door, work: self.score(door, work, "openai-api/runmill")),
            Case("chat, streamed", lambda door, work: self.score(door, work, "openai-api/runmill", "-M", "stream=true")),
            Case("responses", lambda door, work: self.score(door, work, "openai-api/runmill", "-M", "responses_api=true")),
            Case("batch", lambda door, work: self.score(door, work, "openai", "--batch", "batch.json")),
        ]

    def score(self, door: Door, work: Path, api: str, *options: str) -> float:
        keys = {f"{name}_{what}": value for name in ("RUNMILL", "OPENAI")
                for what, value in (("BASE_URL", door.base_url), ("API_KEY", door.key))}
        shutil.copy(self.source / "planted.py", work)
        (work / "batch.json").write_text(json.dumps({"size": SAMPLES, "max_size": SAMPLES, "send_delay": 1, "tick": 1}))
        command = [self.program("inspect"), "eval", "planted.py", "--model", f"{api}/{door.model('echo')}",
                   "--log-format", "json", "--log-dir", work / "logs", "--display", "plain", *options]
        run(command, work, keys)
        log = json.loads(only(work / "logs", "*.json").read_text())
        if log["status"] != "success":
            raise Unusable(f"status {log['status']}: {log.get('error')}")
        return log["results"]["scores"][0]["metrics"]["mean"]["value"]


class LmEval(Python):
    def cases(self) -> list[Case]:
        chat = "local-chat-completions", "chat/completions", ["--apply_chat_template"]
        text = "local-completions", "completions", []
        return [
            Case("chat", lambda door, work: self.score(door, work, *chat)),
            Case("completions", lambda door, work: self.score(door, work, *text)),
        ]

    def score(self, door: Door, work: Path, model: str, path: str, options: list[str]) -> float:
        shutil.copy(self.source / "planted.yaml", work)
        (work / "planted.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples()))
        arguments = f"model={door.model('echo')},base_url={door.base_url}/{path},num_concurrent=4,tokenizer_backend=None"
        command = [self.program("lm_eval"), "run", "--model", model, "--model_args", arguments, "--tasks", "planted",
                   "--include_path", work, "--output_path", work / "out", *options]
        run(command, work, {"OPENAI_API_KEY": door.key})
        return json.loads(only(work / "out", "**/results_*.json").read_text())["results"]["planted"]["exact_match,none"]


class Curator(Python):
    def cases(self) -> list[Case]:
        return [
            Case("online", lambda door, work: self.score(door, work, "online")),
            Case("batch", lambda door, work: self.score(door, work, "batch")),
        ]

    def score(self, door: Door, work: Path, kind: str) -> float:
        (work / "samples.json").write_text(json.dumps(samples()))
        command = [self.program("python"), self.source / "planted.py", kind, door.base_url, door.model("echo"), work / "samples.json"]
        said = run(command, work, {"OPENAI_API_KEY": door.key, "CURATOR_CACHE_DIR": str(work / "cache"), "CURATOR_VIEWER": "0"})
        return float(said.strip().splitlines()[-1])


class Script(Python):
    """A script on OpenAI's SDK, as people write them."""

    def cases(self) -> list[Case]:
        return [Case("chat, streamed", self.score)]

    def score(self, door: Door, work: Path) -> float:
        (work / "samples.json").write_text(json.dumps(samples()))
        command = [self.program("python"), self.source / "planted.py", door.model("echo"), work / "samples.json"]
        said = run(command, work, {"OPENAI_BASE_URL": door.base_url, "OPENAI_API_KEY": door.key})
        return float(said)


class Promptfoo:
    def cases(self) -> list[Case]:
        return [
            Case("chat", lambda door, work: self.score(door, work, "chat")),
            Case("responses", lambda door, work: self.score(door, work, "responses")),
        ]

    def score(self, door: Door, work: Path, api: str) -> float:
        config = {
            "prompts": ["{{question}}"],
            "providers": [{"id": f"openai:{api}:{door.model('echo')}", "config": {"apiBaseUrl": door.base_url, "apiKey": door.key}}],
            "tests": [{"vars": {"question": sample["question"]}, "assert": [{"type": "equals", "value": sample["target"]}]}
                      for sample in samples()],
        }
        (work / "promptfooconfig.json").write_text(json.dumps(config))
        command = [self.program(), "eval", "-c", "promptfooconfig.json", "-o", "out.json", "--no-cache", "--no-progress-bar"]
        # Its status is 100 when a row has failed, as six have.
        run(command, work, {"PROMPTFOO_CONFIG_DIR": str(work / "home")}, statuses=(0, 100))
        rows = json.loads((work / "out.json").read_text())["results"]["results"]
        if errors := [row["error"] for row in rows if row["failureReason"] == 2]:
            raise Unusable(f"{len(errors)} rows without an answer: {errors[0]}")
        return sum(row["success"] for row in rows) / len(rows)

    def program(self) -> Path:
        folder, source = TARGET / "clients/promptfoo", HERE / "promptfoo/package.json"
        stamp = folder / "package.json"
        if not stamp.exists() or stamp.read_text() != source.read_text() or not (folder / "node_modules").exists():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, stamp)
            install(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
        return folder / "node_modules/.bin/promptfoo"


def install(command: list, work: Path) -> None:
    try:
        run(command, work, {}, INSTALL_TIMEOUT_S)
    except (Unusable, OSError, subprocess.SubprocessError) as error:
        raise Missing(str(error)) from error


def run(command: list, work: Path, environment: dict[str, str], timeout_s: float = RUN_TIMEOUT_S, statuses=(0,)) -> str:
    """Runs a command and returns what it printed. It has none of the keys and addresses of the person at the terminal."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run([str(word) for word in command], cwd=work, env=kept | OFFLINE | environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout_s)
    if done.returncode not in statuses:
        said = (done.stdout + done.stderr).strip().splitlines()[-15:]
        raise Unusable(f"{Path(str(command[0])).name} ended with status {done.returncode}:\n" + "\n".join(said))
    return done.stdout


def only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise Unusable(f"{len(found)} files {pattern} instead of one")
    return found[0]


ALL = {"inspect": Inspect("inspect"), "lm-eval": LmEval("lm-eval"), "promptfoo": Promptfoo(), "curator": Curator("curator"),
       "script": Script("script")}
