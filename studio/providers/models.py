"""Models: which ones are bought for what, as dated data, held against prices and limits.

`models/*.yaml` says where each model is asked for. A studio's own data say which of them a quality
or an operation takes (`Choice`): nothing is loaded that has no price, or no limits.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from studio.problems import Refused
from studio.providers.limits import product_limits
from studio.providers.prices import price_book

_VARIANT = "{variant}"


class Choice(BaseModel):
    """What is bought: a product of the price book, the model that makes it, what it is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: str | None = Field(
        default=None, description="of the price book and the limits; null: nothing is bought by it"
    )
    variants: tuple[str, ...] = Field(
        default=(), description="what a product's `{variant}` may be", examples=[["square"]]
    )
    model: str | None = None
    settings: dict[str, str | int | float] = Field(
        default_factory=dict, description="the provider's own parameters"
    )

    @model_validator(mode="after")
    def _varies_as_it_says(self) -> Self:
        if (_VARIANT in (self.product or "")) != bool(self.variants):
            raise ValueError(f"{self.product}: variants go with {_VARIANT}, and the reverse")
        return self

    @property
    def products(self) -> tuple[str, ...]:
        """Everything that may be bought."""
        if self.product is None:
            return ()
        if not self.variants:
            return (self.product,)
        return tuple(self.bought(one) for one in self.variants)

    def bought(self, variant: str = "") -> str:
        """The product, in a variant. ValueError if there is no such."""
        if self.product is None or (self.variants and variant not in self.variants):
            raise ValueError(f"{self.product} has no variant {variant!r}")
        return self.product.replace(_VARIANT, variant)


def check_known(account: str, choices: Iterable[Choice]) -> None:
    """ValueError if a choice has a product without a price or without limits."""
    for product in (one for choice in choices for one in choice.products):
        try:
            price_book().price(account, product)
            product_limits(account, product)
        except (Refused, KeyError) as unknown:
            raise ValueError(f"{account}: {product} has no price or no limits") from unknown


Ways = dict[str, Choice]  # "usual", or what tells them apart: "words", "mask"


class Performer(BaseModel):
    """What one provider is asked for, by operation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(min_length=1)
    operations: dict[str, Ways]


class _Performers(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    checked_on: date
    providers: dict[str, Performer]

    @model_validator(mode="after")
    def _is_priced(self) -> Self:
        for name, provider in self.providers.items():
            for ways in provider.operations.values():
                if not ways or not all(one.product for one in ways.values()):
                    raise ValueError(f"{name}: every operation names what it buys")
                check_known(name, ways.values())
        return self


def performers(folder: Path) -> dict[str, Performer]:
    """Of a studio's newest data (`*.yaml` in the folder), by provider; held against prices and
    limits."""
    newest = max(folder.glob("*.yaml"))
    read = yaml.safe_load(newest.read_text(encoding="utf-8"))
    return _Performers.model_validate(read).providers


class _Place(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(pattern=r"^/[A-Za-z0-9]")
    source: str = Field(min_length=1)


class _Book(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    checked_on: date
    providers: dict[str, dict[str, _Place]]


@lru_cache(maxsize=1)
def _book() -> _Book:
    newest = max((Path(__file__).parent / "models").glob("*.yaml"))
    return _Book.model_validate(yaml.safe_load(newest.read_text(encoding="utf-8")))


def path_of(provider: str, model: str) -> str:
    """Where a model is asked for. KeyError for one that is not in the data."""
    return _book().providers[provider][model].path
