"""Runs: begin, follow, call off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from gateway.http import PROBLEMS, Workspace
from gateway.quotes import Quote
from gateway.runs import RunRequest, Runs
from gateway.store import ENDED, OPEN, RunStore
from studio.metadata import Document
from studio.money import Money
from studio.problems import Refused

router = APIRouter(prefix="/v1", responses=PROBLEMS)

_FIRST_ITEMS = 100  # of a run that is looked at
_POLL = 0.3  # s; several gateways share the database, so none can rely on its own memory
_HEARTBEAT = 15.0  # s; proxies close what is silent
_LAST_WORDS = 3.0  # s; a run is over a moment before its last event is heard
_ENDS = ("workflow.completed", "workflow.failed")
_OVERLAP = timedelta(seconds=2)  # events of another gateway may become visible a little late

IdempotencyKey = Annotated[
    str | None,
    Header(max_length=255, description="the same key begins the run once and answers the same"),
]


class Progress(BaseModel):
    """How much of the run is over."""

    share: str = Field(examples=["13/15"], description="the exact sum of the returned shares")
    fraction: float = Field(ge=0, le=1)


class ItemView(BaseModel):
    """Where one image stands."""

    item: str
    share: str
    state: str = Field(examples=["active", "catalogued", "failed", "cancelled"])
    label: str = ""
    asset: str | None = None
    blob: str | None = None
    done: str = Field(default="", description="the operation that made it what it is")
    next: str | None = Field(default=None, description="the operation that it waits for")
    problem: dict[str, Any] | None = Field(default=None, description="why it failed")


class RunSummary(BaseModel):
    """A run in a list."""

    id: str
    status: str = Field(examples=["running", "completed", "failed", "cancelling", "cancelled"])
    workflow: str | None
    created_at: datetime
    ended_at: datetime | None = None
    trace_id: str | None = None
    links: dict[str, str]


class RunView(RunSummary):
    """A run as it stands."""

    origin: str = Field(description="api, or event: an internal system published its first image")
    progress: Progress
    counts: dict[str, int] = Field(description="items by state")
    cost: Money = Field(description="what was spent so far")
    quote: Quote | None = None
    items: list[ItemView] = Field(description="the first ones; `links.items` has them all")


class ItemPage(BaseModel):
    """Items of a run, by id."""

    items: list[ItemView]
    next_cursor: str | None = None


class RunStarted(RunSummary):
    """The answer to a new run."""

    quote: Quote


class RunPage(BaseModel):
    """Runs, newest first."""

    runs: list[RunSummary]
    next_cursor: str | None = None


@router.post("/quotes", tags=["quotes"], summary="Say what a run would cost and make")
async def quote(request: Request, body: RunRequest, workspace: Workspace) -> Quote:
    """Every limit that would stop the run is found here, before it starts."""
    runs: Runs = request.app.state.runs
    return await runs.quote(workspace, body)


@router.post("/runs", status_code=202, tags=["runs"], summary="Start a run")
async def start(
    request: Request,
    response: Response,
    body: RunRequest,
    workspace: Workspace,
    idempotency_key: IdempotencyKey = None,
) -> RunStarted:
    """A workflow with parameters, or steps of your own. Follow it under the `links`."""
    runs: Runs = request.app.state.runs
    row = await runs.start(workspace, body, idempotency_key)
    response.headers["Location"] = f"/v1/runs/{row['_id']}"
    return RunStarted(**_summary(row).model_dump(), quote=Quote.model_validate(row["quote"]))


@router.get("/runs", tags=["runs"], summary="List runs")
async def latest(
    request: Request,
    workspace: Workspace,
    status: Annotated[str | None, Query(description="only runs in this state")] = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> RunPage:
    """Newest first."""
    store: RunStore = request.app.state.store
    rows = await store.latest(workspace, status=status, before=_opened(cursor), limit=limit)
    more = rows[-1]["created_at"].isoformat() if len(rows) == limit else None
    return RunPage(runs=[_summary(row) for row in rows], next_cursor=more)


@router.get("/runs/{run}", tags=["runs"], summary="Look at a run")
async def look(request: Request, run: str, workspace: Workspace) -> RunView:
    """Progress is the sum of the shares that items have returned; at 1 the run is over."""
    return await view(request.app.state.store, workspace, run)


@router.get("/runs/{run}/items", tags=["runs"], summary="List the items of a run")
async def items(
    request: Request,
    run: str,
    workspace: Workspace,
    state: Annotated[
        str | None, Query(description="active, catalogued, failed or cancelled")
    ] = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> ItemPage:
    """One item an image; one that was divided is listed as its parts."""
    store: RunStore = request.app.state.store
    await store.run(workspace, run)
    rows = await store.items(run, state=state, after=cursor, limit=limit)
    more = rows[-1]["item"] if len(rows) == limit else None
    return ItemPage(items=[_item(one) for one in rows], next_cursor=more)


@router.post("/runs/{run}/cancel", status_code=202, tags=["runs"], summary="Call a run off")
async def cancel(request: Request, run: str, workspace: Workspace) -> RunSummary:
    """What has been paid is kept; what has not been started ends without an image."""
    runs: Runs = request.app.state.runs
    return _summary(await runs.cancel(workspace, run))


@router.get(
    "/runs/{run}/events",
    tags=["runs"],
    summary="Follow a run",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "server-sent events"}},
)
async def follow(
    request: Request,
    run: str,
    workspace: Workspace,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Server-sent events from the beginning, or after `Last-Event-ID`, until the run is over. A
    stream that ends before is to be asked for again, with the last id: this gateway ended."""
    store: RunStore = request.app.state.store
    await store.run(workspace, run)
    return StreamingResponse(
        _stream(store, run, last_event_id, request.app.state.leaving),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def view(store: RunStore, workspace: str, run: str) -> RunView:
    """A run with all that is known of it now."""
    row = await store.run(workspace, run)
    (back, counts), first, cost = await asyncio.gather(
        store.returned(run), store.items(run, limit=_FIRST_ITEMS), store.cost(run)
    )
    return RunView(
        **_summary(row).model_dump(),
        origin=row["origin"],
        progress=Progress(share=str(back), fraction=float(back)),
        counts=counts,
        cost=cost,
        quote=Quote.model_validate(row["quote"]) if row.get("quote") else None,
        items=[_item(one) for one in first],
    )


async def _stream(
    store: RunStore, run: str, after: str | None, leaving: asyncio.Event
) -> AsyncIterator[str]:
    sent: set[str] = set()
    since: datetime | None = None
    quiet = 0.0
    if after:
        before = await store.heard(run)
        ids = [one["_id"] for one in before]
        sent = set(ids[: ids.index(after) + 1]) if after in ids else set()
    while True:
        row = await store.get(run)
        is_over = row is None or row["status"] not in OPEN
        fresh = [one for one in await store.heard(run, since) if one["_id"] not in sent]
        for one in fresh:
            sent.add(one["_id"])
            since = one["at"] - _OVERLAP
            yield _sse(one)
        told_end = any(one["type"] in _ENDS for one in fresh)
        quiet = 0.0 if fresh else quiet + _POLL
        if is_over and (told_end or quiet >= _LAST_WORDS):
            return
        if leaving.is_set():
            return  # an EventSource asks again by itself, with the last id that it has
        if quiet >= _HEARTBEAT:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(_POLL)


def _sse(one: Document) -> str:
    event = one["event"]
    data = event["data"]
    step = data.get("step") or {}
    told = {
        "type": one["type"],
        "item": data.get("item"),
        "asset": data.get("asset"),
        "share": data.get("share"),
        "operation": step.get("operation"),
        "label": step.get("label"),
        "seconds": step.get("seconds"),
        "problem": data.get("problem"),
        "time": event["time"],
    }
    body = json.dumps({key: value for key, value in told.items() if value is not None})
    return f"id: {one['_id']}\nevent: {one['type']}\ndata: {body}\n\n"


def _summary(row: Document) -> RunSummary:
    here = f"/v1/runs/{row['_id']}"
    return RunSummary(
        id=row["_id"],
        status=row["status"],
        workflow=row.get("workflow"),
        created_at=row["created_at"],
        ended_at=row.get("ended_at"),
        trace_id=row.get("trace_id"),
        links={
            "self": here,
            "events": f"{here}/events",
            "items": f"{here}/items",
            "assets": f"/v1/assets?run={row['_id']}",
        },
    )


def _item(row: Document) -> ItemView:
    has_ended = row["state"] in ENDED
    return ItemView(
        item=row["item"],
        share=row["share"],
        state=row["state"],
        label=row.get("label", ""),
        asset=row.get("asset"),
        blob=row.get("blob"),
        done=row.get("operation", ""),
        next=None if has_ended else row.get("next"),
        problem=row.get("problem"),
    )


def _opened(cursor: str | None) -> datetime | None:
    if cursor is None:
        return None
    try:
        return datetime.fromisoformat(cursor).astimezone(UTC)
    except ValueError as error:
        raise Refused(
            rule="run.cursor",
            says="The cursor is not one that this list gave.",
            fix="Start again without a cursor.",
        ) from error
