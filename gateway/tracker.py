"""The tracker: hears every event and knows where each run stands.

It conducts nothing. It places every item by what was said of it last along its way, adds up the
shares that came back, and says so when they are 1. Events may arrive in any order and any number
of times; the end is the same.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from uuid import UUID

from gateway.store import OPEN, RunStore, item_row
from studio import telemetry
from studio.bus.base import Bus, Dead, Delivery, Done, Later, Settlement
from studio.events import Event, ImageCatalogued, ImageFailed, ItemData, RunBilled, RunEnded
from studio.metadata import Document
from studio.money import Money
from studio.problems import Refused, Unavailable
from studio.slip import derived

log = logging.getLogger(__name__)

NAME = "tracker"
SOURCE = "/studio/gateway"

#: Beyond any position of a slip: what was divided stays divided.
_DIVIDED = 1_000_000


class Tracker:
    """Follows runs."""

    def __init__(self, bus: Bus, store: RunStore) -> None:
        self._bus, self._store = bus, store
        self._changed: set[str] = set()

    async def handle(self, delivery: Delivery) -> Settlement:
        """Record one event."""
        try:
            event = Event.parse(delivery.message.body)
        except Refused as malformed:
            return Dead(malformed.as_problem())
        with telemetry.consuming(event, NAME, delivery.attempt):
            try:
                await self._record(event)
            except Unavailable as away:
                return Later(away.as_problem(), delay=away.retry_after, counted=False)
        return Done()

    async def _record(self, event: Event) -> None:
        run = getattr(event.data, "run", None)
        if run is None:
            return  # about an asset, not about a run
        if isinstance(event.data, ItemData):
            await self._store.add(_unannounced(event, event.data))
            await self._place(event.data, event.type)
        await self._store.log(_logged(event, run))
        self._changed.add(str(run))

    async def _place(self, data: ItemData, type_: str) -> None:
        run, item = data.run, data.item
        if run is None or item is None:
            return
        if data.parent_item and data.parent_item != item:
            await self._store.divide(run, data.parent_item, _DIVIDED)
        placed = _placed(data, type_)
        if placed is None:
            return
        state, order = placed
        await self._store.place(
            item_row(
                run,
                item,
                share=str(data.share),
                state=state,
                asset=str(data.asset),
                label=data.step.label if data.step else "",
                operation=data.step.operation if data.step else "",
                next=data.slip.head.operation if not data.slip.is_done else None,
                blob=data.image.blob if data.image else None,
                problem=data.problem.model_dump() if isinstance(data, ImageFailed) else None,
            ),
            order,
        )

    async def settle_changed(self) -> None:
        """Settle the runs that changed since the last time, however many events they had."""
        changed, self._changed = self._changed, set()
        for run in changed:
            try:
                await self.settle(run)
            except Unavailable as away:
                log.warning("Settling waits: %s", away.says)
                self._changed.add(run)
            except Exception:
                log.exception("Run %s could not be settled; the others are", run)

    async def sweep(self) -> None:
        """Have every open run settled again: a crash may have hidden a change."""
        unfinished = await self._store.unfinished()
        # Not in one statement with the await: by then the set may be another one, and the one
        # read before it is being walked through by settling.
        self._changed |= {row["_id"] for row in unfinished}

    async def settle(self, run: str) -> None:
        """End the run if every share is back. Telling comes first, as repeating it is harmless."""
        back, counts = await self._store.returned(run)
        if back != 1:
            return
        row = await self._store.get(run)
        if row is None:
            return
        status = _ending(row["status"], counts)
        may_end = row["status"] in OPEN
        was_revived = row["status"] == "failed" and status == "completed"
        if may_end or was_revived:
            await self._tell_end(row, status, counts)
            await self._store.change_status(run, status, among=(*OPEN, "failed"))

    async def _tell_end(self, row: Document, status: str, counts: dict[str, int]) -> None:
        type_ = "workflow.completed" if status == "completed" else "workflow.failed"
        data = RunEnded(
            run=UUID(row["_id"]),
            workflow=row.get("workflow"),
            catalogued=counts.get("catalogued", 0),
            failed=counts.get("failed", 0),
            cancelled=counts.get("cancelled", 0),
            cost=await self._store.cost(row["_id"]),
        )
        fact = Event.of(
            type_,
            data,
            id_=derived(row["_id"], "ended", status),
            source=SOURCE,
            subject=row["_id"],
            workspace=row["workspace"],
            traceparent=row.get("traceparent"),
        )
        with telemetry.producing_for(fact, fact.routing_key) as carried:
            await self._bus.publish(carried.to_message())


def _placed(data: ItemData, type_: str) -> tuple[str, int] | None:
    """An item's state after an event, and how far along its way that is.

    A step that fails comes after the step before it and before its own success: a dead letter
    that is replayed and succeeds revives its item.
    """
    at = data.slip.position * 3
    if isinstance(data, ImageFailed):
        return ("cancelled" if data.problem.kind == "cancelled" else "failed"), at + 1
    if isinstance(data, ImageCatalogued) and data.returned is not None:
        return "catalogued", at + 2
    if type_ == "image.catalogued" and data.slip.is_done:
        return None  # the library overheard it: says nothing about the item's way
    return "active", at


def _ending(status: str, counts: dict[str, int]) -> str:
    if status == "cancelling":
        return "cancelled"
    return "completed" if counts.get("catalogued") else "failed"


def _unannounced(event: Event, data: ItemData) -> Document:
    """The row of a run that an outsider's event began; the API's own runs are there already."""
    return {
        "_id": str(data.run),
        "workspace": event.workspace,
        "workflow": data.workflow,
        "origin": "event",
        "source": event.source,
        "status": "running",
        "created_at": datetime.now(UTC),
        "steps": [step.model_dump() for step in data.slip.steps],
        "traceparent": event.traceparent,
        "trace_id": telemetry.trace_id(event.traceparent) if event.traceparent else None,
    }


def _logged(event: Event, run: UUID) -> Document:
    """What is kept of an event: enough for a progress stream and for the costs."""
    return {
        "_id": event.id,
        "run": str(run),
        "at": datetime.now(UTC),
        "type": event.type,
        **_cost(event),
        "event": event.model_dump(mode="json", exclude_none=True),
    }


def _cost(event: Event) -> Document:
    """What an event tells of costs, and of whose: of a whole step by the book of purchases, which
    may be told several times and of which the greatest revision holds; or, of a step that is in no
    book of ours, of one image. The library repeats what a studio has told."""
    data = event.data
    if isinstance(data, RunBilled):
        return _priced(str(data.step_id), data.paid.cost, data.paid.revision)
    step = data.step if isinstance(data, ItemData) else None
    if step is None or event.type == "image.catalogued":
        return {}
    if step.paid:
        return _priced(str(step.id), step.paid.cost, step.paid.revision)
    return _priced(f"{step.id} {data.asset}", step.cost) if step.cost else {}


def _priced(what: str, cost: Money, revision: int = 0) -> Document:
    nano = int(cost.amount.scaleb(9))
    return {"cost_of": what, "cost_nano": nano, "currency": cost.currency, "revision": revision}
