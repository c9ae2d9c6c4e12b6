"""Edits: what people, and the steps that they wrote, say of an asset."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from studio.metadata import Document
from studio.problems import Refused

Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
CollectionName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
]

_MAX_NAMES = 200  # tags, and collections, of one asset


class Edit(BaseModel):
    """A change of what is said of an asset; what is left out stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str | None = Field(default=None, max_length=300)
    description: str | None = Field(default=None, max_length=4000)
    alt_text: str | None = Field(default=None, max_length=2000)
    favourite: bool | None = None
    review: Literal["", "approved", "rejected"] | None = None
    add_tags: list[Tag] = Field(default_factory=list, max_length=100)
    remove_tags: list[str] = Field(default_factory=list)
    add_collections: list[CollectionName] = Field(default_factory=list, max_length=100)
    remove_collections: list[str] = Field(default_factory=list)

    def applied_to(self, row: Document) -> Document:
        """The row as it is after the edit; the given one is left alone."""
        said = self.model_dump(
            include={"title", "description", "alt_text", "favourite"}, exclude_none=True
        )
        return {
            **row,
            **said,
            **self._reviewed(row),
            "tags": _changed(row["tags"], self.add_tags, self.remove_tags),
            "collections": _changed(
                row["collections"], self.add_collections, self.remove_collections
            ),
        }

    def _reviewed(self, row: Document) -> Document:
        """Since when it is approved or rejected; saying the same again does not renew it."""
        if self.review is None or self.review == row.get("review", ""):
            return {}
        return {
            "review": self.review,
            "reviewed_at": datetime.now(UTC) if self.review else None,
        }


def _changed(now: Iterable[str], added: Iterable[str], removed: Iterable[str]) -> list[str]:
    changed = sorted(({*now} | {*added}) - {*removed})
    if len(changed) > _MAX_NAMES:
        raise Refused(
            rule="library.too_many_names",
            says=f"An asset can have {_MAX_NAMES} tags and be in {_MAX_NAMES} collections.",
            fix="Remove some first.",
        )
    return changed
