"""Templates: what to generate for a purpose, as dated data."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.create.choices import unknown

Space = Literal["left", "right", "top", "centre"]


class Template(BaseModel):
    """A purpose: the size to generate at, and the style, quality and words that suit it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    name: str = Field(min_length=1)
    category: Literal["social", "blog", "ad", "product", "brand", "email", "web"]
    width: int = Field(ge=64, le=4096, description="px, at least the placement's own size")
    height: int = Field(ge=64, le=4096, description="px")
    style: str | None = Field(default=None, description="null: the words of the prompt decide")
    quality: Literal["draft", "standard", "premium"] = "standard"
    placement: str | None = Field(
        default=None, pattern=r"^[a-z0-9_]+$", description="the optimizer's; its size is this one"
    )
    hints: tuple[str, ...] = Field(default=(), description="added to a provider's prompt")
    negative: tuple[str, ...] = Field(default=(), description="added to the negative prompt")
    copy_space: Space | None = Field(default=None, description="where the picture stays calm")
    alone: bool = Field(
        default=False, description="the product without surroundings, to be cut out"
    )
    source: str = Field(min_length=1)
    note: str | None = None


class _Book(BaseModel):
    model_config = ConfigDict(extra="forbid")

    checked_on: date
    templates: tuple[Template, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        if len({one.id for one in self.templates}) != len(self.templates):
            raise ValueError("two templates have the same id")
        return self


@lru_cache(maxsize=1)
def templates() -> dict[str, Template]:
    """All templates by id, validated; read once."""
    newest = max(Path(__file__).parent.glob("*.yaml"))
    book = _Book.model_validate(yaml.safe_load(newest.read_text(encoding="utf-8")))
    return {one.id: one for one in book.templates}


def find_template(id_: str) -> Template:
    """The template of that id; Refused (`create.generate.template`) names near ones."""
    known = templates()
    if id_ not in known:
        raise unknown("template", id_, list(known))
    return known[id_]
