"""The client: every operation of the API, and what is easier with a few of them together."""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .errors import ApiError, RunmillError
from .events import Event, read_events
from .models import Dataset, ResultRecord, Run
from .operations import Operations
from .transport import AGAIN, PAUSE_MAX_S, PAUSE_S, Transport

if TYPE_CHECKING:
    import pandas

# A stream of events has a comment at least every 15 seconds.
SILENCE_S = 45.0


class Client(Operations):
    """Talks to one server.

        client = Client("http://127.0.0.1:8080", token)
        run = client.submit(provider_id=..., model="gpt-4o-mini", items=[{"id": "1", ...}])
        for event in client.watch(run["id"]):
            print(event.name, event.data)
    """

    def __init__(self, url: str, token: str | None = None, *, timeout_s: float = 60, retries: int = 5,
                 sleep: Callable[[float], None] = time.sleep):
        super().__init__(Transport(url, token, timeout_s, retries, sleep))
        self._watching = Transport(url, token, SILENCE_S, retries, sleep)
        self._sleep = sleep

    def upload(self, name: str, items: Iterable[Mapping[str, Any]]) -> Dataset:
        """Uploads items as a dataset. A fault of an item raises an error with its line, and nothing is stored."""
        return self._transport.upload("/datasets", {"name": name}, items)

    def submit(self, *, provider_id: str, model: str, dataset_id: str | None = None,
               items: Iterable[Mapping[str, Any]] | None = None, name: str | None = None,
               config: Mapping[str, Any] | None = None, priority: int | None = None,
               budget: Mapping[str, Any] | None = None, webhook: str | None = None,
               idempotency_key: str | None = None) -> Run:
        """Submits a run of a dataset, or of items that are uploaded first.

        The submission has an idempotency key, so that it is safe to repeat when an answer is lost. With a key of your
        own, the same submission by another process is the same run. The end of the run is posted to the URL `webhook`,
        whose receiver checks the request with `verify_webhook`.
        """
        if (dataset_id is None) == (items is None):
            raise ValueError("give either dataset_id or items")
        if items is not None:
            dataset_id = self.upload(name or "items", items)["id"]
        body = {"provider_id": provider_id, "model": model, "dataset_id": dataset_id, "name": name,
                "config": config or {}, "priority": priority, "budget": budget,
                "webhook": webhook and {"url": webhook}}
        body = {field: value for field, value in body.items() if value is not None}
        return self.runs_create(body, idempotency_key=idempotency_key or uuid.uuid4().hex)

    def watch(self, run_id: str, after: int | None = None) -> Iterator[Event]:
        """Yields the events of a run until its end, beginning after number `after`.

        A lost connection is resumed behind the last event, so that none is missed or repeated.
        """
        seen, failures = after, 0
        while True:
            try:
                for event in self._events(run_id, seen):
                    failures = 0
                    if event.id is not None:
                        seen = event.id
                    elif event.name == "snapshot" and seen is not None and seen != after:
                        continue
                    yield event
                    if event.name == "end":
                        return
            except RunmillError as error:
                failures += 1
                if failures > self._watching.retries or isinstance(error, ApiError) and error.status not in AGAIN:
                    raise
            self._sleep(min(PAUSE_S * 2**failures, PAUSE_MAX_S))

    def wait(self, run_id: str) -> Run:
        """Waits for the end of a run, and returns it."""
        for _event in self.watch(run_id):
            pass
        return self.runs_get(run_id)

    def results(self, run_id: str) -> Iterator[ResultRecord]:
        """Yields the results of a run in the order of its items, as they arrive, in constant memory."""
        return self._transport.lines(f"/runs/{run_id}/results")

    def results_frame(self, run_id: str) -> "pandas.DataFrame":
        """Returns the results of a run as a table, with the score's fields as columns of their own."""
        import pandas

        return pandas.json_normalize(list(self.results(run_id)), sep="_")

    def _events(self, run_id: str, after: int | None) -> Iterator[Event]:
        headers = {"Accept": "text/event-stream"} | ({} if after is None else {"Last-Event-ID": str(after)})
        with self._watching.open("GET", f"/runs/{run_id}/events", None, None, headers) as answer:
            yield from read_events(answer)
