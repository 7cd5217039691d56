#!/usr/bin/env bash
# RabbitMQ 3.10.8 (Debian 12): `queue.delete` of a quorum queue with `if-unused` or `if-empty` closes the whole connection
# (540 NOT_IMPLEMENTED), with all its channels and consumers. Of a classic queue, an unfulfilled condition closes only the
# channel (406 PRECONDITION_FAILED). So a client that shares a connection must not send a conditional delete.
#
# Seen:
#     classic if_unused: channel closed 406, connection open
#     classic if_empty: channel closed 406, connection open
#     quorum if_unused: connection closed 540
#     quorum if_empty: connection closed 540
set -euo pipefail
# shellcheck source=tests/services/private.sh
source "$(dirname "$0")/../tests/services/private.sh"
folder=$(mktemp -d)
trap 'stop_rabbitmq "$folder/rabbitmq"; rm -rf "$folder"' EXIT
rabbitmq_installed || { echo "RabbitMQ is not installed: apt-get install rabbitmq-server" >&2; exit 1; }
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check --no-deps pika==1.3.2
url=$(start_rabbitmq "$folder/rabbitmq")
"$folder/venv/bin/python" - "$url" <<'PYTHON'
import sys
import pika
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker

WANT = {("classic", "if_unused"): "channel closed 406, connection open",
        ("classic", "if_empty"): "channel closed 406, connection open",
        ("quorum", "if_unused"): "connection closed 540",
        ("quorum", "if_empty"): "connection closed 540"}


def seen(kind, condition):
    """Deletes a queue that has a message and a consumer, so that neither condition holds."""
    connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
    channel = connection.channel()
    channel.confirm_delivery()
    queue = f"{kind}-{condition}"
    channel.queue_declare(queue, durable=True, arguments={"x-queue-type": kind})
    channel.basic_publish("", queue, b"message")
    consuming = connection.channel()
    consuming.basic_qos(prefetch_count=1)
    if condition == "if_unused":
        consuming.basic_consume(queue, lambda *_: None)
    try:
        channel.queue_delete(queue, **{condition: True})
    except ConnectionClosedByBroker as closed:
        return f"connection closed {closed.reply_code}"
    except ChannelClosedByBroker as closed:
        state = "open" if connection.is_open and consuming.is_open else "closed"
        return f"channel closed {closed.reply_code}, connection {state}"
    return "deleted"


holds = True
for (kind, condition), want in WANT.items():
    found = seen(kind, condition)
    print(f"{kind} {condition}: {found}", flush=True)
    holds &= found == want
sys.exit(not holds)
PYTHON
