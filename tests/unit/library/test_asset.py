"""Assets: whatever an event says is kept exactly, or refused with the reason."""

from decimal import Decimal

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from services.library.asset import message_of, nano
from studio.money import Money
from studio.problems import Refused
from studio.v1 import library_pb2 as pb
from tests.library import row, step


def nested(levels: int) -> dict:
    """An object within an object, so many levels down."""
    return {"deeper": nested(levels - 1)} if levels else {}


leaf = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
)
key = st.sampled_from(("seed", "scores", "$set", "a.b", ""))
plain = leaf | st.lists(leaf, max_size=3) | st.dictionaries(key, leaf, max_size=3)


@given(st.dictionaries(key, plain, max_size=4))
def test_details_survive_being_told(details):
    told = message_of(row(step=step(details=details)))
    assert json_format.MessageToDict(told.details) == details


@given(st.decimals(min_value=0, max_value=9_000_000_000, places=9))
def test_costs_are_whole_billionths_exactly(amount):
    assert Decimal(nano(Money.of(amount))).scaleb(-9) == amount


def test_the_deepest_details_that_are_kept_can_be_read_by_a_client():
    deepest = message_of(row(step=step(details=nested(15))))
    page = pb.ListAssetsResponse(assets=[deepest]).SerializeToString()
    assert pb.ListAssetsResponse.FromString(page).assets[0].details == deepest.details


@pytest.mark.parametrize(
    "facts",
    [
        {"details": {"score": float("nan")}},
        {"params": {"seed": 2**63}},
        {"details": {"a\0b": 1}},
        {"details": nested(16)},
        {"details": {"all": [[{"far": float("inf")}]]}},
        {"index": 2**31},
        {"cost": {"amount": "99999999999"}},
        {"seconds": float("inf")},
    ],
)
def test_what_would_break_every_list_that_it_is_in_is_refused(facts):
    with pytest.raises(Refused) as refused:
        row(step=step(**facts))
    assert refused.value.rule == "library.not_keepable"


def test_an_asset_that_no_studio_made_has_an_empty_history():
    told = message_of(row(about={"title": "Eileen", "tags": [" a ", "a", " "], "collection": " "}))
    assert (told.operation, told.provider, told.cost.amount, told.run != "") == ("", "", "0", True)
    assert (told.title, list(told.tags), list(told.collections)) == ("Eileen", ["a"], [])
    assert not told.HasField("last_downloaded_at")
