"""Offers: what can be bought of a provider, what it costs, and what it takes.

The same data that quotes and checks read (`prices`, `limits`), told to whoever has to choose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from studio.money import PriceRange
from studio.providers.limits import ProductLimits, product_limits
from studio.providers.prices import price_book


@dataclass(frozen=True, slots=True)
class Offer:
    """One product of a provider."""

    product: str
    unit: str  # what the price is of: "call" or "image"
    price: PriceRange
    limits: tuple[str, ...]  # sentences
    source: str  # of the price
    checked_on: date
    note: str | None = None


def offers(account: str, products: Iterable[str]) -> list[Offer]:
    """The offers of these products, in their order. KeyError if one has no price."""
    book = price_book()
    prices = {one.product: one for one in book.providers[account].prices}
    return [
        Offer(
            product=name,
            unit=prices[name].unit,
            price=book.price(account, name),
            limits=tuple(_sentences(product_limits(account, name))),
            source=prices[name].source,
            checked_on=prices[name].checked_on or book.checked_on,
            note=prices[name].note,
        )
        for name in products
    ]


def spanning(found: Iterable[Offer]) -> PriceRange | None:
    """From the cheapest to the dearest; what is expected is the first one's. None without any."""
    prices = [one.price for one in found]
    if not prices:
        return None
    return PriceRange(
        minimum=min((one.minimum for one in prices), key=lambda money: money.amount),
        expected=prices[0].expected,
        maximum=max((one.maximum for one in prices), key=lambda money: money.amount),
    )


def _sentences(known: ProductLimits) -> Iterator[str]:
    yield from _taken(known)
    if known.max_images > 1:
        yield f"a call makes up to {known.max_images} pictures"
    if known.sizes:
        yield f"it makes {', '.join(known.sizes)} px"
    elif known.aspect_ratios:
        yield f"it makes {', '.join(known.aspect_ratios)}"
    if known.output_factor and known.output_factor > 1:
        yield f"each side becomes up to {known.output_factor} times as long"
    if known.output_side:
        yield f"what it makes has sides of at most {known.output_side:,} px"
    if known.output_pixels:
        yield f"what it makes has about {known.output_pixels:,} pixels at most"


def _taken(known: ProductLimits) -> Iterator[str]:
    image = known.image
    for limit, says in (
        (image.min_side, "a side of the picture has at least {:,} px"),
        (image.max_side, "a side of the picture has at most {:,} px"),
        (image.min_pixels, "the picture has at least {:,} pixels"),
        (image.max_pixels, "the picture has at most {:,} pixels"),
        (image.max_ratio, "the longer side is at most {:g} times the shorter"),
        (image.max_bytes, "the file that is sent has at most {:,} bytes"),
        (known.max_prompt, "a prompt has at most {:,} characters"),
    ):
        if limit:
            yield says.format(limit)
    if image.formats:
        yield f"the picture is sent as {', '.join(image.formats)}"
    if image.square:
        yield "the picture is square"
