"""Quality: what draft, standard and premium mean to each provider, as dated data."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.create.choices import unknown
from studio.problems import Refused
from studio.providers.models import Choice, check_known

Quality = Literal["draft", "standard", "premium"]
#: From words; following a picture; without a background; following one without a background.
Manner = Literal["grades", "reference", "transparent", "transparent_reference"]

Grade = Choice


class Ladder(BaseModel):
    """One provider's three qualities, in each manner that it has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: str | None = Field(default=None, description="whose prices; null: nothing is paid")
    grades: dict[Quality, Grade]
    reference: dict[Quality, Grade] = Field(default_factory=dict)
    transparent: dict[Quality, Grade] = Field(default_factory=dict)
    transparent_reference: dict[Quality, Grade] = Field(default_factory=dict)
    recheck: bool = Field(default=False, description="names were second-hand")
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _is_whole(self) -> Ladder:
        for grades in (getattr(self, manner) for manner in get_args(Manner)):
            if set(grades) not in ({*get_args(Quality)}, set()) or not self.grades:
                raise ValueError("a provider needs all of draft, standard and premium")
            if self.account:
                check_known(self.account, grades.values())
                if not all(one.product for one in grades.values()):
                    raise ValueError("what is paid names a product")
        return self

    def products(self) -> tuple[str, ...]:
        """Everything that may be bought, each once; the standard from words first."""
        usual = [self.grades["standard"], *self.grades.values()]
        others = (getattr(self, manner).values() for manner in get_args(Manner)[1:])
        every = (*usual, *(one for grades in others for one in grades))
        return tuple(dict.fromkeys(product for one in every for product in one.products))


class _Book(BaseModel):
    model_config = ConfigDict(extra="forbid")

    checked_on: date
    providers: dict[str, Ladder]


@lru_cache(maxsize=1)
def ladders() -> dict[str, Ladder]:
    """The qualities of every provider, validated against prices and limits; read once."""
    newest = max(Path(__file__).parent.glob("*.yaml"))
    return _Book.model_validate(yaml.safe_load(newest.read_text(encoding="utf-8"))).providers


def ladder(provider: str) -> Ladder:
    """One provider's qualities; Refused (`create.generate.provider`) if it is not known."""
    known = ladders()
    if provider not in known:
        raise unknown("provider", provider, list(known))
    return known[provider]


def grade(provider: str, quality: Quality, manner: Manner = "grades") -> Grade:
    """How a provider makes a quality.

    Refused (`create.generate.<manner>`) if it has no such manner.
    """
    found: dict[Quality, Grade] = getattr(ladder(provider), manner)
    if not found:
        raise _not_had(provider, manner)
    return found[quality]


def _not_had(provider: str, manner: Manner) -> Refused:
    able = sorted(name for name, one in ladders().items() if getattr(one, manner))
    does = {
        "reference": "makes pictures from words only here; it would not follow the reference",
        "transparent": "makes whole pictures only; the background would not be transparent",
        "transparent_reference": "documents no way to follow a picture and leave the background "
        "out at once",
    }
    fix = {
        "reference": "Leave the reference out, or use a provider that follows one.",
        "transparent": "Put edit.remove_background after it, or use a provider that can.",
        "transparent_reference": "Leave one of them out, and put edit.remove_background after it; "
        "or use a provider that does both.",
    }
    known = ladder(provider)
    where = f" ({known.source})" if known.account else ""
    return Refused(
        rule=f"create.generate.{manner}",
        says=f"{provider} {does[manner]}{where}.",
        fix=fix[manner],
        valid=able,
    )
