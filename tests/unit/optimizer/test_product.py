"""Product pictures: framed as the shop asks, or left for people to look at."""

from uuid import uuid4

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from services.optimizer.operations.export import Export
from services.optimizer.placements import placement_book
from services.optimizer.product import product_box
from studio.imaging.decode import decode
from studio.imaging.image import Image
from studio.operation import Failure, Output, Work

SHOPS = {one.id: one for one in placement_book().placements if one.product}
WHITE = (255, 255, 255)


def cut_out(size=(3000, 2400), box=(400, 300, 2600, 2100)) -> Image:
    pixels = Pillow.new("RGBA", size, (90, 200, 90, 0))  # what is behind must never show
    ImageDraw.Draw(pixels).ellipse(box, fill="#336699")
    return Image(pixels)


def on_white(size=(3000, 2400), box=(400, 300, 2600, 2100)) -> Image:
    pixels = Pillow.new("RGB", size, WHITE)
    ImageDraw.Draw(pixels).rectangle(box, fill="#336699")
    return Image(pixels)


async def exported(image: Image, placement: str, **params) -> Output | Failure:
    operation = Export()
    parsed = operation.parse({"placements": [placement], **params})
    [made] = await operation.run(Work(uuid4(), parsed, image, image.facts, "local", None))
    return made


def product_in(made: Output) -> tuple[float, np.ndarray]:
    """The larger share of the frame's sides that is not white, and the pixels."""
    pixels = np.asarray(decode(made.data).pixels.convert("RGB"))
    other = (pixels.astype(int) < 240).any(axis=2)
    rows, columns = np.flatnonzero(other.any(axis=1)), np.flatnonzero(other.any(axis=0))
    height, width = other.shape
    return max((rows[-1] - rows[0] + 1) / height, (columns[-1] - columns[0] + 1) / width), pixels


@pytest.mark.parametrize("placement", SHOPS)
@pytest.mark.parametrize("master", [cut_out, on_white])
async def test_a_product_fills_as_much_of_a_white_frame_as_the_shop_asks(placement, master):
    made = await exported(master(), placement)
    assert isinstance(made, Output)
    rules = SHOPS[placement].product
    fill, pixels = product_in(made)
    assert (rules.min_fill or 0.85) - 0.005 <= fill <= (rules.max_fill or 0.95) + 0.005
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert (edge >= 254).all()
    assert made.details["needs_review"] is None
    assert made.details["focal_kept"] == 1


async def test_a_product_is_in_the_middle_wherever_it_was():
    made = await exported(on_white(box=(50, 60, 1900, 1700)), "amazon_main")
    _, pixels = product_in(made)
    rows, columns = np.nonzero((pixels.astype(int) < 240).any(axis=2))
    assert abs(rows.min() + rows.max() - 1999) <= 3
    assert abs(columns.min() + columns.max() - 1999) <= 3


async def test_a_product_that_is_too_small_asks_for_the_size_that_it_needs():
    small = cut_out(size=(2400, 1800), box=(1000, 1000, 1600, 1500))
    made = await exported(small, "amazon_main")
    assert isinstance(made, Failure)
    assert made.problem.rule == "optimizer.would_upscale"
    assert made.details["remedy"]["params"]["long_side"] == pytest.approx(7200, rel=0.02)


async def test_a_product_on_any_other_ground_is_left_for_people_to_look_at():
    noise = Image(Pillow.effect_noise((2400, 2400), 80).convert("RGB"))
    made = await exported(noise, "amazon_main")
    assert isinstance(made, Output)
    assert "edit.remove_background" in made.details["needs_review"]


async def test_a_shop_that_forbids_text_gets_none():
    made = await exported(cut_out(), "google_merchant_main", overlay={"headline": "Sale"})
    assert isinstance(made, Failure)
    assert made.problem.rule == "optimizer.text_forbidden"


NOISE = Image(Pillow.effect_noise((2400, 2100), 80).convert("RGB"))


async def test_a_shop_that_forbids_borders_has_padding_that_shows_looked_at():
    made = await exported(NOISE, "google_merchant_main", fit="contain")
    assert "takes no picture with a border" in made.details["needs_review"]
    assert made.details["remedy"]["operation"] == "edit.remove_background"
    square = Image(NOISE.pixels.resize((2400, 2400)))
    whole = await exported(square, "google_merchant_main", fit="contain")
    assert "border" not in whole.details["needs_review"]


async def test_padding_in_the_colour_of_a_plain_ground_is_no_border():
    photo = on_white(size=(2400, 2100), box=(300, 100, 2100, 2000))
    made = await exported(photo, "google_merchant_main", fit="contain", padding="colour")
    assert made.details["needs_review"] is None


async def test_padding_is_nobodys_business_where_borders_are_not_forbidden():
    made = await exported(NOISE, "shopify_product", fit="contain")
    assert "border" not in (made.details["needs_review"] or "")


@pytest.mark.parametrize(
    ("box", "told"),
    [
        ((120, 120, 2279, 2279), None),
        ((60, 60, 2339, 2339), "fills 95% of the frame; google_merchant_main asks for 75% to 90%"),
        ((500, 500, 1899, 1899), "fills 59% of the frame; google_merchant_main asks for 75% to"),
    ],
)
async def test_a_product_that_fills_too_much_or_too_little_is_looked_at(box, told):
    image = on_white(size=(2400, 2400), box=box)
    made = await exported(image, "google_merchant_main", fit="cover")
    review = made.details["needs_review"]
    assert (told in review) if told else review is None
    smart = await exported(image, "google_merchant_main")
    assert smart.details["needs_review"] is None


async def test_a_product_that_cannot_be_told_from_its_ground_is_looked_at_where_its_size_counts():
    made = await exported(NOISE, "google_merchant_main")
    assert made.details["needs_review"] == (
        "google_merchant_main asks for a product that fills 75% to 90% of the frame, which cannot "
        "be told on this ground. Look, or put edit.remove_background before the export."
    )
    assert made.details["remedy"] == {"operation": "edit.remove_background", "params": {}}


@pytest.mark.parametrize(
    ("placement", "said"),
    [
        ("instagram_carousel", "instagram_carousel needs 2 to 10 pictures; this is one of them."),
        ("instagram_portrait", None),
    ],
)
async def test_one_picture_of_a_carousel_says_that_it_is_not_enough(placement, said):
    made = await exported(NOISE, placement)
    assert [note for note in made.notes if "needs" in note] == ([said] if said else [])


def test_a_picture_of_nothing_has_no_product():
    assert product_box(Image(Pillow.new("RGB", (50, 50), WHITE)), WHITE) is None
    assert product_box(Image(Pillow.new("RGBA", (50, 50))), WHITE) is None


async def test_other_fits_are_left_as_they_were_asked_for():
    made = await exported(cut_out(), "amazon_main", fit="contain", padding="colour")
    assert made.details["crop"] == {"x0": 0, "y0": 0, "x1": 1, "y1": 1}


async def test_a_cut_out_stands_free_where_a_crop_would_cut_it():
    made = await exported(cut_out(), "pinterest_idea", alt_text="A blue disc")
    placement = placement_book().placement("pinterest_idea")
    alpha = np.asarray(decode(made.data).pixels.getchannel("A"))
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    margins = placement.safe_margins
    assert margins.left <= columns[0]
    assert columns[-1] < placement.width - margins.right
    assert margins.top <= rows[0]
    assert rows[-1] < placement.height - margins.bottom
    assert made.details["needs_review"] is None


async def test_a_cut_out_that_its_picture_cuts_stays_at_the_edge():
    made = await exported(cut_out(box=(400, 300, 2600, 2400)), "pinterest_idea")
    assert np.asarray(decode(made.data).pixels.getchannel("A"))[-1].any()
    assert made.details["needs_review"]


async def test_a_cut_out_that_ends_with_its_picture_needs_a_look():
    made = await exported(cut_out(box=(400, 900, 2600, 3200)), "amazon_main")
    assert "reaches the edge of its picture (bottom)" in made.details["needs_review"]


async def test_a_trimmed_cut_out_needs_none():
    made = await exported(cut_out(box=(0, 0, 2999, 2399)), "amazon_main")
    assert made.details["needs_review"] is None
