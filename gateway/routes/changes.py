"""Changes: the same said of many assets at once: reviewed, filed, tagged, or deleted."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.http import PROBLEMS, Workspace
from gateway.routes.assets import AssetPatch
from gateway.selection import AssetFilters, listing
from studio.problems import Problem, Refused
from studio.rpc import asking
from studio.v1 import library_pb2 as pb

router = APIRouter(prefix="/v1", tags=["assets"], responses=PROBLEMS)

_MOST = 1000

_EXAMPLES: list[JsonValue] = [
    {
        "ids": ["0d7c3a52-…", "9be1f0c4-…"],
        "change": {
            "review": "approved",
            "favourite": True,
            "add_tags": ["hero"],
            "add_collections": ["Spring 2027"],
        },
    },
    {"filters": {"run": "5f0e…", "review": "rejected"}, "delete": True},
]


class ManyChanges(BaseModel):
    """Which assets, and what becomes of all of them."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": _EXAMPLES})

    ids: list[str] = Field(
        default_factory=list, description="these, or", json_schema_extra={"maxItems": _MOST}
    )
    filters: AssetFilters | None = Field(
        default=None, description=f"all that match, at most {_MOST:,}; at least one filter"
    )
    change: AssetPatch | None = Field(default=None, description="what to change, or")
    delete: bool = Field(default=False, description="delete them")


class AssetChange(BaseModel):
    """What became of one asset."""

    id: str
    outcome: Literal["changed", "unchanged", "deleted", "failed"]
    problem: dict[str, Any] | None = Field(default=None, description="why it failed (RFC 9457)")


class ManyChanged(BaseModel):
    """What became of each."""

    counts: dict[str, int] = Field(examples=[{"changed": 17, "failed": 1}])
    assets: list[AssetChange]


@router.post("/assets/changes", summary="Change or delete many assets")
async def change_many(request: Request, body: ManyChanges, workspace: Workspace) -> ManyChanged:
    """Review, mark, tag, file or delete up to 1,000 assets, by id or by what is known of them.

    Every asset is changed by itself: one that fails (it is gone, say, or has too many tags) leaves
    the others alone, and the answer says so. The same request again changes nothing more.
    """
    if body.filters:
        _check_they_filter(body.filters)
    patch = body.change.model_dump(exclude_none=True) if body.change else {}
    ask = pb.ChangeAssetsRequest(
        workspace=workspace,
        ids=body.ids,
        filters=listing("", body.filters) if body.filters else None,
        change=pb.UpdateAssetRequest(**patch),
        delete=body.delete,
    )
    async with asking("library"):
        answer = await request.app.state.studios.library.ChangeAssets(ask)
    told = [_told(one) for one in answer.assets]
    outcomes = [one.outcome for one in told]
    return ManyChanged(
        counts={one: outcomes.count(one) for one in dict.fromkeys(outcomes)}, assets=told
    )


def _check_they_filter(filters: AssetFilters) -> None:
    """Refused if one is given and empty: who fills in a form by a program meant something."""
    for name in sorted(filters.model_fields_set):
        if getattr(filters, name) in ("", []):
            raise Refused(
                rule="library.which_assets",
                says=f"The filter {name} is empty, so it would mean every asset.",
                fix="Give it a value, or leave it out.",
            )


def _told(one: Any) -> AssetChange:
    problem = Problem.model_validate_json(one.problem) if one.problem else None
    return AssetChange(
        id=one.id,
        outcome=one.outcome,
        problem=problem.as_rfc9457(f"/v1/assets/{one.id}") if problem else None,
    )
