"""The store: rows of assets, changed so that nobody's edit is lost and nothing deleted returns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from services.library.asset import derived_fields
from services.library.collections import Collections
from services.library.garbage import Garbage
from services.library.terms import TERMS_VERSION, fact
from studio.metadata import AlreadyThere, Database, Document, Index
from studio.problems import Conflict, NotFound, Unavailable

#: Two writers of one row collide now and then; this many times in a row they do not.
_ATTEMPTS = 20

_TOGETHER = 500  # rows read at once

#: Ids of downloads, and of shares, that a row remembers, to count a repeated one once.
_REMEMBERED = 50


class AssetStore:
    """Assets by id, within a workspace: another's is not found."""

    indexes = (
        Index("assets", (("workspace", 1), ("terms", 1), ("created_at", 1), ("_id", 1))),
        Index("assets", (("terms_version", 1),)),
        *Collections.indexes,
        *Garbage.indexes,
    )

    def __init__(self, database: Database, garbage: Garbage) -> None:
        self.rows = database.collection("assets")
        self.collections = Collections(database)
        self._deleted = database.collection("deleted")
        self._garbage = garbage

    async def get(self, workspace: str, id_: str) -> Document:
        """The row; NotFound."""
        row = await self.rows.get(id_)
        if row is None or row["workspace"] != workspace:
            raise _missing(id_)
        return row

    async def known(self, workspace: str, id_: str) -> Document | None:
        """The row of an asset that an event names, or None.

        Conflict if the id is in use where the event has no business.
        """
        return _own(workspace, await self.rows.get(id_))

    async def is_deleted(self, workspace: str, id_: str) -> bool:
        """Whether the asset was here once; Conflict as above."""
        return _own(workspace, await self._deleted.get(id_)) is not None

    async def add(self, row: Document) -> None:
        """Insert the row, unless the asset is there or was deleted."""
        for name in row["collections"]:
            await self.collections.ensure(row["workspace"], name)
        with suppress(AlreadyThere):  # delivered twice at once
            await self.rows.insert(row)
        # It may have been added and deleted by others since the caller looked.
        if await self._deleted.get(row["_id"]):
            await self._garbage.discard(*_blobs_of(row))
            await self.rows.delete_one({"_id": row["_id"]})

    async def change(
        self, workspace: str, id_: str, changed: Callable[[Document], Document]
    ) -> Document:
        """Replace the row by what `changed` makes of it; compare-and-set on its revision.

        `changed` may be called several times and leaves its argument alone. Only the fields that
        differ are written, so a download that is counted meanwhile stays counted.
        """
        for _ in range(_ATTEMPTS):
            row = await self.get(workspace, id_)
            new = changed(row)
            if new == row:
                return row
            for name in sorted({*new["collections"]} - {*row["collections"]}):
                await self.collections.ensure(workspace, name)
            new = new | derived_fields(new)
            new.setdefault("shares", 0)  # rows of before count none yet
            new |= {"updated_at": datetime.now(UTC), "revision": row["revision"] + 1}
            fields = {name: value for name, value in new.items() if row.get(name) != value}
            if await self.rows.update_one(
                {"_id": id_, "revision": row["revision"]}, {"$set": fields}
            ):
                return new
        raise Unavailable(
            rule="library.contended",
            says="This asset is being changed by too many at once.",
            fix="Try again in a moment.",
            retry_after=1,
        )

    async def remove(
        self,
        workspace: str,
        id_: str,
        by: str | None,
        tell: Callable[[Document], Awaitable[None]] | None = None,
    ) -> Document:
        """Delete an asset; tells and returns its tombstone, also when it was deleted before.

        The tombstone comes first: from then on no late redelivery brings the asset back, and
        whoever deletes it again finishes what a crash left half done. The row goes last, after it
        was told, so that who deletes by filters finds it again until then.
        """
        row = await self.rows.get(id_)
        if row is None or row["workspace"] != workspace:
            tombstone = await self._deleted.get(id_)
            if tombstone is None or tombstone["workspace"] != workspace:
                raise _missing(id_)
            if tell:
                await tell(tombstone)
            return tombstone
        kept = {name: row[name] for name in ("workspace", "blob", "thumbnail")}
        fields = {**kept, "by": by, "at": datetime.now(UTC)}
        tombstone = {"_id": id_, **fields}
        await self._deleted.upsert(id_, fields)
        if tell:
            await tell(tombstone)
        await self._garbage.discard(*_blobs_of(row))
        await self.rows.delete_one({"_id": id_})
        return tombstone

    async def count_download(self, workspace: str, ids: Sequence[str], download: str) -> int:
        """Count a download of each of the assets; those that remember it are not counted again."""
        return await self._count("downloads", "last_downloaded_at", workspace, ids, download)

    async def count_share(self, workspace: str, ids: Sequence[str], share: str) -> int:
        """Count a share of each of the assets likewise."""
        return await self._count("shares", "last_shared_at", workspace, ids, share)

    async def _count(
        self, what: str, last: str, workspace: str, ids: Sequence[str], mark: str
    ) -> int:
        """Counting and remembering are one write, so a crash or a repetition miscounts nothing."""
        recent = f"recent_{what}"
        return await self.rows.update_many(
            {
                "_id": {"$in": list(dict.fromkeys(ids))},
                "workspace": workspace,
                recent: {"$ne": mark},
            },
            {
                "$inc": {what: 1},
                "$set": {last: datetime.now(UTC)},
                "$push": {recent: {"$each": [mark], "$slice": -_REMEMBERED}},
            },
        )

    async def index_anew(self) -> int:
        """Give rows of former releases the terms of this one, and the number of shares that they
        are sorted by; returns how many.

        Nothing that people see changes, so neither does the revision; whoever changes a row
        meanwhile does it himself. Cut off, it goes on with the next start.
        """
        renewed = 0
        while rows := await self.rows.find(of_former_terms(), limit=_TOGETHER):
            for row in rows:
                as_read = {"_id": row["_id"], "revision": row["revision"]}
                renewed += await self.rows.update_one(
                    as_read, {"$set": derived_fields(row), "$inc": {"shares": 0}}
                )
        return renewed

    async def members(self, workspace: str, collection: str) -> int:
        """How many assets are in a collection."""
        return await self.rows.count(in_collection(workspace, collection))

    async def disband(self, workspace: str, collection: str) -> int:
        """Take every asset out of a collection; returns how many were in it."""
        rows = await self.rows.find(in_collection(workspace, collection), projection=["_id"])
        for row in rows:
            with suppress(NotFound):  # deleted meanwhile
                await self.change(workspace, row["_id"], lambda row: _without(row, collection))
        return len(rows)


def in_collection(workspace: str, collection: str) -> Document:
    """The query for the assets of a collection."""
    return {"workspace": workspace, "terms": fact("collection", collection)}


def of_former_terms() -> Document:
    """The query for rows whose terms are those of a former release."""
    return {"terms_version": {"$in": [None, *range(1, TERMS_VERSION)]}}


def _without(row: Document, collection: str) -> Document:
    return {**row, "collections": [one for one in row["collections"] if one != collection]}


def _own(workspace: str, row: Document | None) -> Document | None:
    if row is not None and row["workspace"] != workspace:
        raise Conflict(
            rule="library.id_taken",
            says=f"The asset id {row['_id']} cannot be used in the workspace {workspace!r}.",
            fix="Leave `data.asset` out, so that an id of your own is derived.",
        )
    return row


def _missing(id_: str) -> NotFound:
    return NotFound(
        rule="library.asset",
        says=f"There is no asset {id_[:64]!r}.",
        fix="GET /v1/assets lists those that there are.",
    )


def _blobs_of(row: Document) -> list[str]:
    """All that an asset keeps from being collected."""
    return [row["blob"], row["thumbnail"], *row.get("refers", ())]
