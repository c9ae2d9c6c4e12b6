"""The library's gRPC contract (proto/studio/v1/library.proto)."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.library import changes, lineage
from services.library.asset import message_of, moment
from services.library.edit import CollectionName, Edit
from services.library.search import page
from services.library.sheet import compared
from services.library.store import AssetStore
from services.library.usage import usage
from studio import telemetry
from studio.blobs.base import BlobStore
from studio.bus.base import Bus
from studio.events import Event, ImageDeleted
from studio.metadata import Document
from studio.problems import NotFound, Refused, in_words
from studio.room import Room
from studio.slip import derived
from studio.v1 import library_pb2 as pb
from studio.v1 import library_pb2_grpc

_DEFAULT_DEPTH, _MAX_DEPTH = 8, 32
_MAX_DESCRIPTION = 4000

_OPTIONAL = ("title", "description", "alt_text", "favourite", "review")
_LISTS = ("add_tags", "remove_tags", "add_collections", "remove_collections")

_collection_name: TypeAdapter[str] = TypeAdapter(CollectionName)


class LibraryServicer(library_pb2_grpc.LibraryServicer):
    """Everything is scoped by workspace: what is another's is not found."""

    full_name = pb.DESCRIPTOR.services_by_name["Library"].full_name

    def __init__(self, bus: Bus, blobs: BlobStore, assets: AssetStore, room: Room) -> None:
        """room: of the pixels that are at work at once."""
        self._bus, self._blobs, self._assets, self._room = bus, blobs, assets, room

    async def ListAssets(self, request: Any, context: Any) -> pb.ListAssetsResponse:  # noqa: N802
        """A page of assets."""
        rows, cursor = await page(self._assets.rows, request)
        return pb.ListAssetsResponse(assets=map(message_of, rows), next_cursor=cursor)

    async def GetAsset(self, request: Any, context: Any) -> pb.Asset:  # noqa: N802
        """One asset."""
        return message_of(await self._assets.get(request.workspace, request.id))

    async def UpdateAsset(self, request: Any, context: Any) -> pb.Asset:  # noqa: N802
        """Change what people say of an asset."""
        edit = _edit(request)
        row = await self._assets.change(request.workspace, request.id, edit.applied_to)
        return message_of(row)

    async def DeleteAsset(self, request: Any, context: Any) -> pb.DeleteAssetResponse:  # noqa: N802
        """Remove an asset, and tell; deleting it again only tells again."""
        await self._delete(request.workspace, request.id, request.by)
        return pb.DeleteAssetResponse()

    async def ChangeAssets(self, request: Any, context: Any) -> pb.ChangeAssetsResponse:  # noqa: N802
        """Change or delete many; what became of each."""
        edit = _edit(request.change)
        if request.delete == (edit != Edit()):
            raise Refused(
                rule="library.what_to_change",
                says="A request either changes something of the assets or deletes them.",
                fix="Give a change with at least one field, or delete.",
                valid=["delete", *sorted(Edit.model_fields)],
            )

        async def changed(id_: str) -> str:
            if request.delete:
                await self._delete(request.workspace, id_, request.by)
                return "deleted"
            is_new = False

            def noted(row: Document) -> Document:
                nonlocal is_new
                new = edit.applied_to(row)
                is_new = new != row
                return new

            await self._assets.change(request.workspace, id_, noted)
            return "changed" if is_new else "unchanged"

        return await changes.each(await changes.chosen(self._assets, request), changed)

    async def CompareAssets(self, request: Any, context: Any) -> pb.CompareAssetsResponse:  # noqa: N802
        """Several assets, and the sheet of their pictures."""
        rows, sheet = await compared(self._assets, self._blobs, self._room, request)
        return pb.CompareAssetsResponse(assets=map(message_of, rows), sheet=sheet)

    async def GetLineage(self, request: Any, context: Any) -> pb.GetLineageResponse:  # noqa: N802
        """Ancestors and descendants, generation by generation."""
        row = await self._assets.get(request.workspace, request.id)
        depth = min(request.depth or _DEFAULT_DEPTH, _MAX_DEPTH)
        up, down = await asyncio.gather(
            lineage.ancestors(self._assets.rows, row, depth),
            lineage.descendants(self._assets.rows, row, depth),
        )
        return pb.GetLineageResponse(
            ancestors=map(message_of, up), descendants=map(message_of, down)
        )

    async def RecordDownload(self, request: Any, context: Any) -> pb.RecordDownloadResponse:  # noqa: N802
        """Count each asset once for a download id."""
        _check_mark("download", request.download_id)
        counted = await self._assets.count_download(
            request.workspace, request.ids, request.download_id
        )
        return pb.RecordDownloadResponse(counted=counted)

    async def RecordShare(self, request: Any, context: Any) -> pb.RecordShareResponse:  # noqa: N802
        """Count each asset once for a share id."""
        _check_mark("share", request.share_id)
        counted = await self._assets.count_share(request.workspace, request.ids, request.share_id)
        return pb.RecordShareResponse(counted=counted)

    async def ListCollections(self, request: Any, context: Any) -> pb.ListCollectionsResponse:  # noqa: N802
        """All collections of a workspace, by name."""
        rows = await self._assets.collections.all(request.workspace)
        return pb.ListCollectionsResponse(collections=[await self._shown(row) for row in rows])

    async def PutCollection(self, request: Any, context: Any) -> pb.Collection:  # noqa: N802
        """Make a collection, or change its description."""
        try:
            name = _collection_name.validate_python(request.name)
        except ValidationError as error:
            raise Refused(
                rule="library.collection",
                says=f"The collection's name is not accepted: {in_words(error)}.",
                fix="A name has 1 to 200 characters.",
            ) from error
        description = request.description[:_MAX_DESCRIPTION]
        if description != request.description:
            raise Refused(
                rule="library.collection",
                says=f"The description has more than {_MAX_DESCRIPTION:,} characters.",
                fix="Shorten it.",
            )
        row = await self._assets.collections.put(request.workspace, name, description)
        return await self._shown(row)

    async def DeleteCollection(self, request: Any, context: Any) -> pb.DeleteCollectionResponse:  # noqa: N802
        """Delete a collection; its assets stay. Again, if a crash left assets that name it."""
        was_there = await self._assets.collections.delete(request.workspace, request.name)
        left = await self._assets.disband(request.workspace, request.name)
        if not was_there and not left:
            raise NotFound(
                rule="library.collection",
                says=f"There is no collection {request.name[:200]!r}.",
                fix="GET /v1/collections lists those that there are.",
            )
        return pb.DeleteCollectionResponse()

    async def GetUsage(self, request: Any, context: Any) -> pb.Usage:  # noqa: N802
        """Totals of what matches."""
        return await usage(self._assets.rows, request)

    async def _delete(self, workspace: str, id_: str, by: str) -> None:
        """Remove an asset, and tell."""
        await self._assets.remove(workspace, id_, by or None, self._tell_deleted)

    async def _tell_deleted(self, tombstone: Document) -> None:
        fact = Event.of(
            "image.deleted",
            ImageDeleted(asset=tombstone["_id"], blob=tombstone["blob"], by=tombstone["by"]),
            id_=derived(tombstone["_id"], "deleted"),
            source="/studio/library",
            subject=tombstone["_id"],
            workspace=tombstone["workspace"],
        )
        with telemetry.producing(fact, fact.routing_key) as carried:
            await self._bus.publish(carried.to_message())

    async def _shown(self, row: Document) -> pb.Collection:
        return pb.Collection(
            name=row["name"],
            description=row["description"],
            assets=await self._assets.members(row["workspace"], row["name"]),
            created_at=moment(row["created_at"]),
        )


def _check_mark(what: str, mark: str) -> None:
    if not mark:
        raise Refused(
            rule=f"library.{what}_id",
            says=f"A {what} needs an id, so that a repeated call counts it once.",
            fix=f"Make one up (a UUID) for each {what}, and repeat it with the call.",
        )


def _edit(request: pb.UpdateAssetRequest) -> Edit:
    given = {name: getattr(request, name) for name in _OPTIONAL if request.HasField(name)}
    lists = {name: list(getattr(request, name)) for name in _LISTS}
    try:
        return Edit(**given, **lists)
    except ValidationError as error:
        raise Refused(
            rule="library.edit",
            says=f"The change is not accepted: {in_words(error)}.",
            fix="Correct the field, then send the change again.",
            valid=sorted(Edit.model_fields),
        ) from error
