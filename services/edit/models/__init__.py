"""Models: what each provider is asked for by each edit, as dated data."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from studio.providers.models import Choice, check_known

Ways = dict[str, Choice]  # "usual", or what tells them apart: "words", "mask"


class Provider(BaseModel):
    """One provider's edits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(min_length=1)
    operations: dict[str, Ways]


class _Book(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    checked_on: date
    providers: dict[str, Provider]

    @model_validator(mode="after")
    def _is_priced(self) -> _Book:
        for name, provider in self.providers.items():
            for ways in provider.operations.values():
                if not ways or not all(one.product for one in ways.values()):
                    raise ValueError(f"{name}: every edit names what it buys")
                check_known(name, ways.values())
        return self


@lru_cache(maxsize=1)
def providers() -> dict[str, Provider]:
    """Every provider, validated against prices and limits; read once."""
    newest = max(Path(__file__).parent.glob("*.yaml"))
    return _Book.model_validate(yaml.safe_load(newest.read_text(encoding="utf-8"))).providers


def ways(provider: str, operation: str) -> Ways:
    """The ways in which a provider does an edit. KeyError if it does not."""
    return providers()[provider].operations[operation]
