"""Turns: a provider's rate limit, shared by all replicas of all services.

A token bucket an account, in the database that all services that buy share (docs/adr/0015), changed
by compare-and-set: whoever finds it empty comes back when the next token is due.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime

from studio.metadata import AlreadyThere, Database, Document
from studio.providers.call import Throttled

_TRIES = 12


class Turns:
    """The buckets of all accounts."""

    def __init__(
        self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._buckets = database.collection("turns")
        self._now = now

    async def take(self, account: str, per_second: float, burst: int) -> None:
        """Take a turn. Throttled tells when the next is due.

        per_second: turns that come back each second. burst: turns that can be saved up, ≥ 1.
        """
        for _ in range(_TRIES):
            if await self._taken(account, per_second, burst):
                return
            await asyncio.sleep(random.uniform(0.005, 0.05))
        raise _throttled(account, 1)

    async def rest(self, account: str, seconds: float) -> None:
        """Take no turn for a while: the provider said so."""
        until = {"rest_until": self._now().timestamp() + seconds}
        longer = ({"_id": account}, {"$max": until})  # a short rest does not end a long one
        if await self._buckets.update_one(*longer):
            return
        try:
            await self._buckets.insert({"_id": account, **until})
        except AlreadyThere:
            await self._buckets.update_one(*longer)

    async def check(self, account: str) -> None:
        """Throttled while the account rests: for accounts whose rate nobody tells, instead of
        `take`."""
        self._check_rest(account, await self._buckets.get(account))

    def _check_rest(self, account: str, row: Document | None) -> None:
        left = (row or {}).get("rest_until", 0) - self._now().timestamp()
        if left > 0:
            raise _throttled(account, left)

    async def _taken(self, account: str, per_second: float, burst: int) -> bool:
        """False if somebody else changed the bucket meanwhile."""
        now = self._now().timestamp()
        row = await self._buckets.get(account)
        self._check_rest(account, row)
        if row is None or "at" not in row:
            first = {"tokens": burst - 1.0, "at": now}
            if row is not None:
                return await self._buckets.update_one({"_id": account, "at": None}, {"$set": first})
            try:
                await self._buckets.insert({"_id": account, **first})
            except AlreadyThere:
                return False
            return True
        tokens = min(float(burst), row["tokens"] + max(0.0, now - row["at"]) * per_second)
        if tokens < 1:
            raise _throttled(account, (1 - tokens) / per_second)
        as_read = {"_id": account, "at": row["at"], "tokens": row["tokens"]}
        taken = {"tokens": tokens - 1, "at": max(now, row["at"])}
        return await self._buckets.update_one(as_read, {"$set": taken})


def _throttled(account: str, seconds: float) -> Throttled:
    return Throttled(
        rule="provider.rate",
        says=f"The rate of {account.partition(' ')[0]} is used up for {seconds:.1f} s.",
        fix="Nothing: it is tried again.",
        retry_after=max(0.1, seconds),
    )
