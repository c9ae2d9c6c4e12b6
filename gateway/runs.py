"""Runs: begun, looked at, called off.

A run is written down, with the very events that begin it, before any of them is published, and
marked once all of them are. So a crash in between loses nothing: what is not marked is published
again (`publish_unpublished`), which is harmless, since every id is derived.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field

from gateway.definition import find_workflow, refuse_two_beginnings
from gateway.planner import Plan, Planner
from gateway.quotes import Quote
from gateway.selection import AssetFilters, matching, named
from gateway.store import OPEN, RunStore
from gateway.studios import Studios
from gateway.tracker import SOURCE
from studio import telemetry
from studio.blobs.base import BlobStore
from studio.bus.base import Bus, Lane
from studio.compute import compute
from studio.events import About, Event, ImageRef, RunCancelled, WorkflowStarted
from studio.imaging.decode import inspect
from studio.metadata import AlreadyThere, Database, Document
from studio.money import Money
from studio.problems import Conflict, Refused, Unavailable
from studio.rpc import facts_from
from studio.slip import MAX_STEPS, Slip, Step, derived

log = logging.getLogger(__name__)

MAX_STARTS = 5000  # assets that one run begins with
_TOGETHER = 50  # beginnings published side by side
#: What selections could not filter by when the first keys were used: left out of a digest unless
#: given, so that a request repeated across an upgrade is the same request.
_LATER_FILTERS = ("needs_review", "reviewed", "review")
_ANSWERS = 2.0  # s within which the broker answers, or a run is accepted without it


class RunRequest(BaseModel):
    """What to run: a workflow with parameters, or steps of one's own."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "workflow": "quick-social-post",
                    "parameters": {
                        "prompt": "premium coffee cup on marble",
                        "placements": ["instagram_square"],
                    },
                },
                {
                    "steps": [
                        {"operation": "create.generate", "params": {"prompt": "calm sea"}},
                        {"operation": "optimizer.export", "params": {"placements": ["x"]}},
                    ]
                },
            ]
        },
    )

    workflow: str | None = Field(default=None, examples=["social-media-campaign"])
    parameters: dict[str, Any] = Field(default_factory=dict)
    steps: list[Step] | None = Field(default=None, min_length=1, max_length=MAX_STEPS)
    assets: list[UUID] = Field(
        default_factory=list,
        max_length=MAX_STARTS,
        description="begin with these assets of the library",
    )
    selection: AssetFilters | None = Field(
        default=None,
        description="begin with all assets that match, as they are when the run starts",
        examples=[{"collection": "Spring", "operation": "create.import"}],
    )
    budget: Money | None = Field(default=None, description="the run spends no more than this")
    lane: Literal["interactive", "bulk"] = Field(
        default="interactive", description="bulk work never delays interactive work"
    )
    about: About = Field(default=About(), description="said of every image of the run")
    providers: list[str] = Field(
        default_factory=list,
        max_length=10,
        description="who is asked, in this order, for steps that name no provider; the later ones "
        "step in while an earlier one is away. Empty: the local engines",
        examples=[["stability", "openai", "local"]],
    )
    repair: bool = Field(
        default=True,
        description="make the cheapest change that brings the steps within every limit, or "
        "pictures to the size that an export needs, and say so; false: refuse, or foretell",
    )


class Start(BaseModel):
    """What one item of a run begins with: nothing yet, or an asset."""

    asset: UUID | None = None
    image: ImageRef | None = None
    about: About = About()


class Runs:
    """Begins runs, calls them off, and takes them up again."""

    def __init__(
        self, bus: Bus, blobs: BlobStore, database: Database, store: RunStore, studios: Studios
    ) -> None:
        self._bus, self._blobs, self._store, self._studios = bus, blobs, store, studios
        self._planner = Planner(studios)
        self._idempotency = database.collection("idempotency")

    async def quote(self, workspace: str, request: RunRequest) -> Quote:
        """What the run would cost and make."""
        plan, _ = await self._planned(workspace, request)
        return plan.quote

    async def start(self, workspace: str, request: RunRequest, key: str | None) -> Document:
        """Begin a run; the same Idempotency-Key begins it once and answers the same."""
        run = derived("run", workspace, key) if key else uuid4()
        if key:
            known = await self._known(workspace, run, request)
            if known:
                return known
        plan, starts = await self._planned(workspace, request)
        quoted = plan.quote
        _check_budget(request.budget, quoted)
        steps = _pinned(plan.steps, quoted)
        row = _row(run, workspace, request, steps, quoted)
        begun = _beginnings(run, workspace, request, steps, starts)
        await self.begin(row, begun)
        return row

    async def begin(self, row: Document, begun: Sequence[Event]) -> None:
        """Write a run down with the events that begin it, then publish them.

        What is written down is accepted: if the broker is away, it begins when that is back.
        """
        told = [event.model_dump(mode="json", exclude_none=True) for event in begun]
        await self._store.begin(row, told)
        try:
            async with asyncio.timeout(_ANSWERS):
                await self._bus.ping()  # publishing has more patience than whoever asks us
            await self._publish(row["_id"])
        except (Unavailable, TimeoutError) as away:
            log.warning("Run %s is written down and begins later: %s", row["_id"], away)

    async def cancel(self, workspace: str, id_: str, by: str | None = None) -> Document:
        """Call a run off: whoever holds one of its items ends it instead of working on it."""
        row = await self._store.run(workspace, id_)
        if row["status"] not in OPEN:
            raise Conflict(
                rule="run.ended",
                says=f"The run has ended already: it is {row['status']}.",
                fix="Nothing is left to cancel.",
            )
        await self._store.change_status(id_, "cancelling", among=("running",))
        off = Event.of(
            "workflow.cancelled",
            RunCancelled(run=UUID(id_), by=by),
            id_=derived(id_, "cancelled"),
            source=SOURCE,
            subject=id_,
            workspace=workspace,
        )
        studios = {Step.model_validate(step).studio for step in row["steps"]} - {"library"}
        for studio in sorted(studios):
            with telemetry.producing(off, f"{off.type}.{studio}") as carried:
                await self._bus.publish(carried.to_message(address=studio))
        with telemetry.producing(off, off.type) as carried:
            await self._bus.publish(carried.to_message())
        return await self._store.run(workspace, id_)

    async def resume(self) -> int:
        """Publish the beginnings of every unfinished run again; returns how many runs."""
        rows = await self._store.unfinished()
        for row in rows:
            await self._publish(row["_id"])
        return len(rows)

    async def publish_unpublished(self, older_than: timedelta) -> int:
        """Publish what a crash kept back; returns how many runs.

        older_than: younger runs are left to the request that is just beginning them.
        """
        rows = await self._store.unpublished(before=datetime.now(UTC) - older_than)
        for row in rows:
            await self._publish(row["_id"])
        return len(rows)

    async def _known(self, workspace: str, run: UUID, request: RunRequest) -> Document | None:
        """The run that this key began, if any; Conflict if it was for something else."""
        digest = _digest(request)
        try:
            await self._idempotency.insert(
                {"_id": str(run), "digest": digest, "at": datetime.now(UTC)}
            )
        except AlreadyThere:
            before = await self._idempotency.get(str(run))
            if before and before["digest"] != digest:
                raise Conflict(
                    rule="run.idempotency_key",
                    says="This Idempotency-Key was used for another request.",
                    fix="Use a new key for a new run.",
                ) from None
        row = await self._store.get(str(run))
        if row is None or row["workspace"] != workspace:
            return None
        return row

    async def _planned(self, workspace: str, request: RunRequest) -> tuple[Plan, list[Start]]:
        steps = await self._steps(request)
        starts = await self._starts(workspace, request)
        facts = [start.image.facts if start.image else None for start in starts]
        plan = await self._planner.plan(
            workspace, steps, facts, providers=request.providers, repair=request.repair
        )
        return plan, starts

    async def _steps(self, request: RunRequest) -> list[Step]:
        if (request.workflow is None) == (request.steps is None):
            raise Refused(
                rule="run.workflow_or_steps",
                says="A run is of a workflow, or of steps of your own: give one of them.",
                fix="GET /v1/workflows and GET /v1/operations tell what there is.",
            )
        if request.assets and request.selection is not None:
            raise Refused(
                rule="run.assets_or_selection",
                says="A run begins with assets by id or with a selection, not with both.",
                fix="Leave one of them out.",
            )
        from_assets = bool(request.assets) or request.selection is not None
        if request.workflow is not None:
            workflow = find_workflow(request.workflow)
            steps = workflow.steps_for(request.parameters, from_assets=from_assets)
        else:
            steps = list(request.steps or ())
            if from_assets:
                refuse_two_beginnings(steps)
        return [await self._inspected(step) for step in steps]

    async def _inspected(self, step: Step) -> Step:
        """An import with the facts of its upload, so that what follows can be quoted."""
        blob = step.params.get("blob")
        if step.operation != "create.import" or not isinstance(blob, str):
            return step
        facts = await compute(inspect, await self._blobs.get(blob))
        params = {**step.params, **facts.model_dump()}
        return step.model_copy(update={"params": params})

    async def _starts(self, workspace: str, request: RunRequest) -> list[Start]:
        library = self._studios.library
        if request.selection is None:
            found = named(library, workspace, [str(id_) for id_ in request.assets])
        else:
            found = matching(library, workspace, request.selection)
        starts: list[Start] = []
        async for asset in found:
            if len(starts) == MAX_STARTS:
                raise Refused(
                    rule="run.selection",
                    says=f"More than {MAX_STARTS:,} assets match; a run begins with no more.",
                    fix="Select parts, such as one collection or one day at a time.",
                )
            starts.append(_started(asset))
        if request.selection is not None and not starts:
            raise Refused(
                rule="run.selection",
                says="No asset matches the selection, so there is nothing to do.",
                fix="Try the same filters with GET /v1/assets.",
            )
        return starts or [Start()]

    async def _publish(self, run: str) -> None:
        """Publish a run's beginnings, then remember that this was done."""
        some: list[Event] = []
        async for one in self._store.beginnings(run):
            some.append(Event.model_validate(one))
            if len(some) == _TOGETHER:
                await asyncio.gather(*map(self._begin, some))
                some = []
        await asyncio.gather(*map(self._begin, some))
        await self._store.mark_published(run)

    async def _begin(self, event: Event) -> None:
        with telemetry.producing(event, event.routing_key) as carried:
            await self._bus.publish(carried.to_message())


def _started(asset: Any) -> Start:
    """An asset of the library as the beginning of an item."""
    facts = facts_from(asset.image)
    return Start(
        asset=UUID(asset.id),
        image=ImageRef(blob=asset.blob, bytes=asset.bytes, **facts.model_dump()),
        about=About(
            title=asset.title or None,
            description=asset.description or None,
            alt_text=asset.alt_text or None,
            prompt=asset.prompt or None,
        ),
    )


def _pinned(steps: Sequence[Step], quoted: Quote) -> list[Step]:
    """The steps with what their quote fixed, such as the version of the placement data."""
    return [
        step.model_copy(update={"params": {**step.params, **one.pinned}})
        for step, one in zip(steps, quoted.steps, strict=True)
    ]


def _check_budget(budget: Money | None, quoted: Quote) -> None:
    if budget is not None and not quoted.price.minimum <= budget:
        raise Refused(
            rule="run.budget",
            says=f"The run costs at least {quoted.price.minimum}; its budget is {budget}.",
            fix="Raise the budget, or ask for fewer variations or a lower quality.",
        )


def _beginnings(
    run: UUID, workspace: str, request: RunRequest, steps: Sequence[Step], starts: Sequence[Start]
) -> list[Event]:
    """One event for each item that the run begins with."""
    budgets = request.budget.split(len(starts)) if request.budget else [None] * len(starts)
    begun = []
    for number, (start, budget) in enumerate(zip(starts, budgets, strict=True)):
        data = WorkflowStarted(
            run=run,
            item=derived(run, "item", number),
            asset=start.asset or derived(run, "nothing", number),
            share=f"1/{len(starts)}",
            budget=budget,
            workflow=request.workflow,
            image=start.image,
            slip=Slip(steps=tuple(steps)),
            about=_about(request.about, start.about),
        )
        begun.append(
            Event.of(
                "workflow.started",
                data,
                id_=derived(run, "started", number),
                source=SOURCE,
                subject=str(run),
                workspace=workspace,
                lane=Lane(request.lane),
            )
        )
    return begun


def _about(run: About, asset: About) -> About:
    """What is said of the whole run goes before what is known of the asset."""
    said = {name: one for name, one in run.model_dump().items() if one}
    return asset.model_copy(update=said)


def _row(
    run: UUID,
    workspace: str,
    request: RunRequest,
    steps: Sequence[Step],
    quoted: Quote,
) -> Document:
    return {
        "_id": str(run),
        "workspace": workspace,
        "workflow": request.workflow,
        "parameters": request.parameters,
        "origin": "api",
        "status": "running",
        "created_at": datetime.now(UTC),
        "steps": [step.model_dump() for step in steps],
        "quote": quoted.model_dump(mode="json"),
        "budget": request.budget.model_dump(mode="json") if request.budget else None,
        "lane": request.lane,
        "traceparent": telemetry.traceparent(),
        "trace_id": telemetry.trace_id(),
    }


def _digest(request: RunRequest) -> str:
    """The same for the same request, also across a release that knows more filters."""
    told = request.model_dump(mode="json")
    for name in _LATER_FILTERS:
        if told["selection"] and told["selection"][name] in (None, ""):
            del told["selection"][name]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
