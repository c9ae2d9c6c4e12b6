"""Shares: exact, and complete exactly when everybody has returned."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from studio.shares import WHOLE, Share, divide, total


class Holder(BaseModel):
    share: Share


@given(st.lists(st.integers(1, 12), max_size=6), st.randoms())
def test_shares_sum_to_one_however_items_divide_and_in_whatever_order_they_return(parts, random):
    held = [WHOLE]
    for n in parts:
        one = held.pop(random.randrange(len(held)))
        held += [divide(one, n)] * n
    random.shuffle(held)
    assert total(held) == 1
    assert total(held[1:]) < 1


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_a_share_survives_json_exactly(a, b):
    share = Fraction(min(a, b), max(a, b))
    assert Holder.model_validate_json(Holder(share=share).model_dump_json()).share == share


@pytest.mark.parametrize(
    "bad", ["0", "3/2", "-1/2", "1/0", "a", "0.1.2", 0.5, None, "1/" + "9" * 99]
)
def test_what_is_not_a_share_is_refused(bad):
    with pytest.raises(ValidationError):
        Holder(share=bad)
