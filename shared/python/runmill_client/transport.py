"""HTTP, with the standard library alone."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import Any

from .errors import ApiError, RunmillError

# Answers after which the same request may succeed, and the pause before it if the server names none.
AGAIN = {408, 429, 502, 503, 504}
PAUSE_S, PAUSE_MAX_S = 0.5, 30.0
# Requests that change nothing when they are repeated.
REPEATABLE = {"GET", "PUT", "PATCH", "DELETE"}


class Transport:
    """Sends requests with a token. Those that may be repeated are, at most `retries` times.

    `timeout_s` is the longest silence of the server. `sleep` is replaced in tests.
    """

    def __init__(self, url: str, token: str | None, timeout_s: float = 60, retries: int = 5,
                 sleep: Callable[[float], None] = time.sleep):
        self.url, self._token, self.timeout_s, self.retries, self._sleep = url.rstrip("/"), token, timeout_s, retries, sleep

    def json(self, method: str, path: str, *, body: Any = None, query: Mapping[str, Any] | None = None,
             header: Mapping[str, Any] | None = None) -> Any:
        """Returns the answer's JSON, or None if it has no body."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", **given(header)}
        if data is not None:
            headers["Content-Type"] = "application/json"
        # An idempotency key makes a submission one that may be repeated.
        may_repeat = method in REPEATABLE or "Idempotency-Key" in headers
        for wait in self._waits() if may_repeat else [None]:
            try:
                with self.open(method, path, data, query, headers) as answer:
                    content = answer.read()
                return json.loads(content) if content else None
            except ApiError as error:
                if wait is None or error.status not in AGAIN:
                    raise
            except RunmillError:
                if wait is None:
                    raise
            self._sleep(wait)

    def lines(self, path: str) -> Iterator[Any]:
        """Yields the objects of an answer in NDJSON, as they arrive."""
        with self.open("GET", path, None, None, {"Accept": "application/x-ndjson"}) as answer:
            yield from (json.loads(line) for line in answer if line.strip())

    def upload(self, path: str, query: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> Any:
        """Sends objects as NDJSON, as they come, in constant memory."""
        headers = {"Accept": "application/json", "Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked"}
        data = (json.dumps(item).encode() + b"\n" for item in items)
        with self.open("POST", path, data, query, headers) as answer:
            return json.load(answer)

    @contextmanager
    def open(self, method: str, path: str, data: Any, query: Mapping[str, Any] | None,
             headers: Mapping[str, str]) -> Iterator[HTTPResponse]:
        words = urllib.parse.urlencode(given(query), doseq=True)
        url = f"{self.url}{urllib.parse.quote(path, safe='/')}{'?' + words if words else ''}"
        request = urllib.request.Request(url, data, dict(headers), method=method)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            with error:
                raise refusal(error) from None
        except (OSError, HTTPException) as error:
            raise RunmillError(f"{method} {self.url}{path}: {getattr(error, 'reason', error)}") from error

    def _waits(self) -> Iterator[float | None]:
        for number in range(self.retries):
            yield min(PAUSE_S * 2**number, PAUSE_MAX_S)
        yield None


def refusal(error: urllib.error.HTTPError) -> ApiError:
    try:
        problem = json.loads(error.read())
    except (ValueError, OSError):
        problem = {}
    detail = problem.get("detail") or problem.get("title") or error.reason
    return ApiError(error.code, detail, problem.get("errors", []), error.headers.get("X-Request-ID"))


def given(values: Mapping[str, Any] | None) -> dict[str, str]:
    """Returns the values that are given, as text. JSON has true and false in lower case."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in (values or {}).items() if value is not None
    }
