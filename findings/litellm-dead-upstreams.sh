#!/usr/bin/env bash
# LiteLLM proxy 1.108.7 (PyPI litellm[proxy]): when every deployment of a model refuses connections, the first calls get
# 500, and all that follow get 429 `all_deployments_in_cooldown` with `retry-after`, within the cooldown. A client that
# takes 429 for its own rate limit waits for a server that is dead. With `cooldown_time: 60` and `allowed_fails: 0`:
#
# Seen:
#     500 internal_server_error retry-after: None
#     500 internal_server_error retry-after: None
#     429 all_deployments_in_cooldown retry-after: 60
#     429 all_deployments_in_cooldown retry-after: 60
#     429 all_deployments_in_cooldown retry-after: 60
set -euo pipefail
folder=$(mktemp -d)
server=
set -m # gives the server a process group of its own, to end its workers with it
trap '{ [[ ! $server ]] || { kill -KILL -- "-$server"; wait "$server"; }; } 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check 'litellm[proxy]==1.108.7'
cat >"$folder/config.yaml" <<'YAML'
model_list:
  - {model_name: m, litellm_params: {model: hosted_vllm/a, api_base: "http://127.0.0.1:9/v1", api_key: none}}
  - {model_name: m, litellm_params: {model: hosted_vllm/b, api_base: "http://127.0.0.1:9/v1", api_key: none}}
router_settings: {num_retries: 0, allowed_fails: 0, cooldown_time: 60}
general_settings: {master_key: sk-any}
YAML
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
LITELLM_LOCAL_MODEL_COST_MAP=True "$folder/venv/bin/litellm" --config "$folder/config.yaml" --host 127.0.0.1 \
    --port "$port" >"$folder/log" 2>&1 &
server=$!
python3 - "$port" <<'PYTHON'
import json, sys, time, urllib.error, urllib.request

url = f"http://127.0.0.1:{sys.argv[1]}"
for _ in range(300):
    try:
        urllib.request.urlopen(url + "/health/liveliness")
        break
    except OSError:
        time.sleep(0.4)
seen = []
for _ in range(5):
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hello"}]}).encode()
    request = urllib.request.Request(url + "/v1/chat/completions", body,
                                     {"content-type": "application/json", "authorization": "Bearer sk-any"})
    try:
        urllib.request.urlopen(request)
        sys.exit("the dead deployments answer")
    except urllib.error.HTTPError as error:
        kind = json.load(error)["error"].get("type")
        seen.append((error.code, kind))
        print(error.code, kind, "retry-after:", error.headers.get("retry-after"))
sys.exit(not (seen[0][0] == 500 and seen[-1] == (429, "all_deployments_in_cooldown")))
PYTHON
