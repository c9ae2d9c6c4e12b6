"""Assets: find, look, change, download."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from google.protobuf import json_format
from pydantic import BaseModel, ConfigDict, Field

from gateway.archive import FIELDS, archive, check_template, extension
from gateway.http import PROBLEMS, Workspace
from gateway.selection import AssetFilters, listing, matching, named
from studio.blobs.base import BlobStore
from studio.problems import Refused
from studio.rpc import asking, whole_numbers
from studio.v1 import library_pb2 as pb

router = APIRouter(prefix="/v1", tags=["assets"], responses=PROBLEMS)

_MAX_ARCHIVE = 5000  # assets in one archive
_NUMBERS = ("bytes", "downloads", "shares", "assets", "favourites")  # 64 bits: text in proto JSON


class AssetPage(BaseModel):
    """Assets, and where to go on."""

    assets: list[dict[str, Any]]
    next_cursor: str | None = None


class AssetQuery(AssetFilters):
    """Filters, order and page."""

    sort: str = Field(
        default="-created_at",
        description="created_at, updated_at, bytes, cost, downloads, shares or title; with - "
        "before it, the greatest first",
        examples=["-downloads"],
    )
    cursor: str = ""
    limit: int = Field(default=50, ge=1, le=200)


class AssetPatch(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = Field(default=None, max_length=300)
    description: str | None = Field(default=None, max_length=4000)
    alt_text: str | None = Field(default=None, max_length=2000)
    favourite: bool | None = None
    review: Literal["", "approved", "rejected"] | None = Field(
        default=None, description='what a person says of it; "" takes that back'
    )
    add_tags: list[str] = Field(default_factory=list, max_length=100)
    remove_tags: list[str] = Field(default_factory=list, max_length=100)
    add_collections: list[str] = Field(default_factory=list, max_length=100)
    remove_collections: list[str] = Field(default_factory=list, max_length=100)


class ArchiveRequest(AssetFilters):
    """Which assets to pack: those named, or those that match."""

    ids: list[str] = Field(default_factory=list, max_length=_MAX_ARCHIVE)
    name: str = Field(
        default="{label}-{number}.{ext}",
        max_length=200,
        description=f"file names from {FIELDS}; / makes folders",
        examples=["{campaign}/{platform}/{placement}-{n}.{ext}"],
    )
    campaign: str = Field(
        default="", max_length=200, description="{campaign}; empty: an asset's first collection"
    )


@router.get("/assets", summary="Search the library")
async def search(
    request: Request, workspace: Workspace, query: Annotated[AssetQuery, Query()]
) -> AssetPage:
    """Newest first by default; pages neither repeat nor skip assets while others are added.

    `needs_review=true` lists what a studio is not sure of and nobody has looked at yet (the asset's
    `needs_review` says why); `sort=-downloads` and `sort=-shares` list what is wanted most.
    """
    async with asking("library"):
        answer = await _library(request).ListAssets(
            listing(workspace, query, sort=query.sort, cursor=query.cursor, limit=query.limit)
        )
    return AssetPage(
        assets=[shown(one) for one in answer.assets], next_cursor=answer.next_cursor or None
    )


@router.get("/assets/{asset}", summary="Look at an asset")
async def look(request: Request, asset: str, workspace: Workspace) -> dict[str, Any]:
    """Facts, lineage, cost, prompt, trace."""
    return shown(await _asset(request, workspace, asset))


@router.patch("/assets/{asset}", summary="Change what is said of an asset")
async def change(
    request: Request, asset: str, body: AssetPatch, workspace: Workspace
) -> dict[str, Any]:
    """Title, texts, favourite, review, tags and collections; the pixels never change. Many at
    once: POST /v1/assets/changes."""
    update = pb.UpdateAssetRequest(
        workspace=workspace, id=asset, **body.model_dump(exclude_none=True)
    )
    async with asking("library"):
        return shown(await _library(request).UpdateAsset(update))


@router.delete("/assets/{asset}", status_code=204, summary="Delete an asset")
async def delete(request: Request, asset: str, workspace: Workspace) -> None:
    """Its pixels are collected when no other asset has the same."""
    async with asking("library"):
        await _library(request).DeleteAsset(pb.DeleteAssetRequest(workspace=workspace, id=asset))


@router.get("/assets/{asset}/content", summary="Download an asset")
async def content(
    request: Request, asset: str, workspace: Workspace, preview: bool = False
) -> Response:
    """The file, streamed and verified. Counted as a download unless it is a `preview`."""
    found = await _asset(request, workspace, asset)
    tag = f'"{found.blob}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    if not preview:
        await _count(request, workspace, [asset])
    name = f"{found.label or found.title or asset}.{extension(found.image.media_type)}"
    safe = "".join(one if one.isalnum() or one in "-_." else "-" for one in name)
    where = "inline" if preview else "attachment"
    headers = {"ETag": tag, "Content-Length": str(found.bytes), "Cache-Control": "private"}
    headers["Content-Disposition"] = (
        f'{where}; filename="{safe.encode("ascii", "ignore").decode()}"'
    )
    blobs: BlobStore = request.app.state.blobs
    return StreamingResponse(
        blobs.stream(found.blob), media_type=found.image.media_type, headers=headers
    )


@router.get("/assets/{asset}/thumbnail", summary="See an asset small")
async def thumbnail(request: Request, asset: str, workspace: Workspace) -> Response:
    """A WebP of at most 512 px."""
    found = await _asset(request, workspace, asset)
    blobs: BlobStore = request.app.state.blobs
    headers = {"Cache-Control": "private, max-age=31536000, immutable"}
    return Response(await blobs.get(found.thumbnail), media_type="image/webp", headers=headers)


@router.post("/assets/{asset}/shares", summary="Tell that an asset was shared")
async def share(
    request: Request,
    asset: str,
    workspace: Workspace,
    idempotency_key: Annotated[
        str | None, Header(max_length=255, description="the same key counts once")
    ] = None,
) -> dict[str, Any]:
    """Whoever publishes a picture says so here: nothing hears of it by itself. The answer is the
    asset; its `shares`, `sort=-shares` and /v1/usage count what was told."""
    record = pb.RecordShareRequest(
        workspace=workspace, ids=[asset], share_id=idempotency_key or str(uuid4())
    )
    async with asking("library"):
        await _library(request).RecordShare(record)
    return shown(await _asset(request, workspace, asset))


@router.get(
    "/assets/{asset}/lineage", summary="See where an asset comes from and what became of it"
)
async def lineage(
    request: Request,
    asset: str,
    workspace: Workspace,
    depth: Annotated[int, Query(ge=1, le=32)] = 8,
) -> dict[str, list[dict[str, Any]]]:
    """Ancestors and descendants, nearest first."""
    async with asking("library"):
        answer = await _library(request).GetLineage(
            pb.GetLineageRequest(workspace=workspace, id=asset, depth=depth)
        )
    return {
        "ancestors": [shown(one) for one in answer.ancestors],
        "descendants": [shown(one) for one in answer.descendants],
    }


@router.post(
    "/assets/download",
    summary="Download many assets",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}, "description": "a ZIP with a manifest"}},
)
async def download(request: Request, body: ArchiveRequest, workspace: Workspace) -> Response:
    """A ZIP, streamed while it is packed, with `manifest.json`. Every asset is counted once."""
    check_template(body.name)
    assets = await _chosen(request, workspace, body)
    await _count(request, workspace, [one.id for one in assets])
    return StreamingResponse(
        archive(request.app.state.blobs, assets, body.name, body.campaign, shown),
        media_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="image-studio.zip"'},
    )


@router.get("/collections", summary="List collections")
async def collections(request: Request, workspace: Workspace) -> list[dict[str, Any]]:
    """By name, with how many assets each has."""
    async with asking("library"):
        answer = await _library(request).ListCollections(
            pb.ListCollectionsRequest(workspace=workspace)
        )
    return [shown(one) for one in answer.collections]


class CollectionBody(BaseModel):
    """What a collection is for."""

    description: str = Field(default="", max_length=4000)


@router.put("/collections/{name}", summary="Make or describe a collection")
async def put_collection(
    request: Request, name: str, body: CollectionBody, workspace: Workspace
) -> dict[str, Any]:
    """Assets join it through PATCH /v1/assets or library.organise."""
    ask = pb.PutCollectionRequest(workspace=workspace, name=name, description=body.description)
    async with asking("library"):
        return shown(await _library(request).PutCollection(ask))


@router.delete("/collections/{name}", status_code=204, summary="Delete a collection")
async def delete_collection(request: Request, name: str, workspace: Workspace) -> None:
    """Its assets stay."""
    async with asking("library"):
        await _library(request).DeleteCollection(
            pb.DeleteCollectionRequest(workspace=workspace, name=name)
        )


class UsageQuery(BaseModel):
    """Of which assets; all that is given must hold."""

    model_config = ConfigDict(extra="forbid")

    collection: str = Field(default="", description="a campaign, a brand, a product line")
    run: str = ""
    workflow: str = ""
    created_from: datetime | None = Field(default=None, description="inclusive")
    created_to: datetime | None = Field(default=None, description="exclusive")


_USAGE = {
    "assets": 42,
    "bytes": 18345678,
    "favourites": 3,
    "downloads": 17,
    "shares": 5,
    "cost": {"amount": "0.64", "currency": "USD"},
    "costs": [{"amount": "0.64", "currency": "USD"}],
    "assets_by_operation": {"create.generate": 6, "optimizer.export": 36},
    "assets_by_provider": {"stability": 6, "local": 36},
    "cost_by_operation": {"create.generate": "0.64", "optimizer.export": "0"},
}


@router.get(
    "/usage",
    summary="Totals of the library, or of a part of it",
    responses={200: {"content": {"application/json": {"example": _USAGE}}}},
)
async def usage(
    request: Request, workspace: Workspace, query: Annotated[UsageQuery, Query()]
) -> dict[str, Any]:
    """Assets, bytes, cost, downloads and shares; by operation and by provider.

    `collection` gives those of a campaign or a brand; an asset in several collections counts in
    each. Downloads are those of the API, shares those that were told.
    """
    like = listing(workspace, AssetFilters(**query.model_dump()))
    given = {field.name: value for field, value in like.ListFields()}
    async with asking("library"):
        return shown(await _library(request).GetUsage(pb.GetUsageRequest(**given)))


def shown(message: Any) -> dict[str, Any]:
    """A message of the library as JSON, under the names of the contract."""
    told: dict[str, Any] = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    for name in _NUMBERS:
        if isinstance(told.get(name), str):
            told[name] = int(told[name])
    for name in ("params", "details"):
        if name in told:
            told[name] = whole_numbers(told[name])
    for name in ("assets_by_operation", "assets_by_provider"):
        if name in told:
            told[name] = {key: int(count) for key, count in told[name].items()}
    return told


async def _asset(request: Request, workspace: str, asset: str) -> Any:
    async with asking("library"):
        return await _library(request).GetAsset(pb.GetAssetRequest(workspace=workspace, id=asset))


async def _count(request: Request, workspace: str, ids: list[str]) -> None:
    record = pb.RecordDownloadRequest(workspace=workspace, ids=ids, download_id=str(uuid4()))
    async with asking("library"):
        await _library(request).RecordDownload(record)


async def _chosen(request: Request, workspace: str, body: ArchiveRequest) -> list[Any]:
    library = _library(request)
    found = named(library, workspace, body.ids) if body.ids else matching(library, workspace, body)
    assets: list[Any] = []
    async for one in found:
        if len(assets) == _MAX_ARCHIVE:
            raise Refused(
                rule="archive.too_many",
                says=f"More than {_MAX_ARCHIVE:,} assets match; one archive holds no more.",
                fix="Ask for parts, such as one run, one collection or one day at a time.",
            )
        assets.append(one)
    return assets


def _library(request: Request) -> Any:
    return request.app.state.studios.library
