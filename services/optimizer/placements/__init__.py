"""Placements: where an image is published, as dated data.

Each version is one YAML file that stands alone, named by its month. A run pins the version that it
began with, so old versions stay: what they say is never edited, a newer version says it anew.
What else platforms are called is data, too (aliases.yaml), for all versions. Capitals do not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.optimizer.placements.model import (
    Aliases,
    Format,
    Margins,
    Placement,
    ProductRules,
    Source,
    Upcoming,
    codes,
)
from studio.naming import did_you_mean, spelled
from studio.problems import NotFound, Refused

__all__ = [
    "Format",
    "Margins",
    "Placement",
    "PlacementBook",
    "ProductRules",
    "Source",
    "Upcoming",
    "placement_book",
    "placement_books",
    "platform_aliases",
]


_OTHERWISE = "Use one of the valid ones."


class PlacementBook(BaseModel):
    """All placements of one version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="year and month")
    checked_on: date
    reconstructed: str = Field(
        default="", description="how it was made, if nobody recorded it at the time"
    )
    sources: dict[str, Source] = Field(min_length=1, description="what the rows' codes stand for")
    placements: tuple[Placement, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        ids = [one.id for one in self.placements]
        names = {*ids, *(one.platform for one in self.placements), "all"}
        if len(names) != len(ids) + len({one.platform for one in self.placements}) + 1:
            raise ValueError("two placements have the same id, or one is named like a platform")
        return self

    @model_validator(mode="after")
    def _sources_are_known(self) -> Self:
        for one in self.placements:
            named = codes(one.source)
            if not named or named - set(self.sources):
                raise ValueError(f"{one.id}: its source is none of the book's sources")
            if one.checked_on > self.checked_on:
                raise ValueError(f"{one.id}: checked after the book was")
        return self

    def get(self, id_: str) -> Placement | None:
        """The placement of that id."""
        return next((one for one in self.placements if one.id == id_), None)

    @property
    def ids(self) -> list[str]:
        """Of every placement, in the book's order."""
        return [one.id for one in self.placements]

    @property
    def platforms(self) -> list[str]:
        """Every platform once, likewise."""
        return list(dict.fromkeys(one.platform for one in self.placements))

    def placement(self, id_: str) -> Placement:
        """The placement of that id, in any spelling; NotFound names near ones."""
        meant = _meant(id_, self.ids)
        if found := self.get(meant):
            return found
        raise NotFound(
            rule="optimizer.placement",
            says=f"There is no placement {id_[:80]!r} in version {self.version}.",
            fix=did_you_mean(meant, self.ids, _OTHERWISE),
            valid=self.ids,
        )

    def of_platform(self, name: str) -> list[Placement]:
        """All placements of a platform, by its name or an alias; Refused names near ones."""
        meant = _meant(name, self.platforms)
        if found := [one for one in self.placements if one.platform == meant]:
            return found
        raise Refused(
            rule="optimizer.platform",
            says=f"There is no platform {name[:80]!r} in version {self.version}.",
            fix=did_you_mean(meant, self.platforms, _OTHERWISE),
            valid=self.platforms,
        )

    def chosen(self, names: Sequence[str]) -> list[Placement]:
        """Placements by id, by platform (all of its) or "all", without doubles, in order; in any
        spelling, and platforms by their aliases, too.

        Refused names near ones if one is unknown.
        """
        known = [*sorted({*self.ids, *self.platforms}), "all"]
        found: dict[str, Placement] = {}
        for name in names:
            meant = _meant(name, known)
            matching = [one for one in self.placements if meant in (one.id, one.platform, "all")]
            if not matching:
                raise Refused(
                    rule="optimizer.placement",
                    says=f"There is no placement or platform {name[:80]!r}.",
                    fix=did_you_mean(meant, known, _OTHERWISE),
                    valid=known,
                )
            found |= {one.id: one for one in matching}
        return list(found.values())


@lru_cache(maxsize=1)
def platform_aliases() -> Mapping[str, str]:
    """Platforms by what else they are called; read once."""
    text = Path(__file__).with_name("aliases.yaml").read_text(encoding="utf-8")
    read = Aliases.model_validate(yaml.safe_load(text))
    return {name: one.platform for name, one in read.aliases.items()}


@lru_cache(maxsize=1)
def placement_books() -> Mapping[str, PlacementBook]:
    """All versions, validated, the oldest first; read once."""
    return books_in(Path(__file__).parent)


def books_in(folder: Path) -> dict[str, PlacementBook]:
    """The versions in a folder, the oldest first; ValueError if a file is not named by its own."""
    books = {}
    for file in sorted(folder.glob("[0-9]*.yaml")):
        book = PlacementBook.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        if book.version != file.stem:
            raise ValueError(f"{file.name} says that it is version {book.version}")
        books[book.version] = book
    return books


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
            says=f"There is no version {version[:40]!r} of the placement data.",
            fix="Use one of the valid ones, or none for the newest.",
            valid=list(books),
        )
    return books[version]


def _meant(name: str, known: Sequence[str]) -> str:
    """The known name that is meant: in its own spelling, with the platform's name for an alias.
    What is not known comes back with that name, to find what is near."""
    if found := spelled(name, known):
        return found
    aliases = platform_aliases()
    if alias := spelled(name, aliases):
        return aliases[alias]
    first, _, rest = name.partition("_")
    alias = spelled(first, aliases)
    own = f"{aliases[alias]}_{rest}" if alias else name
    return spelled(own, known) or own
