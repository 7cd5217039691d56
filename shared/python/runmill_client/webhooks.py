"""Checks that a request to a webhook was sent by runmill."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

KIND = "whsec_"
# Largest difference between the clocks of the sender and the receiver.
TOLERANCE_S = 300.0


class WebhookError(Exception):
    """The request is not one that runmill sent, or it was sent too long ago."""


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes, *, tolerance_s: float = TOLERANCE_S,
                   now_s: float | None = None) -> dict[str, Any]:
    """Returns the event of a request to a webhook, such as {"type": "run.ended", "timestamp": ..., "data": {...}}.

    `secret` is a secret of RUNMILL_WEBHOOK_SECRET, and `body` the body as it came, before it is read as JSON. The signature
    is that of Standard Webhooks, so that a library for it does the same. A delivery may come more than once: its header
    `webhook-id` is then the same.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        key = base64.b64decode(secret.removeprefix(KIND), validate=True)
        delivery, sent_at, signatures = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        age_s = (time.time() if now_s is None else now_s) - int(sent_at)
    except KeyError as error:
        raise WebhookError(f"the header {error.args[0]} is missing") from None
    except binascii.Error:
        raise ValueError(f"a secret is {KIND} and then base64") from None
    except ValueError:
        raise WebhookError("the header webhook-timestamp is no number") from None
    if abs(age_s) > tolerance_s:
        raise WebhookError(f"the request was sent {age_s:.0f} s ago")
    signed = hmac.new(key, f"{delivery}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    want = b"v1," + base64.b64encode(signed)
    if not any(hmac.compare_digest(want, signature.encode()) for signature in signatures.split()):
        raise WebhookError("no signature is that of the secret")
    return json.loads(body)
