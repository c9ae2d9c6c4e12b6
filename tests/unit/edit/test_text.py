"""Text on pictures: it stands where it should, and it can be read."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from services.edit.anchor import Anchor
from services.edit.operations.adjust import Adjust
from services.edit.text import Lettering, lettered
from studio.imaging.faces import faces, head
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.imaging.legibility import READABLE
from studio.problems import Refused

ADJUST = Adjust()


def written(before: Pillow.Image, after: Pillow.Image) -> tuple[int, int, int, int]:
    """Where pixels changed: left, top, right, bottom."""
    changed = np.abs(np.asarray(before, int) - np.asarray(after, int)).max(-1) > 40
    rows, columns = np.nonzero(changed)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.fixture(scope="module")
def black() -> Image:
    return Image(Pillow.new("RGB", (400, 300)))


async def test_text_stands_below_unless_it_would_cover_something(edited, black, astronaut):
    assert (await edited(ADJUST, black, text="Hi")).details["text_anchor"] == "bottom"
    made = await edited(ADJUST, astronaut, text="Grand opening", text_size=0.06)
    box = Box.model_validate(made.details["text_box"])
    assert not any(box.intersection(head(face.box)) for face in faces(astronaut))
    assert made.details["needs_review"] is None


async def test_text_that_was_sent_onto_a_face_needs_a_look(edited, astronaut):
    made = await edited(ADJUST, astronaut, text="Grand\nopening", text_anchor="top", text_size=0.12)
    assert made.details["text_anchor"] == "top"
    assert "of a head" in made.details["needs_review"]


async def test_text_across_a_thing_needs_a_look(edited, coffee):
    made = await edited(
        ADJUST, coffee, text="FRESH COFFEE EVERY DAY", text_anchor="centre", text_size=0.3
    )
    assert "of what stands out" in made.details["needs_review"]


@pytest.mark.parametrize("anchor", get_args(Anchor))
@pytest.mark.parametrize("colour", ["#ffffff", "#101010", "#888888"])
async def test_text_can_be_read_wherever_it_stands(edited, astronaut, anchor, colour):
    made = await edited(
        ADJUST, astronaut, text="Grüße — 20 % off", text_anchor=anchor, text_colour=colour
    )
    assert made.details["text_contrast"] >= READABLE
    assert made.image.pixels.tobytes() != astronaut.pixels.tobytes()


@settings(deadline=None, max_examples=50)
@given(st.tuples(*[st.integers(0, 255)] * 3), st.tuples(*[st.integers(0, 255)] * 4))
def test_any_colour_can_be_read_on_any_ground(colour, ground):
    pixels = Pillow.new("RGBA", (160, 80), ground)
    made = lettered(pixels, Lettering("Ag", "centre", "centre", 0.3, colour, 0.05, "auto"))
    assert made.contrast >= READABLE


async def test_a_scrim_comes_only_where_it_is_needed(edited, black):
    assert not (await edited(ADJUST, black, text="Hi")).details["text_scrim"]
    assert (await edited(ADJUST, black, text="Hi", text_colour="#111111")).details["text_scrim"]
    asked = await edited(ADJUST, black, text="Hi", text_scrim="always")
    assert asked.details["text_scrim"]


@pytest.mark.parametrize("anchor", get_args(Anchor))
async def test_text_stands_at_its_anchor_within_the_margins(edited, black, anchor):
    made = await edited(ADJUST, black, text="HpH", text_anchor=anchor, text_margin=0.1)
    left, top, right, bottom = written(black.pixels, made.image.pixels)
    near = 4  # side bearings and antialiasing
    assert left >= 30 - near
    assert top >= 30 - near
    assert right <= 370 + near
    assert bottom <= 270 + near
    if "left" in anchor:
        assert left <= 30 + near
    if "right" in anchor:
        assert right >= 370 - near
    if "top" in anchor:
        assert top <= 30 + near
    if "bottom" in anchor:
        assert bottom >= 270 - near
    if anchor == "centre":
        assert (left + right) / 2 == pytest.approx(200, abs=near)
        assert (top + bottom) / 2 == pytest.approx(150, abs=near)


async def test_its_size_is_a_fraction_of_the_height(edited, black):
    made = await edited(ADJUST, black, text="HpH", text_size=0.2, text_margin=0.1)
    assert made.details["text_size_px"] == 60
    _, top, _, bottom = written(black.pixels, made.image.pixels)
    assert 0.6 * 60 < bottom - top < 1.1 * 60


async def test_long_text_is_wrapped_then_shrunk(edited, black):
    text = "one two three four five six seven eight nine ten " * 4
    made = await edited(ADJUST, black, text=text, text_size=0.2, text_margin=0.1)
    left, top, right, bottom = written(black.pixels, made.image.pixels)
    assert made.details["text_size_px"] < 60
    assert left >= 26
    assert right <= 374
    assert bottom - top > 2 * made.details["text_size_px"]


async def test_lines_are_aligned_as_asked(edited, black):
    text = "wide wide wide\ni"
    left, right = [
        await edited(ADJUST, black, text=text, text_anchor="centre", text_align=align)
        for align in ("left", "right")
    ]
    lower = [np.asarray(made.image.pixels.convert("L"))[155:] > 128 for made in (left, right)]
    at = [np.nonzero(half)[1].mean() for half in lower]
    assert at[0] < 150
    assert at[1] > 250


@pytest.mark.parametrize(
    ("text", "named"), [("Sale ไทย", "ไ"), ("Hi 🎉", "U+1F389"), ("a\u200b", "U+200B")]
)
async def test_text_without_shapes_in_the_font_is_refused_by_name(edited, black, text, named):
    with pytest.raises(Refused) as refused:
        await edited(ADJUST, black, text=text)
    assert refused.value.rule == "text.no_glyph"
    assert named in refused.value.says


async def test_letters_with_combining_accents_are_written_as_one(edited, black):
    apart, whole = [
        (await edited(ADJUST, black, text=text)).image.pixels for text in ("Cafe\u0301", "Café")
    ]
    assert apart.tobytes() == whole.tobytes()


async def test_text_that_cannot_fit_is_refused(edited):
    tiny = Image(Pillow.new("RGB", (40, 20)))
    with pytest.raises(Refused) as refused:
        await edited(ADJUST, tiny, text="much too long for a picture of this size")
    assert refused.value.rule == "text.does_not_fit"


async def test_text_on_a_cut_out_keeps_the_rest_transparent(edited):
    clear = Image(Pillow.new("RGBA", (400, 300), (0, 0, 0, 0)))
    made = await edited(ADJUST, clear, text="Hi", text_anchor="bottom")
    alpha = np.asarray(made.image.pixels.getchannel("A"))
    assert alpha[:150].max() == 0
    assert alpha[200:].max() == 255
    assert made.details["text_scrim"], "behind it there may be white"
