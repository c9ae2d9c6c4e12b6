"""Templates: what to generate for a purpose, as dated data."""

from __future__ import annotations

import difflib
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from studio.problems import Refused


class Template(BaseModel):
    """A purpose: the size to generate at, and the style and quality that suit it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    name: str
    category: Literal["social", "blog", "email", "web", "product"]
    width: int = Field(ge=64, le=4096, description="px, at least the placement's own size")
    height: int = Field(ge=64, le=4096)
    style: str | None = None
    quality: Literal["draft", "standard", "premium"] = "standard"
    source: str
    note: str | None = None


class _Book(BaseModel):
    model_config = ConfigDict(extra="forbid")

    checked_on: date
    templates: list[Template]


@lru_cache(maxsize=1)
def templates() -> dict[str, Template]:
    """All templates by id, validated."""
    text = (Path(__file__).parent / "2026-11.yaml").read_text()
    return {one.id: one for one in _Book.model_validate(yaml.safe_load(text)).templates}


def find_template(id_: str) -> Template:
    """The template of that id; Refused names near ones."""
    known = templates()
    if id_ in known:
        return known[id_]
    near = difflib.get_close_matches(id_, known, n=3, cutoff=0.5)
    raise Refused(
        rule="create.generate.template",
        says=f"There is no template {id_!r}.",
        fix=f"Did you mean {', '.join(near)}?" if near else "Use one of the valid ones.",
        valid=sorted(known),
    )
