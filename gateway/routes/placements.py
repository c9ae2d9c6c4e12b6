"""Placements: what each platform takes and covers, and what a new version of that means."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from google.protobuf import json_format
from pydantic import BaseModel, Field

from gateway.compliance import ComplianceReport, Scope, unfit
from gateway.http import PROBLEMS, Workspace
from gateway.reexport import Reexports
from gateway.routes.runs import IdempotencyKey, RunView, view
from studio.rpc import asking, whole_numbers
from studio.v1 import optimizer_pb2 as pb

router = APIRouter(prefix="/v1/placements", tags=["placements"], responses=PROBLEMS)

Version = Annotated[
    str, Query(max_length=40, description="of the placement data; left out: the newest")
]

_CACHED = {"Cache-Control": "private, max-age=3600"}


class ReexportStarted(BaseModel):
    """What is made again, and in which run."""

    version: str
    run: RunView | None = Field(description="null: there was nothing to make again")
    renditions: list[str] = Field(description="the assets that are made again")
    left_out: list[str] = Field(description="assets whose master, or whose placement, is gone")


@router.get("", summary="List placements")
async def every(
    request: Request,
    workspace: Workspace,
    version: Version = "",
    platform: Annotated[str, Query(max_length=80, description="only this platform's")] = "",
) -> dict[str, Any]:
    """Sizes, formats, limits, safe zones and their sources, of one version of the data."""
    async with asking("optimizer"):
        answer = await _placements(request).ListPlacements(
            pb.ListPlacementsRequest(version=version, platform=platform)
        )
    return _shown(answer)


@router.get("/versions", summary="List versions of the placement data")
async def versions(request: Request, workspace: Workspace) -> list[dict[str, Any]]:
    """The oldest first. A run pins the version that it began with."""
    async with asking("optimizer"):
        answer = await _placements(request).ListVersions(pb.ListVersionsRequest())
    return [_shown(one) for one in answer.versions]


@router.get("/diff", summary="See what changed between two versions")
async def difference(
    request: Request,
    workspace: Workspace,
    from_: Annotated[str, Query(alias="from", min_length=1, max_length=40)],
    to: Annotated[str, Query(max_length=40, description="left out: the newest")] = "",
) -> dict[str, Any]:
    """Added, removed and changed placements, as data and in sentences."""
    async with asking("optimizer"):
        answer = await _placements(request).Diff(pb.DiffRequest(old_version=from_, new_version=to))
    return _shown(answer)


@router.get("/compliance", summary="Find renditions that a version makes unfit")
async def compliance(
    request: Request, workspace: Workspace, scope: Annotated[Scope, Query()]
) -> ComplianceReport:
    """Every catalogued rendition in scope that breaks a rule of the version, and which."""
    found = await unfit(request.app.state.studios, workspace, scope)
    return found.report()


@router.post("/compliance/re-export", status_code=202, summary="Export the unfit renditions again")
async def re_export(
    request: Request,
    response: Response,
    body: Scope,
    workspace: Workspace,
    idempotency_key: IdempotencyKey = None,
) -> ReexportStarted:
    """One run that makes exactly the renditions of the report again, from their masters.

    The old ones stay in the library; the report no longer lists them once their successors are
    there.
    """
    state = request.app.state
    reexports = Reexports(state.runs, state.store, state.studios)
    what = None
    if idempotency_key:
        what = await reexports.begun(workspace, idempotency_key, body)
    if what is None:
        found = await unfit(state.studios, workspace, body)
        what = await reexports.start(workspace, found, body, idempotency_key)
    if what.run:
        response.headers["Location"] = f"/v1/runs/{what.run}"
    return ReexportStarted(
        version=what.version,
        run=await view(state.store, workspace, what.run) if what.run else None,
        renditions=what.renditions,
        left_out=what.left_out,
    )


@router.get("/{placement}", summary="Look at a placement")
async def look(
    request: Request, placement: str, workspace: Workspace, version: Version = ""
) -> dict[str, Any]:
    """All that is recorded of it, with its sources in full."""
    async with asking("optimizer"):
        answer = await _placements(request).GetPlacement(
            pb.GetPlacementRequest(id=placement, version=version)
        )
    return _shown(answer)


@router.get(
    "/{placement}/guide.png",
    summary="Get a placement's safe-zone guide as a picture",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "a transparent layer"}},
)
async def guide_png(
    request: Request, placement: str, workspace: Workspace, version: Version = ""
) -> Response:
    """A transparent layer of the placement's size, for those who design by hand."""
    found = await _guide(request, placement, version, png=True)
    name = f'inline; filename="{placement}-{found.version}.png"'
    headers = {**_CACHED, "Content-Disposition": name}
    return Response(found.png, media_type="image/png", headers=headers)


@router.get("/{placement}/guide.json", summary="Get a placement's safe-zone guide as numbers")
async def guide_json(
    request: Request,
    response: Response,
    placement: str,
    workspace: Workspace,
    version: Version = "",
) -> dict[str, Any]:
    """The safe zone and the covered parts, in px and as fractions of the size."""
    found = await _guide(request, placement, version, png=False)
    response.headers.update(_CACHED)
    document: dict[str, Any] = whole_numbers(json_format.MessageToDict(found.document))
    return document


async def _guide(request: Request, placement: str, version: str, *, png: bool) -> Any:
    async with asking("optimizer"):
        return await _placements(request).Guide(
            pb.GuideRequest(placement=placement, version=version, png=png)
        )


def _shown(message: Any) -> dict[str, Any]:
    """A message of the contract as JSON, under its names; what is not known is left out."""
    told: dict[str, Any] = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    whole: dict[str, Any] = whole_numbers(told)
    return whole


def _placements(request: Request) -> Any:
    return request.app.state.studios.placements
