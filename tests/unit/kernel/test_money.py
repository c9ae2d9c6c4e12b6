"""Money: exact, and never mixed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.money import Money, PriceRange
from studio.problems import Refused

amounts = st.decimals(min_value=0, max_value=10_000, places=9)


@given(amounts, st.integers(1, 50))
def test_the_parts_of_a_split_sum_to_the_whole(amount, parts):
    pieces = Money.of(amount).split(parts)
    assert len(pieces) == parts
    assert sum(piece.amount for piece in pieces) == amount
    assert max(p.amount for p in pieces) - min(p.amount for p in pieces) <= Decimal("0.000000001")


@given(amounts)
def test_money_survives_json_without_becoming_a_float(amount):
    money = Money.of(amount)
    assert isinstance(money.model_dump(mode="json")["amount"], str)
    assert Money.model_validate_json(money.model_dump_json()) == money


def test_currencies_do_not_mix():
    with pytest.raises(Refused, match="USD and EUR"):
        Money.of("1") + Money.of("1", "EUR")


def test_a_price_range_adds_and_multiplies():
    price = PriceRange.exactly(Money.of("0.04")) * 3 + PriceRange.exactly(Money.of("0.08"))
    assert price.expected == Money.of("0.2")
