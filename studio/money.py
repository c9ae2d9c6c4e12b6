"""Money: exact amounts in one currency, never floats."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from studio.problems import Refused

#: Amounts travel as strings: JSON numbers are floats to most readers.
Amount = Annotated[
    Decimal,
    Field(max_digits=20, decimal_places=9, allow_inf_nan=False),
    PlainSerializer(lambda value: format(value.normalize(), "f"), return_type=str),
]

_SMALLEST = Decimal("0.000000001")


class Money(BaseModel):
    """An amount of one currency (ISO 4217); sums and comparisons refuse to mix currencies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Amount
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")

    @classmethod
    def zero(cls, currency: str = "USD") -> Self:
        """Nothing, in that currency."""
        return cls(amount=Decimal(0), currency=currency)

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str = "USD") -> Self:
        """Money from an exact amount; floats are not accepted."""
        return cls(amount=Decimal(amount), currency=currency)

    def __add__(self, other: Money) -> Money:
        return Money(amount=self.amount + self._same(other), currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(amount=self.amount - self._same(other), currency=self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(amount=self.amount * times, currency=self.currency)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.currency}"

    def split(self, parts: int) -> list[Money]:
        """Divide into `parts` ≥ 1 amounts that sum to exactly this one.

        The first parts carry the indivisible remainder, a billionth each.
        """
        each = (self.amount / parts).quantize(_SMALLEST, rounding="ROUND_DOWN")
        extra = int((self.amount - each * parts) / _SMALLEST)
        return [
            Money(amount=each + (_SMALLEST if i < extra else 0), currency=self.currency)
            for i in range(parts)
        ]

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise Refused(
                rule="money.currency",
                says=f"Amounts in {self.currency} and {other.currency} cannot be combined.",
                fix="Use one currency for the budget and the price book.",
            )
        return other.amount


class PriceRange(BaseModel):
    """A price before the fact: what it costs at least, probably, and at most."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum: Money
    expected: Money
    maximum: Money

    @classmethod
    def exactly(cls, money: Money) -> Self:
        """A price that is known."""
        return cls(minimum=money, expected=money, maximum=money)

    def __add__(self, other: PriceRange) -> PriceRange:
        return PriceRange(
            minimum=self.minimum + other.minimum,
            expected=self.expected + other.expected,
            maximum=self.maximum + other.maximum,
        )

    def __mul__(self, times: int) -> PriceRange:
        return PriceRange(
            minimum=self.minimum * times,
            expected=self.expected * times,
            maximum=self.maximum * times,
        )
