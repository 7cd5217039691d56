#!/usr/bin/env bash
# LitServe 0.2.19 (PyPI litserve, OpenAISpec): an exception of the model in a streamed call is HTTP 200 with one `data:`
# line that holds an error, WITHOUT the empty line that ends an event: a client that follows the rules of event streams
# drops it and sees an empty stream. The usage of a good answer is zeros, unless the author counts.
#
# Seen:
#     200 'data: {"error": {"message": "Internal Server Error", "type": "internal", "param": null, "code": "internal_error"}}'
#     usage of an answer: {'prompt_tokens': 0, 'total_tokens': 0, 'completion_tokens': 0}
set -euo pipefail
folder=$(mktemp -d)
server=
set -m # gives the server a process group of its own, to end its workers with it
trap '{ [[ ! $server ]] || { kill -KILL -- "-$server"; wait "$server"; }; } 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check litserve==0.2.19
cat >"$folder/app.py" <<'PYTHON'
import sys
import litserve


class Model(litserve.LitAPI):
    def setup(self, device):
        pass

    def predict(self, request):
        if "fail" in str(request.messages[-1].content):
            raise RuntimeError("no weights")
        yield "Hello!"


if __name__ == "__main__":
    litserve.LitServer(Model(spec=litserve.OpenAISpec()), accelerator="cpu").run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
PYTHON
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$folder/venv/bin/python" "$folder/app.py" "$port" >"$folder/log" 2>&1 &
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


def stream(question):
    body = {"model": "m", "messages": [{"role": "user", "content": question}], "stream": True,
            "stream_options": {"include_usage": True}}
    request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(),
                                     {"content-type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return response.status, response.read().decode()


status, failed = stream("Please fail.")
_, good = stream("Hello")
usages = [json.loads(line[6:]).get("usage") for line in good.splitlines() if line.startswith("data: {")]
print(status, repr(failed))
print("usage of an answer:", usages[-1])
holds = (status == 200 and failed.startswith('data: {"error"') and not failed.endswith("\n\n")
         and not any(usages[-1].values()))
sys.exit(not holds)
PYTHON
