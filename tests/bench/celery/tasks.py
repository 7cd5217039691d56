"""The task of a Celery worker for one item: ask the model through LiteLLM, as a stream, and store the answer.

It is as durable as a job of runmill: it is acknowledged after its row is committed, and a row is written once.
"""

import os
from functools import cache

# Must be set before the import, or LiteLLM fetches a price list from the network.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
import psycopg
from celery import Celery

app = Celery("bench", broker=os.environ["AMQP_URL"])
app.conf.update(
    task_default_queue=os.environ["BENCH_QUEUE"],
    task_ignore_result=True,
    task_acks_late=True,
    worker_hijack_root_logger=False,
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
)

TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    item int PRIMARY KEY,
    answer text NOT NULL,
    total_tokens int,
    settled_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
INSERT = "INSERT INTO answers (item, answer, total_tokens) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"


@cache
def database() -> psycopg.Connection:
    """Returns the connection of this worker process."""
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


@app.task(name="ask")
def ask(item: int) -> None:
    stream = litellm.completion(
        model="openai/" + os.environ["BENCH_MODEL"],
        messages=[{"role": "user", "content": f"What is {item} + 1?"}],
        api_base=os.environ["BENCH_BASE_URL"],
        api_key="none",
        stream=True,
        stream_options={"include_usage": True},
    )
    words, tokens = [], None
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            words.append(chunk.choices[0].delta.content)
        if usage := getattr(chunk, "usage", None):
            tokens = usage.total_tokens
    database().execute(INSERT, (item, "".join(words), tokens))
