"""Garbage: blobs that no asset refers to any more.

A blob is not deleted with its asset: another run may be about to catalogue the very same bytes,
having found them in the store a moment ago. So it waits out a grace period and is checked again.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from studio.blobs.base import BlobStore
from studio.metadata import Database
from studio.problems import Unavailable

log = logging.getLogger(__name__)


class Garbage:
    """Collects what deleted assets left behind."""

    def __init__(self, database: Database, blobs: BlobStore, grace: float) -> None:
        self._garbage = database.collection("garbage")
        self._assets = database.collection("assets")
        self._blobs, self._grace = blobs, timedelta(seconds=grace)

    async def collect(self) -> int:
        """Delete what has waited long enough and is still unused; returns how many blobs."""
        collected = 0
        before = datetime.now(UTC) - self._grace
        for row in await self._garbage.find({"at": {"$lte": before}}):
            blob = row["_id"]
            if not await self._is_used(blob):
                await self._blobs.delete(blob)
                collected += 1
            await self._garbage.delete_one({"_id": blob, "at": row["at"]})
        return collected

    async def keep_collecting(self, interval: float) -> None:
        """Collect every `interval` seconds, for ever."""
        while True:
            await asyncio.sleep(interval)
            try:
                if collected := await self.collect():
                    log.info("Collected %d blobs that no asset refers to", collected)
            except Unavailable as away:
                log.warning("Collection waits: %s", away.says)

    async def _is_used(self, blob: str) -> bool:
        by_asset = await self._assets.count({"blob": blob}, limit=1)
        return bool(by_asset or await self._assets.count({"thumbnail": blob}, limit=1))
