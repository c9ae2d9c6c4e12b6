"""Which calls were billed, if so much is missing from a balance."""

import sys
import tracemalloc
from decimal import Decimal
from itertools import chain, cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.providers import explaining as module
from studio.providers.explaining import explaining

PRICES = [[Decimal(one)] for one in ("0.003", "0.025", "0.05", "0.004")]
BY_SIZE = [Decimal("0.12"), *(Decimal("0.03") * times for times in range(1, 18))]
FORTY = list(islice(cycle([*PRICES, BY_SIZE]), 40))


def lines_run(missing: Decimal, calls: list[list[Decimal]]) -> tuple[list[Decimal] | None, int]:
    """The answer, and how many lines of the module it took."""
    run = 0

    def inside(frame, event, _):
        nonlocal run
        run += event == "line"
        return inside if frame.f_code.co_filename == module.__file__ else None

    former = sys.gettrace()
    sys.settrace(inside)
    try:
        return explaining(missing, calls), run
    finally:
        sys.settrace(former)


def test_forty_calls_of_mixed_prices_are_explained_to_the_last_digit():
    billed = [amounts[0] for amounts in FORTY[::3]]
    found, lines = lines_run(sum(billed), FORTY)
    assert found
    assert sum(found) == sum(billed)
    assert all(one == 0 or one in amounts for one, amounts in zip(found, FORTY, strict=True))
    assert lines < 5_000


@pytest.mark.parametrize("missing", ["0.001", "0.0805", "0.819", "0.821", "9999", "-0.003"])
def test_what_forty_calls_cannot_explain_is_found_out_in_few_steps(missing):
    found, lines = lines_run(Decimal(missing), PRICES * 10)  # 0.82 together
    assert found is None
    assert lines < 5_000


def test_what_nothing_explains_has_no_answer():
    for missing in ("0.001", "0.0005", "0.029", "1", "-0.003"):
        assert explaining(Decimal(missing), PRICES[:2]) is None


def test_the_oldest_of_equal_calls_is_the_one_that_was_billed():
    price = Decimal("0.003")
    assert explaining(price, [[price]] * 3) == [price, 0, 0]
    assert explaining(2 * price, [[price]] * 3) == [price, price, 0]


def test_of_several_amounts_the_first_that_fits_was_billed():
    assert explaining(Decimal("0.12"), [BY_SIZE]) == [Decimal("0.12")]
    assert explaining(Decimal("0.15"), [BY_SIZE]) == [Decimal("0.15")]
    assert explaining(Decimal("0.52"), [BY_SIZE]) is None


def test_nothing_missing_is_explained_by_no_call_also_where_there_is_none():
    assert explaining(Decimal(0), PRICES) == [0] * 4
    assert explaining(Decimal(0), []) == []
    assert explaining(Decimal("0.01"), []) is None
    assert explaining(Decimal(0), [[Decimal(0)]]) == [0]


def test_sums_too_many_to_look_through_explain_nothing():
    fine = [[Decimal(10_000) + Decimal("0.000001")]] * 3
    assert explaining(fine[0][0], fine) == [fine[0][0], 0, 0]  # whole steps of one price are few
    assert explaining(Decimal(10_000), [[Decimal("0.000001"), Decimal(10_000)]]) is None


def test_amounts_dearer_than_what_is_missing_take_no_memory():
    calls = [[Decimal("0.000001")], [Decimal("0.000003")], [Decimal(2000)]]
    tracemalloc.start()
    try:
        assert explaining(Decimal("0.000004"), calls) == [*chain(*calls[:2]), 0]
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@given(st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=3), max_size=5), st.data())
def test_whatever_was_billed_some_answer_has_its_sum(calls, data):
    amounts = [[Decimal(one) / 1000 for one in call] for call in calls]
    billed = [data.draw(st.sampled_from([Decimal(0), *one])) for one in amounts]
    found = explaining(sum(billed, Decimal(0)), amounts)
    assert found is not None
    assert sum(found, Decimal(0)) == sum(billed, Decimal(0))
    dearer = sum(chain(*amounts), Decimal(0)) + Decimal("0.001")
    assert explaining(dearer, amounts) is None
