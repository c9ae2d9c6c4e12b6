"""Placements: where an image is published, as dated data."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from studio.imaging.geometry import Box
from studio.problems import Refused

Format = Literal["jpeg", "png", "webp", "avif"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Margins(_Data):
    """What the platform covers with its own controls, px from each edge."""

    top: int = Field(ge=0)
    bottom: int = Field(ge=0)
    left: int = Field(ge=0)
    right: int = Field(ge=0)


class Placement(_Data):
    """One place: its exact size, what it accepts, and where nothing covers the picture."""

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    platform: str
    name: str
    width: int = Field(ge=16, le=10_000, description="px")
    height: int = Field(ge=16, le=10_000, description="px")
    formats: tuple[Format, ...] = Field(min_length=1, description="accepted, preferred first")
    also_accepts: tuple[str, ...] = Field(default=(), description="accepted, but not written here")
    max_bytes: int | None = Field(default=None, gt=0, description="null: no limit is known")
    advised_bytes: int | None = Field(default=None, gt=0, description="advice, not a limit")
    min_bytes: int = Field(default=0, ge=0)
    min_width: int | None = Field(default=None, description="px; smaller pictures are refused")
    min_height: int | None = None
    safe_margins: Margins
    alt_text_required: bool = False
    source: str
    checked_on: date
    valid_from: date | None = None
    valid_until: date | None = None

    @property
    def ratio(self) -> float:
        """Width ÷ height."""
        return self.width / self.height

    @property
    def safe_zone(self) -> Box:
        """What stays uncovered, normalised."""
        margins = self.safe_margins
        return Box(
            x0=margins.left / self.width,
            y0=margins.top / self.height,
            x1=1 - margins.right / self.width,
            y1=1 - margins.bottom / self.height,
        )


class PlacementBook(_Data):
    """All placements of one version."""

    version: str
    checked_on: date
    placements: tuple[Placement, ...]

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        ids = [one.id for one in self.placements]
        if len(set(ids)) != len(ids):
            raise ValueError("two placements have the same id")
        return self

    def chosen(self, names: Sequence[str]) -> list[Placement]:
        """Placements by id, by platform (all of its) or "all", without doubles, in order.

        Refused names near ones if one is unknown.
        """
        found: dict[str, Placement] = {}
        for name in names:
            matching = [one for one in self.placements if name in (one.id, one.platform, "all")]
            if not matching:
                raise self._unknown(name)
            found |= {one.id: one for one in matching}
        return list(found.values())

    def _unknown(self, name: str) -> Refused:
        known = sorted({one.id for one in self.placements} | {p.platform for p in self.placements})
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        return Refused(
            rule="optimizer.placement",
            says=f"There is no placement or platform {name!r}.",
            fix=f"Did you mean {', '.join(near)}?" if near else "Use one of the valid ones.",
            valid=[*known, "all"],
        )


@lru_cache(maxsize=1)
def placement_books() -> Mapping[str, PlacementBook]:
    """All versions, validated, the oldest first; read once."""
    files = sorted(Path(__file__).parent.glob("*.yaml"))
    books = [PlacementBook.model_validate(yaml.safe_load(file.read_text())) for file in files]
    return {book.version: book for book in books}


def placement_book(version: str | None = None) -> PlacementBook:
    """The placements of a version, by default the newest.

    Refused (optimizer.placements_version) if there is no such version.
    """
    books = placement_books()
    if version is None:
        return list(books.values())[-1]
    if version not in books:
        raise Refused(
            rule="optimizer.placements_version",
            says=f"There is no version {version!r} of the placement data.",
            fix="Use one of the valid ones, or none for the newest.",
            valid=list(books),
        )
    return books[version]
