"""Prices: what a call costs, as dated data (`prices/*.yaml`), each with its source.

A quote reads the newest book that is valid; what was paid is taken from the reply where it tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_UP, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from studio.money import Amount, Money, PriceRange
from studio.problems import Refused


class Price(BaseModel):
    """The price of one call of a product, or of one image where the unit says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: str = Field(pattern=r"^[a-z0-9][a-z0-9._/-]*$", examples=["edit.erase"])
    unit: str = Field(pattern="^(call|image)$")
    expected: Amount
    minimum: Amount | None = Field(default=None, description="null: the expected one")
    maximum: Amount | None = Field(default=None, description="null: the expected one")
    per_megapixel: Amount | None = Field(
        default=None,
        description="of a result, where it is billed by that; a begun one (2²⁰ px) is a whole one",
    )
    note: str | None = None
    source: str
    checked_on: date | None = Field(default=None, description="null: the book's day")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        low, high = self.minimum or self.expected, self.maximum or self.expected
        if not 0 <= low <= self.expected <= high:
            raise ValueError(f"{self.product}: minimum ≤ expected ≤ maximum does not hold")
        return self


class _Provider(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: str = Field(pattern="^[A-Z]{3}$")
    prices: list[Price]


class PriceBook(BaseModel):
    """All prices of one date."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    checked_on: date
    providers: dict[str, _Provider]

    @model_validator(mode="after")
    def _no_product_twice(self) -> Self:
        for name, provider in self.providers.items():
            products = [one.product for one in provider.prices]
            if len(set(products)) < len(products):
                raise ValueError(f"{name} has two prices for one product")
        return self

    def price(self, provider: str, product: str, images: int = 1) -> PriceRange:
        """What a call costs that makes so many images.

        Refused (`price.unknown`): nothing is bought whose price is not known.
        """
        found = self._find(provider, product)
        if found:
            times = images if found.unit == "image" else 1
            return _range(found, self.providers[provider].currency) * times
        raise Refused(
            rule="price.unknown",
            says=f"The price book {self.version} knows no price of {product} at {provider}.",
            fix="Add it to studio/providers/prices with its source, or use another provider.",
        )

    def most(self, provider: str, product: str, expected: Money) -> Money:
        """What a call may cost at most that is expected to cost so much, however many images it
        makes. Refused (`price.unknown`) as `price`."""
        known = self.price(provider, product)
        if not known.expected:
            return known.maximum
        times = expected.amount / known.expected.amount
        amount = (known.maximum.amount * times).quantize(_SMALLEST, rounding=ROUND_UP)
        return Money.of(max(amount, expected.amount), known.maximum.currency)

    def by_size(
        self, provider: str, product: str, sizes: Sequence[tuple[int, int]]
    ) -> Money | None:
        """What a call has cost whose results have these sizes, px; None if its price is not by
        them, or none are told."""
        found = self._find(provider, product)
        if not sizes or found is None or found.per_megapixel is None:
            return None
        megapixels = sum(-(-width * height // _MEGAPIXEL) for width, height in sizes)
        return Money.of(found.per_megapixel * megapixels, self.providers[provider].currency)

    def amounts(self, provider: str, product: str, expected: Money, most: Money) -> list[Decimal]:
        """What a call may have cost that was billed and whose results nobody has seen: the expected
        price first, and where the price is by size every number of megapixels up to the most."""
        found = self._find(provider, product)
        if found is None or not found.per_megapixel:
            return [expected.amount]
        megapixels = range(1, int(most.amount // found.per_megapixel) + 1)
        others = [found.per_megapixel * one for one in megapixels]
        return [expected.amount, *(one for one in others if one != expected.amount)]

    def _find(self, provider: str, product: str) -> Price | None:
        of_whom = self.providers.get(provider)
        prices = of_whom.prices if of_whom else []
        return next((one for one in prices if one.product == product), None)


_MEGAPIXEL = 2**20  # px: 1024×1024 is billed as one
_SMALLEST = Decimal("0.000000001")  # as exact as amounts are (studio.money)


def _range(price: Price, currency: str) -> PriceRange:
    return PriceRange(
        minimum=Money.of(price.minimum or price.expected, currency),
        expected=Money.of(price.expected, currency),
        maximum=Money.of(price.maximum or price.expected, currency),
    )


@lru_cache(maxsize=1)
def price_book() -> PriceBook:
    """The newest book, validated."""
    newest = max((Path(__file__).parent / "prices").glob("*.yaml"))
    return PriceBook.model_validate(
        {"version": newest.stem, **yaml.safe_load(newest.read_text(encoding="utf-8"))}
    )
