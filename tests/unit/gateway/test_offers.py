"""Offers: whatever is known of a product is told to whoever asks, on the wire and in the API."""

from dataclasses import fields
from datetime import date

from gateway.routes.providers import ProductView
from gateway.studios import offered
from studio.money import Money, PriceRange
from studio.providers.offers import Offer
from studio.rpc import offer_from, offer_to
from studio.v1 import studio_pb2

WHOLE = Offer(
    product="edit.erase",
    unit="call",
    price=PriceRange(
        minimum=Money.of("0.03"), expected=Money.of("0.04"), maximum=Money.of("0.05", "EUR")
    ),
    limits=("the picture is square", "a prompt has at most 1,000 characters"),
    source="the price list",
    checked_on=date(2026, 11, 26),
    note="[recheck]",
)
FIELDS = {one.name for one in fields(Offer)}


def test_the_example_says_something_in_every_field():
    assert {name for name in FIELDS if getattr(WHOLE, name)} == FIELDS


def test_every_field_of_an_offer_crosses_the_wire():
    product = studio_pb2.Product.FromString(offer_to(WHOLE).SerializeToString())
    assert offer_from(product) == WHOLE
    assert len(product.ListFields()) == len(product.DESCRIPTOR.fields) == len(FIELDS)


def test_every_field_of_an_offer_is_told_by_the_api():
    told = offered(WHOLE)
    assert {"name", *told} == set(ProductView.model_fields) == FIELDS - {"product"} | {"name"}
    assert ProductView(**told).model_dump(mode="json") == told
    assert (told["name"], told["note"], told["checked_on"]) == (
        "edit.erase", "[recheck]", "2026-11-26",
    )  # fmt: skip


def test_an_offer_without_a_note_stays_one():
    plain = Offer(**{name: getattr(WHOLE, name) for name in FIELDS - {"note"}})
    assert offer_from(offer_to(plain)) == plain
    assert offered(plain)["note"] is None
