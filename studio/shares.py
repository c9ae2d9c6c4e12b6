"""Shares: how a run knows that it is over.

A run begins with share 1. Turning one item into n gives each 1/n of its share; an item that ends
returns what it holds. The run is over when the returned shares sum to exactly 1, in whatever
order the events arrive. This is termination detection by weight throwing (Huang, 1989;
Mattern, 1989) with exact rationals, so nothing is ever lost to rounding.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

WHOLE = Fraction(1)

#: A run that divides itself further than this is not one that anybody wants to pay for.
_MAX_DIGITS = 60


def _parse(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        share = value
    elif isinstance(value, str) and len(value) <= 2 * _MAX_DIGITS + 1:
        try:
            share = Fraction(value)
        except (ValueError, ZeroDivisionError) as error:
            raise ValueError('a share is written as a fraction, such as "1/15"') from error
    else:
        raise ValueError('a share is written as a fraction, such as "1/15"')
    if not 0 < share <= 1 or len(str(share.denominator)) > _MAX_DIGITS:
        raise ValueError("a share is greater than 0 and at most 1")
    return share


Share = Annotated[
    Fraction,
    BeforeValidator(_parse),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[0-9]+(/[0-9]+)?$",
            "examples": ["1", "1/15"],
            "description": "the fraction of its run that an item stands for",
        }
    ),
]


def divide(share: Fraction, parts: int) -> Fraction:
    """The share of each of `parts` ≥ 1 items that one item becomes."""
    return share / parts


def total(shares: Iterable[Fraction]) -> Fraction:
    """The exact sum; the run is over when this is 1."""
    return sum(shares, Fraction(0))
