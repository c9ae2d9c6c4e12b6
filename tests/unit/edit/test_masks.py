"""Masks: what was meant is selected, in one form, and reaches every provider in its own."""

from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from pydantic import ValidationError

from services.edit.masks import MaskSource, from_polarity, selected, to_polarity
from services.edit.operations.search_recolor import Params
from services.edit.providers.local import LocalMatting
from services.edit.selection import understood
from studio.imaging.image import Image
from studio.operation import Work
from studio.problems import Refused
from tests.inscriptions import inscribed

MATTING = LocalMatting()
POLARITIES = ["stability", "openai", "ideogram", "imagen", "adobe"]
MASKS = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)))


@pytest.fixture(scope="module")
def select(blobs):
    async def run(image, **source):
        params = Params(mask=source, colour="red")
        work = Work(
            step_id=uuid4(),
            params=params,
            image=image,
            facts=image.facts,
            provider="local",
            read_blob=blobs.read,
            write_blob=blobs.write,
        )
        return await selected(params.source, work, MATTING)

    return run


def share(mask, box):
    """How much of a pixel box (left, top, right, bottom) is selected, 0..1."""
    left, top, right, bottom = box
    return mask[top:bottom, left:right].mean() / 255


@given(MASKS, st.sampled_from(POLARITIES))
def test_a_mask_comes_back_from_every_provider_as_it_went(mask, polarity):
    assert np.array_equal(from_polarity(to_polarity(mask, polarity), polarity), mask)


@pytest.mark.parametrize(
    ("polarity", "edit", "keep"),
    [
        ("stability", 255, 0),
        ("imagen", 255, 0),
        ("adobe", 255, 0),
        ("ideogram", 0, 255),
        ("openai", (0, 0, 0, 0), (0, 0, 0, 255)),
    ],
)
def test_each_provider_is_told_where_to_edit_in_its_own_way(polarity, edit, keep):
    picture = to_polarity(np.array([[255, 0]], np.uint8), polarity)
    assert picture.getpixel((0, 0)) == edit
    assert picture.getpixel((1, 0)) == keep


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"subject": True, "background": True},
        {"words": "red", "box": {"x0": 0, "y0": 0, "x1": 1, "y1": 1}},
        {"subject": False},
        {"upload": "mask.png"},
        {"point": {"x": 1.1, "y": 0}},
    ],
)
def test_a_mask_is_given_in_exactly_one_way(source):
    with pytest.raises(ValidationError):
        MaskSource.model_validate(source)


async def test_a_box_selects_exactly_its_pixels_and_is_stored(select, blobs, astronaut):
    made = await select(astronaut, box={"x0": 0.25, "y0": 0.5, "x1": 0.5, "y1": 1})
    wanted = np.zeros((512, 512), np.uint8)
    wanted[256:, 128:256] = 255
    assert np.array_equal(made.mask, wanted)
    assert np.array_equal(blobs.mask(made), wanted)
    assert made.details["mask_coverage"] == 0.125


async def test_an_upload_is_made_as_large_as_the_image(select, blobs, coffee):
    small = Pillow.new("L", (60, 40))
    small.paste(255, (30, 0, 60, 40))
    made = await select(coffee, upload=blobs.keep_picture(small))
    assert made.mask.shape == (400, 600)
    assert share(made.mask, (320, 0, 600, 400)) == 1
    assert share(made.mask, (0, 0, 280, 400)) == 0


async def test_a_black_upload_is_refused(select, blobs, coffee):
    with pytest.raises(Refused) as refused:
        await select(coffee, upload=blobs.keep_picture(Pillow.new("L", (60, 40))))
    assert refused.value.rule == "edit.mask.empty"


async def test_subject_and_background_are_each_others_inverse(select, coffee):
    subject, background = [await select(coffee, **{way: True}) for way in ("subject", "background")]
    apart = np.abs(subject.mask.astype(int) + background.mask - 255)
    assert apart.max() <= 1
    assert share(subject.mask, (240, 100, 320, 160)) > 0.99


async def test_a_point_selects_the_thing_that_lies_there(select, coffee):
    made = await select(coffee, point={"x": 0.47, "y": 0.4})
    assert share(made.mask, (250, 145, 310, 175)) > 0.95, "the coffee"
    assert share(made.mask, (0, 0, 150, 400)) == 0, "not the table"
    assert made.details["mask_coverage"] < 0.1


async def test_growing_reaches_so_many_px_further(select, astronaut):
    box = {"x0": 0.25, "y0": 0.25, "x1": 0.5, "y1": 0.5}
    mask = (await select(astronaut, box=box, grow=10)).mask
    assert mask[192, 118] == 255
    assert mask[192, 116] == 0


async def test_feathering_makes_a_ramp_around_the_edge(select, astronaut):
    box = {"x0": 0.25, "y0": 0.25, "x1": 0.5, "y1": 0.5}
    row = (await select(astronaut, box=box, feather=8)).mask[192, 112:145].astype(int)
    assert (np.diff(row) >= 0).all()
    assert row[0] == 0
    assert row[-1] == 255
    assert 100 < row[16] < 155


async def test_the_red_cup_is_selected_and_the_table_is_not(select, coffee):
    made = await select(coffee, words="the red cup")
    assert share(made.mask, (110, 220, 170, 280)) > 0.95, "the saucer"
    assert share(made.mask, (500, 20, 600, 120)) == 0, "the table"
    assert share(made.mask, (250, 145, 310, 175)) < 0.3, "the coffee is not red"
    assert "cup" in made.notes[0], "what is not known is told"


async def test_an_orange_suit_is_found_without_the_face(select, astronaut):
    made = await select(astronaut, words="orange")
    assert share(made.mask, (110, 300, 160, 340)) > 0.9, "the sleeve"
    assert share(made.mask, (200, 60, 260, 140)) < 0.05, "the face"
    assert made.notes == ()


async def test_the_blue_background_is_the_sky(select, rocket):
    made = await select(rocket, words="the blue background")
    assert share(made.mask, (360, 60, 460, 200)) > 0.95


async def test_faces_are_found_by_their_name(select, astronaut):
    made = await select(astronaut, words="the face")
    assert share(made.mask, (205, 80, 245, 130)) > 0.95
    assert made.details["mask_coverage"] < 0.06


async def test_green_eyes_are_found_by_being_greener_than_the_fur(select, cat):
    """Alone, every pixel of them is an olive brown."""
    made = await select(cat, words="the green eyes")
    assert share(made.mask, (150, 100, 190, 135)) > 0.9
    assert share(made.mask, (305, 130, 330, 155)) > 0.9
    assert made.details["mask_coverage"] < 0.04
    assert "eyes" in made.notes[0]


async def test_a_red_nose_is_found_without_the_fur(select, cat):
    made = await select(cat, words="the red nose")
    assert share(made.mask, (255, 238, 280, 250)) > 0.6
    assert share(made.mask, (60, 60, 130, 130)) == 0


@pytest.mark.parametrize("words", ["the blue eyes", "the purple nose", "the green cat"])
async def test_parts_that_are_not_of_the_colour_are_refused(select, cat, words):
    with pytest.raises(Refused) as refused:
        await select(cat, words=words)
    assert refused.value.rule == "edit.mask.no_match"


async def test_faces_can_be_given_without_words(select, astronaut):
    one, other = [await select(astronaut, **way) for way in ({"faces": True}, {"words": "faces"})]
    assert one.details["mask"] == other.details["mask"]


async def test_what_draws_the_eye_holds_the_subject(select, rocket):
    wide, narrow = [await select(rocket, **way) for way in ({"salient": True}, {"subject": True})]
    subject = narrow.mask > 127
    assert (wide.mask[subject] > 127).mean() > 0.6
    assert wide.details["mask_by"] == "salient"


@pytest.fixture(scope="module")
def captioned():
    """A photo with words on it."""
    return inscribed(17, opacity=1)


@pytest.mark.parametrize(
    "source", [{"text": True}, {"words": "the caption"}, {"words": "date stamp"}]
)
async def test_text_is_selected_to_its_strokes(select, captioned, source):
    made = await select(captioned.image, **source)
    assert (made.mask[captioned.strokes] > 127).mean() > 0.95
    assert (made.mask > 127).sum() < 4 * captioned.strokes.sum()


async def test_text_is_not_grown_by_what_an_object_needs(select, captioned):
    plain, grown = [await select(captioned.image, text=True, **by) for by in ({}, {"grow": 5})]
    assert plain.details["mask_coverage"] < grown.details["mask_coverage"]


async def test_text_of_one_colour_is_selected_without_the_rest(select, rocket):
    pixels = rocket.pixels.copy()
    draw, font = ImageDraw.Draw(pixels), ImageFont.load_default(44)
    draw.text((110, 20), "SUMMER", "white", font=font)
    draw.text((110, 340), "Launch days", "yellow", font=font)
    made = await select(Image(pixels), words="the yellow text")
    assert share(made.mask, (110, 10, 320, 70)) == 0
    assert share(made.mask, (110, 345, 345, 390)) > 0.2
    with pytest.raises(Refused) as refused:
        await select(Image(pixels), words="the purple text")
    assert refused.value.rule == "edit.mask.no_match"


@pytest.mark.parametrize("source", [{"text": True}, {"words": "the watermark"}])
async def test_text_where_there_is_none_is_refused(select, cat, source):
    with pytest.raises(Refused) as refused:
        await select(cat, **source)
    assert refused.value.rule == "edit.mask.no_match"
    assert refused.value.status == 422


@pytest.mark.parametrize("words", ["the bicycle", "a sky", "something else", "!!", "the"])
def test_words_that_nothing_here_knows_are_refused_with_those_it_does(words):
    with pytest.raises(Refused) as refused:
        understood(words)
    assert refused.value.rule == "edit.mask.no_match"
    assert refused.value.status == 422
    assert {"subject", "background", "face", "text", "red"} <= set(refused.value.valid)


@pytest.mark.parametrize("words", ["the purple cup", "faces"])
async def test_what_is_not_in_the_picture_is_refused(select, coffee, words):
    with pytest.raises(Refused) as refused:
        await select(coffee, words=words)
    assert refused.value.rule == "edit.mask.no_match"


@pytest.mark.parametrize("way", ["subject", "background", "salient"])
async def test_a_subject_where_there_is_none_is_refused(select, way):
    with pytest.raises(Refused) as refused:
        await select(Image(Pillow.new("RGB", (90, 60), "grey")), **{way: True})
    assert refused.value.rule == "edit.no_subject"


@pytest.mark.parametrize("source", [{"words": "red"}, {"point": {"x": 0.25, "y": 0.55}}])
async def test_the_same_selection_is_the_same_mask(select, coffee, source):
    one, other = [await select(coffee, **source) for _ in range(2)]
    assert one.details["mask"] == other.details["mask"]


def test_two_words_may_be_one_colour():
    assert understood("the dark blue background").colours == ("darkblue",)
