"""Compliance: which catalogued renditions a version of the placement data makes unfit.

The library is read page by page, the optimizer judges each page; neither knows of the other. A
rendition that was exported again since, the same way and for that version, is superseded.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any

from google.protobuf import json_format
from pydantic import BaseModel, ConfigDict, Field

from gateway.selection import AssetFilters, matching
from gateway.studios import Studios
from studio.events import About
from studio.rpc import asking, whole_numbers
from studio.v1 import optimizer_pb2

_PAGE = 200  # renditions judged at once
_EXPORT = "optimizer.export"


class Scope(BaseModel):
    """Which renditions to look at; everything that is left out does not matter."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(default="", description="of the placement data; empty: the newest")
    placement: str = Field(default="", description="an id")
    collection: str = ""
    run: str = ""


class BrokenRule(BaseModel):
    """A rule, and how it is broken."""

    rule: str = Field(examples=["placement.safe_zone"])
    says: str
    since: date | None = Field(default=None, description="announced for that day; null: in force")

    @property
    def is_removal(self) -> bool:
        """Whether the version has no such placement: nothing can be made for it any more."""
        return self.rule == "placement.removed"


class Broken(BaseModel):
    """A rendition that does not comply."""

    asset: str
    placement: str
    made_with: str = Field(description="version of the placement data; empty: not known")
    master: str | None = Field(description="the asset that it was exported from")
    rules: list[BrokenRule]


class ComplianceReport(BaseModel):
    """What a version of the placement data means for the library."""

    version: str
    checked: int = Field(description="renditions that were looked at")
    superseded: int = Field(description="that do not comply, but were exported again since")
    renditions: list[Broken] = Field(description="that do not comply, the oldest first")


class Rendition:
    """A catalogued rendition, as the library tells of it."""

    def __init__(self, asset: Any) -> None:
        self.asset = asset
        self.details = json_format.MessageToDict(asset.details)
        self.placement: str = str(self.details.get("placement", ""))
        self.master: str | None = asset.parents[0] if asset.parents else None

    @property
    def made_with(self) -> str:
        """The version of the placement data."""
        return str(self.details.get("placements_version", ""))

    @property
    def wishes(self) -> dict[str, Any]:
        """The parameters of its export, but for the placements and their version."""
        params = whole_numbers(json_format.MessageToDict(self.asset.params))
        return {k: v for k, v in params.items() if k not in ("placements", "placements_version")}

    @property
    def about(self) -> About:
        """What is said of it, to be said of its successor."""
        one = self.asset
        return About(
            title=one.title or None,
            description=one.description or None,
            alt_text=one.alt_text or None,
            prompt=one.prompt or None,
            tags=list(one.tags)[:100],
            collection=one.collections[0] if one.collections else None,
        )

    @property
    def recipe(self) -> str:
        """The same for renditions of one master for one placement, exported the same way."""
        return json.dumps([self.master, self.placement, self.wishes], sort_keys=True)

    def facts(self) -> optimizer_pb2.RenditionFacts:
        """What the rules are about."""
        one = self.asset
        return optimizer_pb2.RenditionFacts(
            placement=self.placement,
            width=one.image.width,
            height=one.image.height,
            format=one.image.media_type.removeprefix("image/"),
            bytes=one.bytes,
            version=self.made_with,
            has_alt_text=bool(one.alt_text),
        )


class Unfit:
    """The renditions that do not comply, with the rules that they break."""

    def __init__(self, version: str) -> None:
        self.version, self.checked, self.superseded = version, 0, 0
        self.renditions: list[tuple[Rendition, list[BrokenRule]]] = []

    def report(self) -> ComplianceReport:
        """As it is answered."""
        return ComplianceReport(
            version=self.version,
            checked=self.checked,
            superseded=self.superseded,
            renditions=[
                Broken(
                    asset=one.asset.id,
                    placement=one.placement,
                    made_with=one.made_with,
                    master=one.master,
                    rules=rules,
                )
                for one, rules in self.renditions
            ],
        )


async def unfit(studios: Studios, workspace: str, scope: Scope) -> Unfit:
    """Look at every rendition in scope. Refused if there is no such version."""
    found = Unfit(await _version(studios, scope.version))
    fit: set[str] = set()
    filters = AssetFilters(
        operation=_EXPORT, label=scope.placement, collection=scope.collection, run=scope.run
    )
    async for page in _renditions(studios, workspace, filters):
        for one, rules in zip(page, await _judged(studios, page, found.version), strict=True):
            found.checked += 1
            if rules:
                found.renditions.append((one, rules))
            elif one.made_with == found.version:
                fit.add(one.recipe)
    if scope.run:
        fit |= await _fit_elsewhere(studios, workspace, filters, found)
    remaining = [(one, rules) for one, rules in found.renditions if one.recipe not in fit]
    found.superseded = len(found.renditions) - len(remaining)
    found.renditions = remaining
    return found


async def _fit_elsewhere(
    studios: Studios, workspace: str, filters: AssetFilters, found: Unfit
) -> set[str]:
    """Recipes of what was exported again since: it belongs to another run than what it replaces."""
    fit: set[str] = set()
    for master in sorted({one.master for one, _ in found.renditions if one.master}):
        siblings = filters.model_copy(update={"run": "", "parent": master})
        async for page in _renditions(studios, workspace, siblings):
            for one, rules in zip(page, await _judged(studios, page, found.version), strict=True):
                if not rules and one.made_with == found.version:
                    fit.add(one.recipe)
    return fit


async def _version(studios: Studios, asked: str) -> str:
    """The version by its name; an unknown one is refused even where the library is empty."""
    async with asking("optimizer"):
        answer = await studios.placements.CheckCompliance(
            optimizer_pb2.CheckComplianceRequest(version=asked)
        )
    return str(answer.version)


async def _renditions(
    studios: Studios, workspace: str, filters: AssetFilters
) -> AsyncIterator[list[Rendition]]:
    """Pages of renditions, the oldest first."""
    page: list[Rendition] = []
    async for asset in matching(studios.library, workspace, filters):
        one = Rendition(asset)
        if one.placement:
            page.append(one)
        if len(page) == _PAGE:
            yield page
            page = []
    yield page


async def _judged(
    studios: Studios, page: Sequence[Rendition], version: str
) -> list[list[BrokenRule]]:
    request = optimizer_pb2.CheckComplianceRequest(
        version=version, renditions=[one.facts() for one in page]
    )
    async with asking("optimizer"):
        answer = await studios.placements.CheckCompliance(request)
    return [
        [
            BrokenRule(rule=one.rule, says=one.says, since=one.since or None)
            for one in judged.breaches
        ]
        for judged in answer.renditions
    ]
