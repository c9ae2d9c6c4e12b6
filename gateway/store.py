"""Runs as rows: what was asked for, where each item stands, and what has been heard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from studio.metadata import AlreadyThere, Database, Document, Index
from studio.money import Money
from studio.problems import NotFound
from studio.shares import total

#: States in which an item has returned its share.
ENDED = ("catalogued", "failed", "cancelled")
OPEN = ("running", "cancelling")

#: Runs whose items are added up by one query.
_TOGETHER = 200

INDEXES = (
    Index("runs", (("workspace", 1), ("created_at", -1), ("_id", -1))),
    Index("runs", (("status", 1),)),
    Index("items", (("run", 1), ("state", 1), ("share", 1))),
    Index("items", (("run", 1), ("_id", 1))),
    Index("events", (("run", 1), ("at", 1))),
    Index("beginnings", (("run", 1), ("_id", 1))),
    Index("beginnings", (("at", 1),), expire_after=30 * 24 * 3600),
    Index("idempotency", (("at", 1),), expire_after=30 * 24 * 3600),
)


class RunStore:
    """The gateway's own database."""

    def __init__(self, database: Database) -> None:
        self._runs = database.collection("runs")
        self._items = database.collection("items")
        self._events = database.collection("events")
        self._beginnings = database.collection("beginnings")

    async def add(self, run: Document) -> bool:
        """Insert a run; False if it is there already."""
        try:
            await self._runs.insert(run)
        except AlreadyThere:
            return False
        return True

    async def begin(self, run: Document, beginnings: Sequence[Document]) -> bool:
        """Insert a run with the events that begin it; False if it is there already.

        The run comes last: where it is, all of its beginnings are.
        """
        at = run["created_at"]
        rows = [
            {"_id": f"{run['_id']}/{number:06d}", "run": run["_id"], "at": at, "event": event}
            for number, event in enumerate(beginnings)
        ]
        await self._beginnings.insert_many(rows)
        return await self.add({**run, "published": False})

    async def beginnings(self, run: str) -> AsyncIterator[Document]:
        """The events that begin a run, in order."""
        async for row in self._beginnings.each({"run": run}, sort=[("_id", 1)]):
            yield row["event"]

    async def get(self, id_: str) -> Document | None:
        """A run, whosever it is."""
        return await self._runs.get(id_)

    async def run(self, workspace: str, id_: str) -> Document:
        """A run of this workspace; NotFound otherwise."""
        row = await self._runs.get(id_)
        if row is None or row["workspace"] != workspace:
            raise NotFound(
                rule="run.unknown",
                says=f"There is no run {id_!r}.",
                fix="GET /v1/runs lists the runs of this workspace.",
            )
        return row

    async def latest(
        self, workspace: str, *, status: str | None, before: datetime | None, limit: int
    ) -> list[Document]:
        """Runs, newest first."""
        filter_: Document = {"workspace": workspace}
        if status:
            filter_["status"] = status
        if before:
            filter_["created_at"] = {"$lt": before}
        return await self._runs.find(filter_, sort=[("created_at", -1), ("_id", -1)], limit=limit)

    async def unfinished(self) -> list[Document]:
        """Every run that has not ended, in all workspaces."""
        return await self._runs.find({"status": {"$in": list(OPEN)}})

    async def outstanding(self) -> tuple[int, Fraction]:
        """How many runs are open, and the sum of the shares that have not come back to them."""
        rows = await self._runs.aggregate(
            [{"$match": {"status": {"$in": list(OPEN)}}}, {"$project": {"_id": 1}}]
        )
        runs = [row["_id"] for row in rows]
        back = Fraction(0)
        for first in range(0, len(runs), _TOGETHER):
            some = runs[first : first + _TOGETHER]
            groups = await self._items.aggregate(
                [
                    {"$match": {"run": {"$in": some}, "state": {"$in": list(ENDED)}}},
                    {"$group": {"_id": "$share", "n": {"$sum": 1}}},
                ]
            )
            back += total(Fraction(one["_id"]) * one["n"] for one in groups)
        return len(runs), len(runs) - back

    async def unpublished(self, before: datetime) -> list[Document]:
        """Runs written down before that moment whose beginnings may not all be published."""
        rows = await self._runs.find({"status": {"$in": list(OPEN)}, "published": False})
        return [row for row in rows if row["created_at"] < before]

    async def mark_published(self, id_: str) -> None:
        """All beginnings of a run are with the broker."""
        await self._runs.update_one({"_id": id_}, {"$set": {"published": True}})

    async def change_status(self, id_: str, status: str, *, among: tuple[str, ...]) -> bool:
        """Compare-and-set; False if the run was in none of these states."""
        fields: Document = {"status": status}
        if status not in OPEN:
            fields["ended_at"] = datetime.now(UTC)
        return await self._runs.update_one(
            {"_id": id_, "status": {"$in": list(among)}}, {"$set": fields}
        )

    async def place(self, item: Document, order: int) -> None:
        """Record where an item stands, unless something later is known of it already.

        order: grows along the item's way, so that events may arrive in any order.
        """
        row = {**item, "order": order}
        try:
            await self._items.insert(row)
        except AlreadyThere:
            fields = {key: value for key, value in row.items() if key != "_id"}
            await self._items.update_one(
                {"_id": item["_id"], "order": {"$lt": order}}, {"$set": fields}
            )

    async def divide(self, run: UUID, item: UUID, order: int) -> None:
        """Record that an item lives on in its parts: its share is theirs now."""
        id_ = f"{run}/{item}"
        fields = {"state": "divided", "order": order}
        await self._items.upsert(id_, fields, on_insert={"run": str(run), "item": str(item)})

    async def items(
        self, run: str, *, state: str | None = None, after: str = "", limit: int
    ) -> list[Document]:
        """Items of a run that were not divided, by id; those after `after`, at most `limit`."""
        filter_: Document = {
            "run": run,
            "_id": {"$gt": f"{run}/{after}"},
            "state": state or {"$ne": "divided"},
            "share": {"$exists": True},
        }
        return await self._items.find(filter_, sort=[("_id", 1)], limit=limit)

    async def returned(self, run: str) -> tuple[Fraction, dict[str, int]]:
        """The shares that have come back, and how many items are in which state."""
        groups = await self._items.aggregate(
            [
                {"$match": {"run": run}},
                {"$group": {"_id": {"state": "$state", "share": "$share"}, "n": {"$sum": 1}}},
            ]
        )
        counts: dict[str, int] = {}
        for one in groups:
            state = one["_id"]["state"]
            counts[state] = counts.get(state, 0) + one["n"]
        back = total(
            Fraction(one["_id"]["share"]) * one["n"]
            for one in groups
            if one["_id"]["state"] in ENDED
        )
        counts.pop("divided", None)
        return back, counts

    async def log(self, event: Document) -> bool:
        """Keep what was heard; False if it had been heard before."""
        try:
            await self._events.insert(event)
        except AlreadyThere:
            return False
        return True

    async def heard(self, run: str, since: datetime | None = None) -> list[Document]:
        """What was heard of a run, in the order of arrival."""
        filter_: Document = {"run": run}
        if since:
            filter_["at"] = {"$gte": since}
        return await self._events.find(filter_, sort=[("at", 1)])

    async def cost(self, run: str) -> Money:
        """What the run has cost so far: each step's cost (or each image's, of steps that are in no
        book of purchases), counted once, as it was told last.

        What was paid for nothing counts: a failure tells its own step, or, if its step told
        nothing, the one before, which was told already. The last word is the one of the greatest
        revision, whenever it is heard: a step that failed as a whole and was replayed has told
        twice what it cost, and a doubt that was settled tells of its step once more.
        """
        spent = Money.zero()
        for row in [*await self._last_told(run), *await self._told_before(run)]:
            spent += Money.of(_decimal(row["nano"]), row["_id"] or "USD")
        return spent

    async def _last_told(self, run: str) -> list[Document]:
        """Costs by currency."""
        fields = ("cost_of", "cost_nano", "currency", "revision")
        last = {name: {"$last": f"${name}"} for name in ("cost_nano", "currency")}
        return await self._events.aggregate(
            [
                {"$match": {"run": run, "cost_of": {"$exists": True}}},
                {"$project": dict.fromkeys(fields, 1)},
                {"$sort": {"revision": 1, "cost_nano": 1}},
                {"$group": {"_id": "$cost_of", **last}},
                {"$group": {"_id": "$currency", "nano": {"$sum": "$cost_nano"}}},
            ]
        )

    async def _told_before(self, run: str) -> list[Document]:
        """Costs by currency that the release of before wrote down: an image's, once a step."""
        one = {"step": "$event.data.step.id", "asset": "$event.data.asset", "in": "$currency"}
        return await self._events.aggregate(
            [
                {"$match": {"run": run, "cost_of": {"$exists": False}, "cost_nano": {"$gt": 0}}},
                {"$group": {"_id": one, "nano": {"$max": "$cost_nano"}}},
                {"$group": {"_id": "$_id.in", "nano": {"$sum": "$nano"}}},
            ]
        )


def item_row(run: UUID, item: UUID, **facts: Any) -> Document:
    """An item's row."""
    return {"_id": f"{run}/{item}", "run": str(run), "item": str(item), **facts}


def _decimal(nano: int) -> Decimal:
    return Decimal(nano).scaleb(-9)
