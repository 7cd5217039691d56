"""Serves a GGUF model with llama.cpp's own server until the process is stopped: PORT MODEL KEY [SLOTS]."""

import os
import signal
import sys

import xllamacpp

SLOTS = int(sys.argv[4]) if len(sys.argv) > 4 else 2
CONTEXT_TOKENS_PER_SLOT = 512
STOP = {signal.SIGTERM, signal.SIGINT}

# The threads of the server inherit this, so that the signals reach sigwait below.
signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[2]
parameters.model_alias = {"smollm2"}
parameters.hostnames = ["127.0.0.1"]
parameters.port = int(sys.argv[1])
parameters.api_keys = [sys.argv[3]]
parameters.n_parallel = SLOTS
parameters.n_ctx = SLOTS * CONTEXT_TOKENS_PER_SLOT
# More threads than idle cores wait for each other, and are slower than one.
parameters.cpuparams.n_threads = 1
parameters.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(parameters)
signal.sigwait(STOP)
os._exit(0)
