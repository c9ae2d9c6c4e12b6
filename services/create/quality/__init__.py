"""Quality: what draft, standard and premium mean to each provider, as dated data."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.create.choices import unknown

Quality = Literal["draft", "standard", "premium"]


class Grade(BaseModel):
    """How one provider makes one quality: a model, an endpoint, and what it is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = None
    endpoint: str | None = Field(default=None, pattern=r"^/")
    settings: dict[str, str | int | float] = Field(
        default_factory=dict, description="the provider's own parameters"
    )


class Ladder(BaseModel):
    """One provider's three qualities."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grades: dict[Quality, Grade]
    recheck: bool = Field(default=False, description="names were second-hand")
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _is_whole(self) -> Ladder:
        if set(self.grades) != set(get_args(Quality)):
            raise ValueError("a provider needs all of draft, standard and premium")
        return self


class _Book(BaseModel):
    model_config = ConfigDict(extra="forbid")

    checked_on: date
    providers: dict[str, Ladder]


@lru_cache(maxsize=1)
def ladders() -> dict[str, Ladder]:
    """The qualities of every provider, validated; read once."""
    text = (Path(__file__).parent / "2026-11.yaml").read_text(encoding="utf-8")
    return _Book.model_validate(yaml.safe_load(text)).providers


def grade(provider: str, quality: Quality) -> Grade:
    """How a provider makes a quality; Refused (`create.generate.provider`) if it is not known."""
    known = ladders()
    if provider not in known:
        raise unknown("provider", provider, list(known))
    return known[provider].grades[quality]
