"""The library's gRPC contract (proto/studio/v1/library.proto)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from services.library.asset import message_of, moment, words_of
from services.library.search import page
from studio import telemetry
from studio.bus.base import Bus
from studio.events import Event, ImageDeleted
from studio.metadata import AlreadyThere, Database, Document
from studio.money import Money
from studio.problems import NotFound, Refused
from studio.rpc import money_to
from studio.slip import derived
from studio.v1 import library_pb2 as pb
from studio.v1 import library_pb2_grpc

_TEXTS = ("title", "description", "alt_text")
_MAX_DEPTH = 32


class LibraryServicer(library_pb2_grpc.LibraryServicer):
    """Everything is scoped by workspace: what is another's is not found."""

    full_name = pb.DESCRIPTOR.services_by_name["Library"].full_name

    def __init__(self, bus: Bus, database: Database) -> None:
        self._bus = bus
        self._assets = database.collection("assets")
        self._deleted = database.collection("deleted")
        self._collections = database.collection("collections")
        self._downloads = database.collection("downloads")
        self._garbage = database.collection("garbage")

    async def ListAssets(self, request: Any, context: Any) -> pb.ListAssetsResponse:  # noqa: N802
        """A page of assets."""
        rows, cursor = await page(self._assets, request)
        return pb.ListAssetsResponse(assets=map(message_of, rows), next_cursor=cursor)

    async def GetAsset(self, request: Any, context: Any) -> pb.Asset:  # noqa: N802
        """One asset."""
        return message_of(await self._asset(request.workspace, request.id))

    async def UpdateAsset(self, request: Any, context: Any) -> pb.Asset:  # noqa: N802
        """Change what people say of an asset."""
        row = await self._asset(request.workspace, request.id)
        for name in _TEXTS:
            if request.HasField(name):
                row[name] = getattr(request, name)
        if request.HasField("favourite"):
            row["favourite"] = request.favourite
        row["tags"] = _changed(row["tags"], request.add_tags, request.remove_tags)
        row["collections"] = _changed(
            row["collections"], request.add_collections, request.remove_collections
        )
        for name in request.add_collections:
            await self._put_collection(request.workspace, name, None)
        row |= {"words": words_of(row), "updated_at": datetime.now(UTC)}
        changed = (*_TEXTS, "favourite", "tags", "collections", "words", "updated_at")
        await self._assets.update_one(
            {"_id": row["_id"]}, {"$set": {name: row[name] for name in changed}}
        )
        return message_of(row)

    async def DeleteAsset(self, request: Any, context: Any) -> pb.DeleteAssetResponse:  # noqa: N802
        """Remove an asset; a tombstone keeps a late redelivery from bringing it back."""
        row = await self._asset(request.workspace, request.id)
        now = datetime.now(UTC)
        await self._deleted.upsert(row["_id"], {"at": now, "by": request.by})
        for blob in {row["blob"], row["thumbnail"]} - {""}:
            await self._garbage.upsert(blob, {"at": now})
        await self._assets.delete_one({"_id": row["_id"]})
        fact = Event.of(
            "image.deleted",
            ImageDeleted(asset=row["_id"], blob=row["blob"], by=request.by or None),
            id_=derived(row["_id"], "deleted"),
            source="/studio/library",
            subject=row["_id"],
            workspace=request.workspace,
        )
        with telemetry.producing(fact, fact.routing_key) as carried:
            await self._bus.publish(carried.to_message())
        return pb.DeleteAssetResponse()

    async def GetLineage(self, request: Any, context: Any) -> pb.GetLineageResponse:  # noqa: N802
        """Ancestors and descendants, generation by generation."""
        row = await self._asset(request.workspace, request.id)
        depth = min(request.depth or 8, _MAX_DEPTH)
        up, down = await asyncio.gather(self._ancestors(row, depth), self._descendants(row, depth))
        return pb.GetLineageResponse(
            ancestors=map(message_of, up), descendants=map(message_of, down)
        )

    async def RecordDownload(self, request: Any, context: Any) -> pb.RecordDownloadResponse:  # noqa: N802
        """Count each asset once for a download id."""
        counted, now = 0, datetime.now(UTC)
        for id_ in dict.fromkeys(request.ids):
            try:
                seen = str(derived("download", request.download_id, id_))
                await self._downloads.insert({"_id": seen, "at": now})
            except AlreadyThere:
                continue
            counted += await self._assets.update_one(
                {"_id": id_, "workspace": request.workspace},
                {"$inc": {"downloads": 1}, "$set": {"last_downloaded_at": now}},
            )
        return pb.RecordDownloadResponse(counted=counted)

    async def ListCollections(self, request: Any, context: Any) -> pb.ListCollectionsResponse:  # noqa: N802
        """All collections of a workspace, by name."""
        rows = await self._collections.find({"workspace": request.workspace}, sort=[("name", 1)])
        sizes = await asyncio.gather(*(self._size(request.workspace, row["name"]) for row in rows))
        return pb.ListCollectionsResponse(
            collections=[_collection(row, size) for row, size in zip(rows, sizes, strict=True)]
        )

    async def PutCollection(self, request: Any, context: Any) -> pb.Collection:  # noqa: N802
        """Make a collection, or change its description."""
        if not request.name.strip():
            raise Refused(rule="library.collection", says="A collection needs a name.")
        row = await self._put_collection(request.workspace, request.name, request.description)
        return _collection(row, await self._size(request.workspace, request.name))

    async def DeleteCollection(self, request: Any, context: Any) -> pb.DeleteCollectionResponse:  # noqa: N802
        """Delete a collection; its assets stay."""
        id_ = str(derived("collection", request.workspace, request.name))
        if not await self._collections.delete_one({"_id": id_}):
            raise NotFound(
                rule="library.collection", says=f"There is no collection {request.name!r}."
            )
        members = {"workspace": request.workspace, "collections": request.name}
        await self._assets.update_many(members, {"$pull": {"collections": request.name}})
        return pb.DeleteCollectionResponse()

    async def GetUsage(self, request: Any, context: Any) -> pb.Usage:  # noqa: N802
        """Totals, added up by the database in whole billionths."""
        groups = await self._assets.aggregate(
            [
                {"$match": {"workspace": request.workspace}},
                {
                    "$group": {
                        "_id": {"operation": "$operation", "provider": "$provider"},
                        "assets": {"$sum": 1},
                        "bytes": {"$sum": "$bytes"},
                        "cost": {"$sum": "$cost_nano"},
                        "downloads": {"$sum": "$downloads"},
                        "favourites": {"$sum": {"$cond": ["$favourite", 1, 0]}},
                    }
                },
            ]
        )
        usage = pb.Usage(
            assets=sum(one["assets"] for one in groups),
            bytes=sum(one["bytes"] for one in groups),
            favourites=sum(one["favourites"] for one in groups),
            downloads=sum(one["downloads"] for one in groups),
            cost=money_to(_from_nano(sum(one["cost"] for one in groups))),
        )
        for one in groups:
            operation = one["_id"]["operation"] or "outside"
            usage.assets_by_operation[operation] += one["assets"]
            usage.assets_by_provider[one["_id"]["provider"] or "outside"] += one["assets"]
            spent = Money.of(usage.cost_by_operation[operation] or "0")
            spent += _from_nano(one["cost"])
            usage.cost_by_operation[operation] = spent.model_dump()["amount"]
        return usage

    async def _asset(self, workspace: str, id_: str) -> Document:
        row = await self._assets.get(id_)
        if row is None or row["workspace"] != workspace:
            raise NotFound(rule="library.asset", says=f"There is no asset {id_!r}.")
        return row

    async def _ancestors(self, row: Document, depth: int) -> list[Document]:
        found: dict[str, Document] = {}
        wanted = list(row["parents"])
        while wanted and depth:
            rows = await self._assets.find({"_id": {"$in": wanted}, "workspace": row["workspace"]})
            found |= {one["_id"]: one for one in rows}
            wanted = [up for one in rows for up in one["parents"] if up not in found]
            depth -= 1
        return list(found.values())

    async def _descendants(self, row: Document, depth: int) -> list[Document]:
        found: dict[str, Document] = {}
        wanted = [row["_id"]]
        while wanted and depth:
            rows = await self._assets.find(
                {"workspace": row["workspace"], "parents": {"$in": wanted}}
            )
            rows = [one for one in rows if one["_id"] not in found]
            found |= {one["_id"]: one for one in rows}
            wanted = [one["_id"] for one in rows]
            depth -= 1
        return list(found.values())

    async def _put_collection(self, workspace: str, name: str, description: str | None) -> Document:
        id_ = str(derived("collection", workspace, name))
        new = {"workspace": workspace, "name": name, "created_at": datetime.now(UTC)}
        if description is None:
            await self._collections.upsert(id_, {}, on_insert={**new, "description": ""})
        else:
            await self._collections.upsert(id_, {"description": description}, on_insert=new)
        row = await self._collections.get(id_)
        return row or new

    async def _size(self, workspace: str, name: str) -> int:
        return await self._assets.count({"workspace": workspace, "collections": name})


def _changed(now: Iterable[str], added: Iterable[str], removed: Iterable[str]) -> list[str]:
    return sorted(({*now} | {*added}) - {*removed})


def _collection(row: Document, size: int) -> pb.Collection:
    return pb.Collection(
        name=row["name"],
        description=row.get("description", ""),
        assets=size,
        created_at=moment(row["created_at"]),
    )


def _from_nano(amount: int) -> Money:
    return Money.of(Decimal(amount).scaleb(-9))
