"""Garbage: blobs that no asset refers to any more.

A blob is not deleted with its asset: the same bytes may belong to another one, or a run may be
about to catalogue them, having found them in the store a moment ago. So a blob waits out a grace
period after its last asset was deleted, and is looked for among all assets again before it goes.
Cataloguing bytes that wait here restarts their period (`keep`), and whoever takes a blob away
claims it first, so no asset is ever added whose blob is on its way out.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from studio.blobs.base import BlobStore
from studio.metadata import Database, Document, Index
from studio.problems import Unavailable

log = logging.getLogger(__name__)


class Garbage:
    """Collects what deleted assets left behind."""

    indexes = (
        Index("garbage", (("at", 1),)),
        Index("assets", (("blob", 1),)),
        Index("assets", (("thumbnail", 1),)),
        Index("assets", (("refers", 1),)),
    )

    def __init__(self, database: Database, blobs: BlobStore, grace: float) -> None:
        self._rows = database.collection("garbage")
        self._assets = database.collection("assets")
        self._blobs, self._grace = blobs, timedelta(seconds=grace)

    async def discard(self, *blobs: str) -> None:
        """Let the grace period of these blobs begin, now."""
        for blob in blobs:
            await self._rows.upsert(blob, {"at": datetime.now(UTC)}, on_insert={"is_going": False})

    async def keep(self, blob: str) -> None:
        """Before a blob is catalogued: let its grace period, if it is in one, begin anew.

        Unavailable while the blob is being taken away: come back and find it gone, or kept.
        """
        row = await self._rows.get(blob)
        if row is None:
            return
        as_read = {"_id": blob, "at": row["at"], "is_going": False}
        if not await self._rows.update_one(as_read, {"$set": {"at": datetime.now(UTC)}}):
            raise Unavailable(
                rule="library.blob_is_going",
                says="The blob of a deleted asset, with these very bytes, is being collected.",
                fix="Nothing: it is tried again.",
            )

    async def collect(self) -> int:
        """Take away what has waited long enough and is still unused; returns how many blobs."""
        before = datetime.now(UTC) - self._grace
        due = await self._rows.find({"at": {"$lt": before}})
        collected = sum([await self._take_away(row) for row in due])
        if collected:
            log.info("Collected %d blobs that no asset refers to", collected)
        return collected

    async def _take_away(self, row: Document) -> bool:
        """Claim, look again, delete. A claim restarts the clock: a dead claimant's comes due."""
        claim = {"at": datetime.now(UTC), "is_going": True}
        as_read = {"_id": row["_id"], "at": row["at"], "is_going": row["is_going"]}
        if not await self._rows.update_one(as_read, {"$set": claim}):
            return False  # about to be catalogued, or another replica is at it
        if not await self._is_used(row["_id"]):
            await self._blobs.delete(row["_id"])
            return await self._rows.delete_one({"_id": row["_id"]})
        if not await self._rows.delete_one({"_id": row["_id"], **claim}):
            # Its last asset was deleted while we looked: let it wait from then on.
            await self._rows.update_one({"_id": row["_id"]}, {"$set": {"is_going": False}})
        return False

    async def _is_used(self, blob: str) -> bool:
        for role in ("blob", "thumbnail", "refers"):
            if await self._assets.count({role: blob}, limit=1):
                return True
        return False
