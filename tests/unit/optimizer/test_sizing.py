"""Sizing: smaller renditions where the policy and the placement allow them, and never larger."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from gateway.planner import Planner
from services.optimizer.operations.export import Export
from services.optimizer.placements import Placement, placement_book
from services.optimizer.placements.compliance import RenditionFacts, breaches
from studio.imaging.decode import decode
from studio.imaging.image import Image
from studio.operation import Failure, Output, Work
from studio.slip import Step
from tests.exporting import Studios

BOOK = placement_book()
PLACEMENTS = {one.id: one for one in BOOK.placements}


def noise(width: int, height: int) -> Image:
    return Image(Pillow.effect_noise((width, height), 60).convert("RGB"))


async def exported(image: Image, *placements: str, **params: Any) -> list[Output | Failure]:
    """What is made, which is what was foreseen."""
    operation = Export()
    wish = {"placements": list(placements), "alt_text": "Noise", "too_small": "smaller"}
    parsed = operation.parse(wish | params)
    made = list(await operation.run(Work(uuid4(), parsed, image, image.facts, "local", None)))
    sizes = [(one.facts.width, one.facts.height) for one in made if isinstance(one, Output)]
    forecast = operation.forecast(image.facts, parsed)
    assert [(one.width, one.height) for one in forecast] == sizes
    return made


@pytest.mark.parametrize(
    ("size", "placement", "wanted"),
    [
        ((1024, 1024), "shopify_product", (1024, 1024)),
        ((1500, 1000), "shopify_product", (1000, 1000)),
        ((1300, 1300), "x_landscape", (1300, 731)),
        ((1024, 1024), "bluesky_post", (1024, 1024)),
        ((700, 1050), "pinterest_pin", (700, 1050)),
        ((400, 300), "google_business_landscape", (400, 300)),
        ((3000, 3000), "shopify_product", (2048, 2048)),
    ],
)
async def test_a_picture_that_is_too_small_is_made_as_large_as_it_fills(
    size: tuple[int, int], placement: str, wanted: tuple[int, int]
) -> None:
    [made] = await exported(noise(*size), placement)
    assert isinstance(made, Output)
    assert decode(made.data or b"").pixels.size == wanted
    one = PLACEMENTS[placement]
    notes = [note for note in made.notes if "instead of" in note]
    if wanted == (one.width, one.height):
        assert notes == []
    else:
        assert notes[0].startswith(f"{wanted[0]}×{wanted[1]} instead of {one.width}×{one.height}: ")


@pytest.mark.parametrize(
    ("size", "placement"),
    [
        ((700, 700), "shopify_product"),  # 800 at least
        ((1100, 1100), "x_landscape"),  # 1200×675 at least
        ((1900, 1900), "etsy_listing"),  # its own size only
        ((600, 600), "instagram_square"),  # states no least height
    ],
)
async def test_below_what_the_placement_takes_it_is_refused_as_ever(
    size: tuple[int, int], placement: str
) -> None:
    [made] = await exported(noise(*size), placement)
    assert isinstance(made, Failure)
    assert made.problem.rule == "optimizer.would_upscale"
    assert "smaller" not in (made.problem.fix or "")


async def test_the_refusal_names_the_policy_with_the_size_that_it_gives() -> None:
    [made] = await exported(noise(1024, 1024), "shopify_product", too_small="refuse")
    assert isinstance(made, Failure)
    assert made.problem.fix == (
        "Add upscale.conservative with long_side 2048 before it, or use fit: contain. "
        "With too_small: smaller it is made at 1024×1024."
    )


@pytest.mark.parametrize("size", [(1201, 677), (1024, 1024), (613, 907), (255, 260), (37, 23)])
async def test_every_smaller_rendition_complies_and_enlarges_nothing(size: tuple[int, int]) -> None:
    made = await exported(noise(*size), "all", format="jpeg")
    smaller = 0
    for one, placement in zip(made, BOOK.placements, strict=True):
        if isinstance(one, Failure):
            continue
        assert one.facts
        width, height, crop = one.facts.width, one.facts.height, one.details["crop"]
        assert width <= (crop["x1"] - crop["x0"]) * size[0] * 1.005, placement.id
        assert height <= (crop["y1"] - crop["y0"]) * size[1] * 1.005, placement.id
        facts = RenditionFacts(
            placement=placement.id, width=width, height=height, format="jpeg",
            bytes=len(one.data or b""), version=BOOK.version,
        )  # fmt: skip
        assert [found for found in breaches(facts, BOOK) if found.since is None] == []
        smaller += width < placement.width
    assert smaller >= 1


async def test_a_size_that_will_be_refused_soon_says_from_when_on() -> None:
    [made] = await exported(noise(300, 300), "google_merchant_main")
    assert any("From 2027-01-31 on, google_merchant_main takes at least 500×500." in note
               for note in made.notes)  # type: ignore[union-attr]  # fmt: skip


@pytest.mark.parametrize("one", BOOK.placements, ids=lambda one: one.id)
def test_a_smaller_placement_covers_the_same_part_or_a_pixel_more(one: Placement) -> None:
    small = one.at(round(one.width * 0.61), round(one.height * 0.61))
    assert one.safe_zone.contains(small.safe_zone, slack=1e-3)
    assert small.safe_zone.contains(one.safe_zone, slack=0.01)


async def test_words_lie_in_the_safe_zone_of_the_smaller_rendition() -> None:
    [made] = await exported(noise(2048, 1200), "youtube_banner", overlay={"headline": "Autumn"})
    assert isinstance(made, Output)
    zone = PLACEMENTS["youtube_banner"].at(2048, 1152).safe_zone
    assert (made.facts.width, made.facts.height) == (2048, 1152)  # type: ignore[union-attr]
    for block in made.details["overlay"]:
        box = block["box"]
        assert zone.x0 <= box["x0"] < box["x1"] <= zone.x1
        assert zone.y0 <= box["y0"] < box["y1"] <= zone.y1


async def test_a_product_is_framed_as_the_shop_asks_in_a_smaller_frame() -> None:
    pixels = Pillow.new("RGB", (1200, 1200), "white")
    ImageDraw.Draw(pixels).rectangle((150, 250, 1049, 949), fill="#336699")
    image = Image(pixels)
    operation = Export()
    params = operation.parse({"placements": ["walmart_item"], "too_small": "smaller"})
    [made] = await operation.run(Work(uuid4(), params, image, image.facts, "local", None))
    assert isinstance(made, Output)
    found = np.asarray(decode(made.data or b"").pixels).min(axis=2) < 200
    assert found.shape == (1000, 1000)  # 900 px are 90 % of it
    assert found.any(axis=0).sum() == pytest.approx(900, abs=4)
    assert made.details["needs_review"] is None


async def test_a_cut_out_that_may_stand_free_is_not_made_smaller() -> None:
    pixels = Pillow.new("RGBA", (900, 900))
    ImageDraw.Draw(pixels).ellipse((100, 100, 799, 799), fill="#336699")
    [made] = await exported(Image(pixels), "pinterest_pin")
    assert isinstance(made, Output)
    assert (made.facts.width, made.facts.height) == (1000, 1500)  # type: ignore[union-attr]


async def test_the_plan_inserts_no_upscale_where_smaller_is_enough() -> None:
    image = noise(1024, 1024).facts

    async def operations(*placements: str) -> list[str]:
        step = Step(
            operation="optimizer.export",
            params={"placements": list(placements), "too_small": "smaller"},
        )
        planned = await Planner(Studios()).plan("acme", [step], [image])  # type: ignore[arg-type]
        return [one.operation for one in planned.steps]

    assert await operations("shopify_product", "bluesky_link") == ["optimizer.export"]
    assert await operations("shopify_product", "etsy_listing") == [
        "upscale.conservative", "optimizer.export",
    ]  # fmt: skip
