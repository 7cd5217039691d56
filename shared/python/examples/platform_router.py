"""A FastAPI router with which a platform's backend hands its evaluations to runmill, in place of Celery tasks.

    app.include_router(router(Client(url, token), Webhook(own_url + "/evaluations/ended", secret, on_end=store_score)))
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from runmill_client import ApiError, Client, WebhookError, verify_webhook


class Evaluation(BaseModel):
    """An evaluation as the platform knows it. Its id makes the submission one that is safe to repeat."""

    id: str
    provider_id: str
    model: str
    dataset_id: str
    config: dict[str, Any] = {}


@dataclass(frozen=True)
class Webhook:
    """The place at which the platform is told that an evaluation has ended."""

    url: str
    # One of the secrets of RUNMILL_WEBHOOK_SECRET.
    secret: str
    # Takes the ended run. It may come twice, so it writes what it would write again.
    on_end: Callable[[dict[str, Any]], None]


def router(client: Client, webhook: Webhook | None = None) -> APIRouter:
    routes = APIRouter(prefix="/evaluations")

    # Handlers are plain functions: FastAPI runs them in threads, so that a slow answer holds up no other.
    @routes.post("", status_code=201)
    def submit(evaluation: Evaluation) -> dict[str, Any]:
        return answered(lambda: client.submit(
            provider_id=evaluation.provider_id, model=evaluation.model, dataset_id=evaluation.dataset_id,
            config=evaluation.config, name=evaluation.id, idempotency_key=f"evaluation:{evaluation.id}",
            webhook=webhook and webhook.url,
        ))

    @routes.post("/ended", status_code=204)
    async def ended(request: Request) -> None:
        """Takes the end of an evaluation. Any status but 2xx lets runmill send it again, for a day."""
        if webhook is None:
            raise HTTPException(404)
        try:
            event = verify_webhook(webhook.secret, request.headers, await request.body())
        except WebhookError as error:
            raise HTTPException(400, str(error)) from error
        await run_in_threadpool(webhook.on_end, event["data"])

    @routes.post("/{run_id}/cancel")
    def cancel(run_id: str) -> dict[str, Any]:
        return answered(lambda: client.runs_cancel(run_id))

    @routes.get("/{run_id}/events")
    def relay(run_id: str, request: Request) -> StreamingResponse:
        """Relays the run's events to a browser. Their ids are runmill's, so a browser resumes by itself."""
        seen = request.headers.get("last-event-id", "")
        after = int(seen) if seen.isdigit() else None
        answered(lambda: client.runs_get(run_id))
        return StreamingResponse(relayed(client, run_id, after), media_type="text/event-stream")

    @routes.post("/providers/{provider_id}/smoke-test")
    def smoke_test(provider_id: str, model: str) -> dict[str, Any]:
        return answered(lambda: client.providers_smoke_test_create(provider_id, {"model": model}))

    return routes


def relayed(client: Client, run_id: str, after: int | None) -> Iterator[str]:
    for event in client.watch(run_id, after):
        number = "" if event.id is None else f"id: {event.id}\n"
        yield f"{number}event: {event.name}\ndata: {json.dumps(event.data)}\n\n"


def answered(ask: Callable[[], Any]) -> Any:
    """Passes runmill's refusals on, with its words."""
    try:
        return ask()
    except ApiError as error:
        raise HTTPException(error.status, {"detail": error.detail, "errors": error.errors}) from error
