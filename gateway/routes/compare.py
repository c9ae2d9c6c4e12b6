"""Comparison: what tells assets apart, as a table and as a sheet of their pictures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.http import PROBLEMS, Workspace
from gateway.routes.assets import shown
from studio.rpc import asking
from studio.v1 import library_pb2 as pb

router = APIRouter(prefix="/v1", tags=["assets"], responses=PROBLEMS)

_MOST = 24

#: What is compared: of the asset itself, of its image, and of how it was made.
_OF_ASSET = (
    "bytes", "cost", "operation", "provider", "prompt", "label", "title", "workflow", "run",
    "collections", "tags", "favourite", "needs_review", "review", "downloads", "shares",
    "seconds", "created_at",
)  # fmt: skip
_OF_IMAGE = ("width", "height", "media_type", "alpha")
_OF_MAKING = ("quality", "style", "template", "seed", "placement")

_EXAMPLE: JsonValue = {
    "assets": [
        {
            "number": number,
            "id": id_,
            "links": {
                "self": f"/v1/assets/{id_}",
                "preview": f"/v1/assets/{id_}/content?preview=true",
                "thumbnail": f"/v1/assets/{id_}/thumbnail",
            },
        }
        for number, id_ in ((1, "0d7c…"), (2, "9be1…"))
    ],
    "differing": {
        "bytes": [812345, 1434567],
        "quality": ["draft", "premium"],
        "cost": [{"amount": "0", "currency": "USD"}, {"amount": "0.08", "currency": "USD"}],
    },
    "same": {"width": 1080, "height": 1080, "prompt": "premium coffee cup on marble"},
    "sheet": "/v1/assets/compare?ids=0d7c…&ids=9be1…&format=png",
}


class Compared(BaseModel):
    """One of the assets."""

    number: int = Field(ge=1, description="its place in the table and on the sheet")
    id: str
    links: dict[str, str] = Field(description="the asset, its file (not counted), its thumbnail")


class Comparison(BaseModel):
    """A table: one column an asset."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    assets: list[Compared]
    differing: dict[str, list[Any]] = Field(
        description="what differs: its values, in the order of the assets; null: not known"
    )
    same: dict[str, Any] = Field(description="what all have in common")
    sheet: str = Field(description="the pictures side by side")


class ComparisonQuery(BaseModel):
    """Which assets, and how they are shown."""

    model_config = ConfigDict(extra="forbid")

    ids: list[str] = Field(
        default_factory=list,
        description=f"2 to {_MOST} different assets: ids=…&ids=…",
        json_schema_extra={"minItems": 2, "maxItems": _MOST},
    )
    format: Literal["json", "png"] | None = Field(
        default=None, description="left out: as the header Accept says"
    )
    scale: Literal["equal", "fit", "detail"] = Field(
        default="equal",
        description="of the sheet. equal: one scale for all, so that sizes can be compared; fit: "
        "each picture fills its cell; detail: the middle of each, pixel for pixel",
    )


@router.get(
    "/assets/compare",
    summary="Compare assets",
    response_model=Comparison,
    responses={200: {"content": {"image/png": {}}, "description": "a table, or a sheet as PNG"}},
)
async def compare(
    request: Request, workspace: Workspace, query: Annotated[ComparisonQuery, Query()]
) -> Any:
    """What tells them apart, and what they have in common; with `Accept: image/png`, or
    `format=png`, the pictures side by side with their facts. Nothing is counted as a download."""
    is_png = query.format == "png" or (query.format is None and _asks_for_png(request))
    ask = pb.CompareAssetsRequest(
        workspace=workspace, ids=query.ids, sheet=is_png, scale=query.scale
    )
    async with asking("library"):
        answer = await request.app.state.studios.library.CompareAssets(ask)
    vary = {"Vary": "Accept", "Cache-Control": "private"}
    if is_png:
        vary["Content-Disposition"] = 'inline; filename="comparison.png"'
        return Response(answer.sheet, media_type="image/png", headers=vary)
    told = _table([shown(one) for one in answer.assets], query.scale)
    return Response(told.model_dump_json(), media_type="application/json", headers=vary)


def _table(assets: list[dict[str, Any]], scale: str) -> Comparison:
    columns = [_facts(one) for one in assets]
    rows = {name: [column[name] for column in columns] for name in columns[0]}
    differing = {
        name: values for name, values in rows.items() if any(one != values[0] for one in values)
    }
    ids = "&".join(f"ids={one['id']}" for one in assets)
    as_asked = "" if scale == "equal" else f"&scale={scale}"
    return Comparison(
        assets=[_compared(number, one["id"]) for number, one in enumerate(assets, start=1)],
        differing=differing,
        same={name: values[0] for name, values in rows.items() if name not in differing},
        sheet=f"/v1/assets/compare?{ids}&format=png{as_asked}",
    )


def _facts(asset: dict[str, Any]) -> dict[str, Any]:
    """What is known of one asset; null for what is not."""
    making = {**asset["params"], **asset["details"]}
    return {
        **{name: asset["image"][name] for name in _OF_IMAGE},
        **{name: asset[name] if asset[name] != "" else None for name in _OF_ASSET},
        **{name: making.get(name) for name in _OF_MAKING},
    }


def _compared(number: int, id_: str) -> Compared:
    here = f"/v1/assets/{id_}"
    links = {
        "self": here,
        "preview": f"{here}/content?preview=true",
        "thumbnail": f"{here}/thumbnail",
    }
    return Compared(number=number, id=id_, links=links)


def _asks_for_png(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    kinds = {one.partition(";")[0].strip().lower() for one in accepted.split(",")}
    return bool(kinds & {"image/png", "image/*"}) and "application/json" not in kinds
