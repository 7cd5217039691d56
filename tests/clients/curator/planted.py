"""Asks all samples through curator and prints the share of right answers in the last line."""

import json
import sys

import tiktoken

# Its vocabularies are on a server. Bytes count the tokens here, which only paces the calls.
tiktoken.get_encoding = lambda name: tiktoken.Encoding(
    name, pat_str=r"\S+|\s+", mergeable_ranks={bytes([byte]): byte for byte in range(256)}, special_tokens={}
)
tiktoken.encoding_for_model = tiktoken.get_encoding

from bespokelabs import curator


class Say(curator.LLM):
    def prompt(self, row):
        return row["question"]

    def parse(self, row, response):
        return {**row, "answer": response}


kind, base_url, model, path = sys.argv[1:]
with open(path) as file:
    rows = json.load(file)
params = {"base_url": base_url, "max_retries": 1}
params |= {"batch_size": 10, "batch_check_interval": 1} if kind == "batch" else {"max_requests_per_minute": 6000, "max_tokens_per_minute": 10_000_000}
llm = Say(model_name=model, backend="openai", batch=kind == "batch", backend_params=params)
answered = llm(rows)
answered = list(getattr(answered, "dataset", answered))
print(sum(row["answer"] == row["target"] for row in answered) / len(rows))
