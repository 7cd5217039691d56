"""Typed client of runmill's HTTP API."""

from . import models
from .client import Client
from .errors import ApiError, RunmillError
from .events import Event
from .webhooks import WebhookError, verify_webhook

__all__ = ["ApiError", "Client", "Event", "RunmillError", "WebhookError", "models", "verify_webhook"]
