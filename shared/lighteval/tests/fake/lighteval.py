"""Stands for LightEval: writes results and details as it does, and behaves as the name of the first task says."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

QUESTIONS = ["2 + 2?", "2 + 3?"]

task = sys.argv[4].split(",")[0]
case = task.split("|")[0]
# What a test looks at.
seen = {"arguments": sys.argv[1:], "environment": dict(os.environ), "mode": oct(os.stat("config.yaml").st_mode)}
Path("seen.json").write_text(json.dumps(seen))
print("loading", flush=True)


def wait() -> None:
    """Waits with a child, as LightEval has some."""
    child = subprocess.Popen(["sleep", "600"])
    Path("child.partial").write_text(str(child.pid))
    Path("child.partial").rename("child")
    print(f"child {child.pid} in {os.getcwd()}", flush=True)
    print("waiting", flush=True)
    time.sleep(600)


def ask(question: str) -> str:
    """Calls the model of the configuration. A call that fails to the end has an empty answer."""
    config = Path("config.yaml").read_text()
    base_url, model = (re.search(rf"{name}: '?([^'\n]+)", config)[1] for name in ("base_url", "model_name"))
    body = {"model": model.removeprefix("openai/"), "messages": [{"role": "user", "content": question}]}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
    request = urllib.request.Request(f"{base_url}/chat/completions", json.dumps(body).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as response:
            return json.load(response)["choices"][0]["message"]["content"]
    except (OSError, urllib.error.HTTPError) as error:
        words = json.load(error)["error"]["message"] if isinstance(error, urllib.error.HTTPError) else error
        print(f"WARNING Error in API call: {words}, waiting 1.0 seconds before retry 3/3", file=sys.stderr)
        print("ERROR API call failed after 3 attempts, returning empty response.", file=sys.stderr)
        return ""


if case == "broken":
    print("Traceback (most recent call last):\nValueError: unknown task", file=sys.stderr)
    sys.exit(1)
if case == "leaks":
    print("key", os.environ["OPENAI_API_KEY"], flush=True)
    print("ValueError: the key is", os.environ["OPENAI_API_KEY"], file=sys.stderr)
    sys.exit(1)
if case == "waits":
    wait()
# A local data set, which is the same folder for each working directory.
if case == "waits-once" and not Path("state/begun").exists():
    Path("state/begun").touch()
    wait()

texts = {"dead": ["", ""], "half": ["4", ""]}.get(case, ["4", "5"])
if case in ("asks", "waits-once"):
    texts = [ask(question) for question in QUESTIONS]
else:
    for _ in [text for text in texts if not text]:
        print("WARNING Error in API call: Connection error., waiting 1.0 seconds before retry 3/3", file=sys.stderr)
        print("ERROR API call failed after 3 attempts, returning empty response.", file=sys.stderr)
results = Path("out/results/openai/m/results_2026-11-30T06-00-00.json")
results.parent.mkdir(parents=True)
results.write_text(json.dumps({"results": {task: {"em": 0.5, "em_stderr": float("nan")}}}))
details = Path(f"out/details/openai/m/2026/details_{task}_2026.parquet")
details.parent.mkdir(parents=True)
# The rows of LightEval's details are in no order.
rows = [
    {
        "doc": {"task_name": task, "id": str(10 - number), "query": "2 + 2?", "choices": ["3", "4"], "gold_index": 1},
        "model_response": {"text": [text]},
        "metric": {"em": float(text == "4"), "other": float("nan")},
    }
    for number, text in enumerate(texts)
]
details.write_text("".join(json.dumps(row) + "\n" for row in rows))
