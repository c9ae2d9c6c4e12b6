"""The ledger: one row per step, so that every effect happens once.

A step is claimed before it is performed and its outcome is written in one write. The row's id
is derived from the step (`studio.slip.step_id`), so a redelivered message finds the outcome
and repeats nothing. A claim is a lease: its holder renews it while it works, and when the
holder dies another worker takes the step over once the lease has run out. A holder that was cut off
from the store takes its lease again, if nobody holds it then.

All reads and writes go by `_id`: the broker hands out work, the ledger only remembers it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict

from studio.events import ImageRef, Paid
from studio.metadata import AlreadyThere, Database, Index
from studio.money import Money
from studio.problems import Problem, StudioError, Unavailable

log = logging.getLogger(__name__)


class StoredOutput(BaseModel):
    """One output of a step, stored: an image, or the problem that it became."""

    model_config = ConfigDict(frozen=True)

    image: ImageRef | None = None
    problem: Problem | None = None
    label: str = ""
    details: dict[str, Any] = {}
    notes: list[str] = []
    cost: Money = Money.zero()


class Outcome(BaseModel):
    """What a step came to; everything that its facts are made from."""

    model_config = ConfigDict(frozen=True)

    provider: str
    outputs: list[StoredOutput]
    quoted: Money = Money.zero()
    cost: Money = Money.zero()
    paid: Paid | None = None  # by the book of purchases; None: nothing was bought
    seconds: float = 0


class InProgress(Unavailable):
    """Another worker holds the step's lease; its outcome will be there when we come back."""

    counted = False


class Ledger:
    """Steps, in the service's own database."""

    indexes = (
        Index("steps", (("run", 1),)),
        Index("cancelled_runs", (("at", 1),), expire_after=30 * 24 * 3600),
    )

    def __init__(self, database: Database, lease: float) -> None:
        self._steps = database.collection("steps")
        self._cancelled = database.collection("cancelled_runs")
        self._lease = timedelta(seconds=lease)
        self._owner = str(uuid4())  # this process; a restarted one is another owner

    async def outcome(self, step: UUID) -> Outcome | None:
        """What the step came to, if it was ever finished."""
        row = await self._steps.get(str(step))
        return Outcome.model_validate(row["outcome"]) if row and row.get("outcome") else None

    @asynccontextmanager
    async def claimed(self, step: UUID, **facts: Any) -> AsyncIterator[None]:
        """Hold the step while performing it; InProgress if somebody else does.

        `facts` (run, operation, provider …) are kept in the row for people. The number of
        claims is kept too: it is the number of times that the work was begun.
        """
        await self._claim(step, facts)
        try:
            async with self._renewed(step):
                yield
        except BaseException:
            await self._release(step)
            raise

    async def record(self, step: UUID, outcome: Outcome) -> Outcome:
        """Write the outcome, once and for all; the claim ends with it.

        Returns the one that holds: another worker's, if our lease ran out and it was quicker.
        """
        is_first = await self._steps.update_one(
            {"_id": str(step), "outcome": None},
            {
                "$set": {"outcome": outcome.model_dump(mode="json"), "done_at": datetime.now(UTC)},
                "$unset": {"lease_until": "", "owner": ""},
            },
        )
        return outcome if is_first else await self.outcome(step) or outcome

    async def cancel(self, run: UUID) -> None:
        """Remember that a run was called off."""
        await self._cancelled.upsert(str(run), {"at": datetime.now(UTC)})

    async def is_cancelled(self, run: UUID) -> bool:
        """Whether a run was called off."""
        return await self._cancelled.get(str(run)) is not None

    async def _claim(self, step: UUID, facts: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        lease = {"owner": self._owner, "lease_until": now + self._lease}
        try:
            await self._steps.insert(
                {"_id": str(step), "claims": 1, "claimed_at": now, **lease, **facts}
            )
        except AlreadyThere:
            free = {"outcome": None, "lease_until": {"$not": {"$gt": now}}}
            taken = await self._steps.update_one(
                {"_id": str(step), **free}, {"$set": lease, "$inc": {"claims": 1}}
            )
            if not taken:
                raise InProgress(
                    rule="ledger.in_progress",
                    says="Another worker is at this step.",
                    fix="Nothing: the message comes back and finds the outcome.",
                    retry_after=self._lease.total_seconds() / 3,
                ) from None

    @asynccontextmanager
    async def _renewed(self, step: UUID) -> AsyncIterator[None]:
        renewal = asyncio.create_task(self._renew(step))
        try:
            yield
        finally:
            renewal.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewal

    async def _renew(self, step: UUID) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            now = datetime.now(UTC)
            ours, free = {"owner": self._owner}, {"lease_until": {"$not": {"$gt": now}}}
            try:
                await self._steps.update_one(
                    {"_id": str(step), "outcome": None, "$or": [ours, free]},
                    {"$set": {"owner": self._owner, "lease_until": now + self._lease}},
                )
            except StudioError as problem:
                log.warning("A lease could not be renewed: %s", problem.says)

    async def _release(self, step: UUID) -> None:
        """Give the claim up, so that a retry need not wait; best effort, the lease runs out."""
        with contextlib.suppress(StudioError):
            await self._steps.update_one(
                {"_id": str(step), "owner": self._owner},
                {"$set": {"lease_until": datetime.now(UTC)}, "$unset": {"owner": ""}},
            )
