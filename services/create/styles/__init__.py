"""Styles: how a picture is made to look, for the local engine and for providers, as dated data."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.create.choices import unknown

ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LocalStyle(_Data):
    """How the procedural engine shows a style."""

    painter: str | None = Field(default=None, description="null: the subject decides")
    finish: str | None = Field(default=None, description="what is done to the painted picture")
    strength: float = Field(default=1.0, gt=0, le=1, description="of the finish")
    words: tuple[str, ...] = Field(default=(), description="read as if the prompt said them")


class Style(_Data):
    """One style."""

    id: str = Field(pattern=ID)
    name: str = Field(min_length=1)
    description: str = Field(min_length=1)
    prompt: tuple[str, ...] = Field(min_length=1, description="added to a provider's prompt")
    light: str = Field(default="", description="added where the prompt names no light")
    composition: str = Field(default="", description="added where the prompt names none")
    negative: tuple[str, ...] = Field(default=(), description="added to the negative prompt")
    spoken: tuple[str, ...] = Field(
        default=(), description="words of a prompt that choose it if no style is asked for"
    )
    local: LocalStyle
    presets: dict[str, str] = Field(
        default_factory=dict, description="provider: its own name of this style"
    )
    source: str = Field(min_length=1)


class _Book(BaseModel):
    model_config = ConfigDict(extra="forbid")

    checked_on: date
    styles: tuple[Style, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        ids = [one.id for one in self.styles]
        spoken = [word for one in self.styles for word in one.spoken]
        if len(set(ids)) != len(ids) or len(set(spoken)) != len(spoken):
            raise ValueError("two styles have the same id or are chosen by the same words")
        return self


@lru_cache(maxsize=1)
def styles() -> dict[str, Style]:
    """All styles by id, validated; read once."""
    newest = max(Path(__file__).parent.glob("*.yaml"))
    book = _Book.model_validate(yaml.safe_load(newest.read_text(encoding="utf-8")))
    return {one.id: one for one in book.styles}


def find_style(id_: str) -> Style:
    """The style of that id; Refused (`create.generate.style`) names near ones."""
    known = styles()
    if id_ not in known:
        raise unknown("style", id_, list(known))
    return known[id_]
