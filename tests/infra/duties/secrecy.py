"""Secrets: who gets which, and that none is written elsewhere."""

import base64
import json
import re
from collections.abc import Iterator

from release import Release

from .duty import Duty

# Keys that the pods of a component get. A log-sink has no key of the vault, and an executor no token.
ALLOWED = {
    "dispatcher": {
        "DATABASE_URL",
        "AMQP_URL",
        "ENCRYPTION_KEY",
        "RUNMILL_TOKENS",
        "RUNMILL_WEBHOOK_SECRET",
        "OTEL_EXPORTER_OTLP_HEADERS",
    },
    "executor": {
        "DATABASE_URL",
        "AMQP_URL",
        "ENCRYPTION_KEY",
        "RUNMILL_PROVIDER_PROXY",
        "OTEL_EXPORTER_OTLP_HEADERS",
    },
    "log-sink": {"DATABASE_URL", "AMQP_URL", "OTEL_EXPORTER_OTLP_HEADERS"},
    "migrate": {"DATABASE_URL"},
    "postgresql": {"POSTGRES_PASSWORD"},
    "rabbitmq": {"RABBITMQ_PASSWORD"},
}
SECRET_NAMES = set().union(*ALLOWED.values()) | {"POSTGRES_PASSWORD", "RABBITMQ_DEFAULT_PASS"}
PASSWORD_IN_URL = re.compile(r"://[^/\s\"]*:[^/\s\"]*@")


def only_needed(release: Release) -> Iterator[str]:
    for pod, variable in release.variables():
        source = variable.get("valueFrom", {}).get("secretKeyRef")
        if source and source["key"] not in ALLOWED[pod.component]:
            yield f"{pod.name}: gets {source['key']}, which it does not need"
        if not source and variable["name"] in SECRET_NAMES:
            yield f"{pod.name}: {variable['name']} is written out"


def written_once(release: Release) -> Iterator[str]:
    """Looks for the values of the release's own Secrets in all other objects, so also in arguments and probes."""
    values = set()
    for secret in release.of_kind("Secret"):
        values |= set(secret.get("stringData", {}).values())
        values |= {base64.b64decode(it).decode() for it in secret.get("data", {}).values()}
    for it in release.objects:
        text = json.dumps(it)
        if it["kind"] == "Secret":
            continue
        if any(value in text for value in values) or PASSWORD_IN_URL.search(text):
            yield f"{it['kind']} {it['metadata']['name']}: has a secret in it"


def not_in_arguments(release: Release) -> Iterator[str]:
    for pod in release.pods:
        words = [*pod.container.get("command", []), *pod.container.get("args", [])]
        # Kubernetes writes a variable's value in the place of its name in $(NAME).
        if any("$(" in word for word in words):
            yield f"{pod.name}: an argument has the value of a variable"


def _give_the_key_to_log_sinks(release: Release) -> None:
    pod = next(pod for pod in release.pods if pod.component == "log-sink")
    source = {"secretKeyRef": {"name": "any", "key": "ENCRYPTION_KEY"}}
    pod.container["env"].append({"name": "ENCRYPTION_KEY", "valueFrom": source})


def _write_a_url(release: Release) -> None:
    release.pods[0].container["env"].append({"name": "ANY", "value": "postgresql://me:word@host/database"})


def _pass_a_token(release: Release) -> None:
    release.pods[0].container["args"] = ["dispatcher", "--token=$(RUNMILL_TOKENS)"]


DUTIES = [
    Duty("only the secrets that are needed", only_needed, _give_the_key_to_log_sinks),
    Duty("secrets in Secrets alone", written_once, _write_a_url),
    Duty("no secret in arguments", not_in_arguments, _pass_a_token),
]
