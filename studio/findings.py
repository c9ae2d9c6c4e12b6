"""Findings: what an operation found out about a blob, kept so that nobody looks twice.

A blob never changes, so neither does what a detector of one version finds in it. A finding that is
lost costs only the looking: nothing else depends on it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

from studio.metadata import AlreadyThere, Database, Document, Index

Look = Callable[[], Awaitable[Document]]

_KEPT = 180 * 24 * 3600  # s since it was found


class Findings:
    """One studio's findings, in its own database. All reads and writes go by `_id`."""

    indexes = (Index("findings", (("at", 1),), expire_after=_KEPT),)

    def __init__(self, database: Database) -> None:
        self._findings = database.collection("findings")

    async def found(self, blob: str, kind: str, look: Look) -> Document:
        """The finding of a kind about a blob: the one that is kept, or what `look` gives (JSON).

        kind: names the detector and its version; another version is another finding.
        """
        key = f"{kind} {blob}"
        if row := await self._findings.get(key):
            finding: Document = row["finding"]
            return finding
        finding = await look()
        with suppress(AlreadyThere):  # another replica looked at the same time, and saw the same
            await self._findings.insert({"_id": key, "finding": finding, "at": datetime.now(UTC)})
        return finding
