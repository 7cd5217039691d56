"""Errors of the client."""

from typing import Any


class RunmillError(Exception):
    """The server could not be reached, or broke off its answer."""


class ApiError(RunmillError):
    """The server refused a request. `errors` names each wrong field as {"pointer": ..., "detail": ...}."""

    def __init__(self, status: int, detail: str, errors: list[dict[str, Any]], request_id: str | None):
        super().__init__(f"{status}: {detail}")
        self.status, self.detail, self.errors, self.request_id = status, detail, errors, request_id
