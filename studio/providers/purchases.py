"""Purchases: one row per paid call, so that nothing is bought twice.

    sent ─> bought            the pictures are in the blob store
      ├──> job ──> bought     the provider works; its job's id is known
      ├──> linked ─> bought   paid, and lying elsewhere: the links are known
      ├──> refused            turned down or filtered; billed or not, or nobody knows (`guessed`)
      ├──> (gone)             not billed: it may be sent again
      └──> in doubt           sent, and nobody knows; never sent again
             └──> refused     settled: the account's bill tells what it has cost

A worker that finds `sent` holds the step's lease, so whoever sent it is dead: it is in doubt. So is
a job that is not waited for any longer; it may still be asked for, which costs nothing, also after
it was settled. Nothing follows on `bought`: what a late worker has to say of it is not heard.
The sum of the rows is what was spent: as long as the bill of a call is not known, its most.
What follows on a doubt is *untold* until the run has heard of it (`studio.providers.telling`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from studio.events import Paid
from studio.metadata import AlreadyThere, Database, Document, Index
from studio.money import Money
from studio.problems import Problem

#: s that a job may take before it is given up as in doubt.
LONGEST_JOB = 3600

State = Literal["sent", "job", "linked", "bought", "refused", "in_doubt"]


class RunRef(BaseModel):
    """Whose step it is: who is told what it has cost."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    workspace: str = "default"


class Purchase(BaseModel):
    """What is known of a paid call."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: State
    provider: str
    product: str
    account: str
    engine: str | None = None  # who did the step, as steps name it; several may share an account
    images: int | None = None  # that the call makes; null: not written down
    price: Money  # expected
    most: Money | None = None  # that it may cost; null: the expected price
    cost: Money = Money.zero()  # billed, as far as we know; not known: the most
    blobs: list[str | None] = []  # of each picture; null: paid, and lost (`problem` says why)
    links: list[str] = []
    details: dict[str, Any] = {}
    problem: Problem | None = None
    job: str | None = None
    path: str | None = None
    since: datetime
    changed: datetime | None = None  # when anything became known of it last; null: as `since`
    guessed: bool = False  # refused, and nobody knows whether it was billed: its most counts
    questioned: datetime | None = None  # `sent`, and a second worker has looked at it first
    run: RunRef | None = None  # null: not written down
    revision: int = 1  # how often it was written down

    @property
    def ceiling(self) -> Money:
        """What counts as spent while nobody knows."""
        return self.price if self.most is None else self.most

    @property
    def is_settled(self) -> bool:
        """Whether it was in doubt until the account's bill told what it has cost; it may have
        come after all, and be lying elsewhere (`linked`)."""
        return (
            self.state in ("refused", "linked")
            and self.problem is not None
            and self.problem.rule == "provider.in_doubt"
        )


class Purchases:
    """The purchases of all services that buy: whoever reads an account's bill needs all of them
    (docs/adr/0015)."""

    indexes = (
        Index("purchases", (("account", 1), ("state", 1))),
        Index("purchases", (("account", 1), ("changed", 1), ("since", 1))),
        Index("purchases", (("untold", 1),)),
    )

    def __init__(self, database: Database, *, longest_job: float = LONGEST_JOB) -> None:
        """longest_job: s that a provider may be at work on a call."""
        self._rows = database.collection("purchases")
        self.longest_job = longest_job

    async def get(self, step: UUID, index: int) -> Purchase | None:
        """What became of a call so far."""
        row = await self._rows.get(call_name(step, index))
        return Purchase.model_validate(row) if row else None

    async def of_step(self, step: UUID) -> list[Purchase]:
        """All calls of a step, in order."""
        return list((await self.numbered(step)).values())

    async def numbered(self, step: UUID) -> dict[int, Purchase]:
        """All calls of a step by their index, in order."""
        keys = {call_name(step, index): index for index in range(MOST_CALLS)}
        rows = await self._rows.find({"_id": {"$in": list(keys)}}, sort=(("_id", 1),))
        return {keys[row["_id"]]: Purchase.model_validate(row) for row in rows}

    async def begin(self, step: UUID, index: int, purchase: Purchase) -> bool:
        """Write down that it is sent now; False if it had been before."""
        row = _row(purchase) | {"_id": call_name(step, index), "step": str(step)}
        try:
            await self._rows.insert(row)
        except AlreadyThere:  # by us, if the driver wrote again what the store had taken
            return bool(await self._rows.count(_same(step, index, purchase), limit=1))
        return True

    async def withdraw(self, step: UUID, index: int, purchase: Purchase) -> None:
        """It was never sent, though it may be written down: `begin` did not hear the answer."""
        await self._rows.delete_one(_same(step, index, purchase))

    async def become(self, step: UUID, index: int, purchase: Purchase) -> bool:
        """Write down what became of it, from its provider; False if it was bought before.

        Where it was in doubt, that may have been told, and now something else is to be told.
        """
        row = _row(purchase)
        row.pop("revision")  # the store counts: there may be writers that do not know each other
        mine = {"_id": call_name(step, index), "state": {"$in": ["sent", "job", "linked"]}}
        others = {"_id": call_name(step, index), "state": {"$in": ["in_doubt", "refused"]}}
        return await self._rows.update_one(mine, {"$set": row, **_ONE_MORE}) or (
            await self._rows.update_one(others, {"$set": row | {"untold": True}, **_ONE_MORE})
        )

    async def doubt(self, step: UUID, index: int, cost: Money, problem: Problem) -> bool:
        """Nobody knows what became of it. False, and nothing changes, if somebody does: it has
        come, was refused or is settled."""
        open_ = {"_id": call_name(step, index), "state": {"$in": ["sent", "job", "in_doubt"]}}
        told = {"cost": cost.model_dump(mode="json"), "problem": problem.model_dump(mode="json")}
        now = {"changed": datetime.now(UTC)}
        doubtful = {"$set": {"state": "in_doubt", **told, **now}, **_ONE_MORE}
        return await self._rows.update_one(open_, doubtful)

    async def question(self, step: UUID, index: int) -> datetime | None:
        """When somebody first wondered what became of a call that was sent, or just now; None if
        it is known by now."""
        first = {"_id": call_name(step, index), "state": "sent", "questioned": None}
        await self._rows.update_one(first, {"$set": {"questioned": datetime.now(UTC)}})
        found = await self.get(step, index)
        return found.questioned if found and found.state == "sent" else None

    async def forget(self, step: UUID, index: int) -> None:
        """It was not billed and may be sent again; but not if it was put in doubt meanwhile, since
        that was told: then it is settled; nor if that is yet to be told."""
        key = call_name(step, index)
        known = {"_id": key, "state": {"$ne": "in_doubt"}, "untold": {"$ne": True}}
        if not await self._rows.delete_one(known):
            await self.settle(key, Money.zero())

    async def in_doubt(self, *names: str) -> list[tuple[str, Purchase]]:
        """The calls of which nobody knows whether they were billed, oldest first, with ids: also
        those that were refused, and may have been billed for all that.

        names: of an account, here as below: one for each key that it has or had.
        """
        states = {"account": {"$in": names}, "state": {"$in": ["in_doubt", "refused"]}}
        rows = await self._rows.find(states | _DOUBTFUL, sort=(("since", 1), ("_id", 1)))
        return [(row["_id"], Purchase.model_validate(row)) for row in rows]

    async def is_under_way(self, *names: str) -> bool:
        """Whether a call is on its way or a job at work, of which nobody knows yet whether it is on
        the provider's bill; or its worker died and nobody has looked."""
        under_way = {"account": {"$in": names}, "state": {"$in": ["sent", "job"]}}
        working = {
            "account": {"$in": names},
            "state": "in_doubt",  # we wait no longer; the provider may still be at it
            "job": {"$ne": None},
            "since": {"$gt": datetime.now(UTC) - timedelta(seconds=self.longest_job)},
        }
        return any([await self._rows.count(one, limit=1) for one in (under_way, working)])

    async def has_changed_after(self, then: datetime, *names: str) -> bool:
        """Whether a call has, of those that are on record: it was sent, or something came of it."""
        new = {"changed": {"$gt": then}}
        of_before = {"changed": None, "since": {"$gt": then}}  # rows of an older version
        asked = [{"account": name} | how for name in names for how in (new, of_before)]
        return any([await self._rows.count(one, limit=1) for one in asked])

    async def has_bought_before(self, then: datetime, *names: str) -> bool:
        """Whether a call that is on record was sent by then."""
        sent = {"account": {"$in": names}, "since": {"$lte": then}}
        return bool(await self._rows.count(sent, limit=1))

    async def settle(self, key: str, cost: Money) -> bool:
        """What a call in doubt has cost, as the provider's bill tells; False if it is in doubt no
        longer."""
        known = {"state": "refused", "cost": cost.model_dump(mode="json"), "guessed": False}
        settled = {"$set": known | {"untold": True}, **_ONE_MORE}
        return await self._rows.update_one({"_id": key, **_DOUBTFUL}, settled)

    async def paid(self, step: UUID) -> Paid | None:
        """What a step has cost, as far as known; None if nothing of it was bought."""
        known = await self.of_step(step)
        revision = sum(one.revision for one in known)
        return Paid(cost=costs(known), revision=revision) if known else None

    async def untold(self) -> list[tuple[str, UUID, Purchase]]:
        """What turned out after a doubt, and is not told yet: ids, steps and purchases."""
        rows = await self._rows.find({"untold": True}, sort=(("_id", 1),))
        return [(row["_id"], UUID(row["step"]), Purchase.model_validate(row)) for row in rows]

    async def told(self, key: str, purchase: Purchase) -> None:
        """It was told, as it was then: what was written down since is not."""
        then = {"_id": key, "revision": purchase.revision}
        await self._rows.update_one(then, {"$unset": {"untold": ""}})

    async def spent(self, *names: str) -> Money:
        """The sum of an account's costs; calls of unknown cost count with the most that they may
        cost."""
        return await self._sum({"account": {"$in": names}})

    async def cost_of(self, keys: Sequence[str]) -> Money:
        """The sum of the costs of these calls, by their ids, as far as they are on record."""
        return await self._sum({"_id": {"$in": list(keys)}})

    async def _sum(self, which: Document) -> Money:
        rows = await self._rows.find(which, projection=["cost"])
        return sum((Money.model_validate(row["cost"]) for row in rows), Money.zero())


_ONE_MORE = {"$inc": {"revision": 1}}
#: Rows of which nobody knows whether they were billed.
_DOUBTFUL = {"$or": [{"state": "in_doubt"}, {"state": "refused", "guessed": True}]}
#: A step makes at most so many calls (ten variations, and a spare for each).
MOST_CALLS = 20


def costs(purchases: Sequence[Purchase]) -> Money:
    """What they cost together."""
    return sum((one.cost for one in purchases), Money.zero())


def call_name(step: UUID, index: int) -> str:
    """The name of a step's call, here and in the provider's logs."""
    return f"{step} {index:02}"


def _same(step: UUID, index: int, purchase: Purchase) -> dict[str, Any]:
    """The row that this very attempt to send has written, and no other's."""
    return {"_id": call_name(step, index), "state": "sent", "since": purchase.since}


def _row(purchase: Purchase) -> dict[str, Any]:
    row = purchase.model_dump(mode="json")
    row["since"], row["questioned"] = purchase.since, purchase.questioned
    row["changed"] = datetime.now(UTC)
    return row
