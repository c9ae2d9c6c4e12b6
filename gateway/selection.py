"""Selections: assets of the library, by id or by what is known of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal

from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel, ConfigDict, Field

from studio.problems import NotFound
from studio.rpc import asking
from studio.v1 import library_pb2 as pb

_PAGE = 200  # assets asked for at once, the most that the library gives
_TOGETHER = 20  # assets looked up side by side


class AssetFilters(BaseModel):
    """What to look for; all that is given must hold."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(default="", max_length=500, description="words that must all occur")
    run: str = ""
    workflow: str = ""
    operation: str = ""
    provider: str = ""
    collection: str = ""
    tags: list[str] = Field(default_factory=list, description="any of them")
    favourite: bool | None = None
    needs_review: bool | None = Field(
        default=None, description="whoever made it gave a reason to look, and nobody did yet"
    )
    reviewed: bool | None = Field(default=None, description="approved or rejected by a person")
    review: Literal["", "approved", "rejected"] = ""
    blob: str = ""
    parent: str = ""
    media_type: str = ""
    label: str = ""
    created_from: datetime | None = None
    created_to: datetime | None = None


def listing(workspace: str, filters: AssetFilters, **page: Any) -> pb.ListAssetsRequest:
    """The question to the library; page: sort, cursor, limit."""
    moments: dict[str, Any] = {}
    for name in ("created_from", "created_to"):
        if when := getattr(filters, name):
            moments[name] = Timestamp()
            moments[name].FromDatetime(when)
    known = {name: getattr(filters, name) for name in AssetFilters.model_fields}
    plain = {name: one for name, one in known.items() if one is not None and name not in moments}
    return pb.ListAssetsRequest(workspace=workspace, **plain, **moments, **page)


async def named(library: Any, workspace: str, ids: Sequence[str]) -> AsyncIterator[Any]:
    """Assets by id, each once, in order. NotFound if one of them is not there."""
    async for one in _looked_up(library, workspace, ids):
        if isinstance(one, NotFound):
            raise one
        yield one


async def still_there(library: Any, workspace: str, ids: Sequence[str]) -> AsyncIterator[Any]:
    """As `named`, but without those that are gone."""
    async for one in _looked_up(library, workspace, ids):
        if not isinstance(one, NotFound):
            yield one


async def matching(library: Any, workspace: str, filters: AssetFilters) -> AsyncIterator[Any]:
    """Every asset that matches, the oldest first; none twice while others are added."""
    question = listing(workspace, filters, sort="created_at", limit=_PAGE)
    while True:
        async with asking("library"):
            answer = await library.ListAssets(question)
        for one in answer.assets:
            yield one
        if not answer.next_cursor:
            return
        question.cursor = answer.next_cursor


async def _looked_up(library: Any, workspace: str, ids: Sequence[str]) -> AsyncIterator[Any]:
    """Each asset, or the NotFound that was answered for it."""
    distinct = list(dict.fromkeys(ids))
    for first in range(0, len(distinct), _TOGETHER):
        some = (_asset(library, workspace, id_) for id_ in distinct[first : first + _TOGETHER])
        for one in await asyncio.gather(*some, return_exceptions=True):
            if isinstance(one, BaseException) and not isinstance(one, NotFound):
                raise one
            yield one


async def _asset(library: Any, workspace: str, id_: str) -> Any:
    async with asking("library"):
        return await library.GetAsset(pb.GetAssetRequest(workspace=workspace, id=id_))
