"""Adjustments: what was asked for, and nothing else."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from services.edit.operations.adjust import Adjust
from services.edit.tone import toned
from services.edit.turn import turned_size
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.problems import Refused

ADJUST = Adjust()
NEUTRAL = dict.fromkeys(("brightness", "contrast", "temperature", "saturation", "sharpness"), 0.0)
STRENGTHS = st.floats(0.05, 1)


def adjusted(pixels: Pillow.Image, **tones: float) -> np.ndarray:
    return np.asarray(toned(pixels, **(NEUTRAL | tones)), np.float32)


@pytest.fixture(scope="module")
def ramp() -> Pillow.Image:
    """Reds from dark to light with some green and blue, 64 × 16."""
    red = np.tile(np.linspace(20, 235, 64), (16, 1))
    return Pillow.fromarray(np.stack([red, red * 0 + 120, red * 0 + 60], -1).astype(np.uint8))


@pytest.fixture(scope="module")
def half_clear() -> Image:
    """Red beside full transparency that hides green."""
    pixels = Pillow.new("RGBA", (40, 40), (200, 30, 30, 255))
    pixels.paste((0, 255, 0, 0), (0, 0, 20, 40))
    return Image(pixels)


@pytest.mark.parametrize("params", [{}, {"rotate": 360}, {"brightness": 0, "text_size": 0.2}])
def test_asking_for_nothing_is_refused(params):
    with pytest.raises(Refused) as refused:
        ADJUST.parse(params)
    assert refused.value.rule == "edit.adjust.nothing_to_do"
    assert "brightness" in refused.value.valid


@pytest.mark.parametrize(
    "params",
    [
        {"brightness": 1.01},
        {"crop": {"x0": 0, "y0": 0, "x1": 1, "y1": 0.5}, "crop_ratio": "1:1"},
        {"crop_ratio": "0:1"},
        {"crop_ratio": "wide"},
        {"text": " \n "},
        {"flip": "both"},
        {"sharpen": 1},
    ],
)
def test_parameters_that_make_no_sense_are_refused(params):
    with pytest.raises(Refused) as refused:
        ADJUST.parse(params)
    assert refused.value.rule == "edit.adjust.params"


def test_neutral_tones_change_no_pixel(astronaut):
    assert toned(astronaut.pixels, **NEUTRAL).tobytes() == astronaut.pixels.tobytes()


@given(STRENGTHS, STRENGTHS)
def test_more_brightness_is_never_darker(ramp, one, other):
    less, more = sorted((one, other))
    before = np.asarray(ramp, np.float32)
    assert (adjusted(ramp, brightness=less) >= before).all()
    assert (adjusted(ramp, brightness=more) >= adjusted(ramp, brightness=less)).all()
    assert (adjusted(ramp, brightness=-more) <= adjusted(ramp, brightness=-less)).all()


@given(STRENGTHS)
def test_tones_go_the_way_that_they_say(ramp, amount):
    before = np.asarray(ramp, np.float32)
    spread = adjusted(ramp, contrast=amount)[..., 0].std()
    assert spread > before[..., 0].std() > adjusted(ramp, contrast=-amount)[..., 0].std()
    colour = np.ptp(before, axis=-1).mean()
    assert np.ptp(adjusted(ramp, saturation=amount), axis=-1).mean() >= colour
    assert np.ptp(adjusted(ramp, saturation=-amount), axis=-1).mean() < colour
    assert adjusted(ramp, temperature=amount)[..., 2].mean() < before[..., 2].mean()
    assert adjusted(ramp, temperature=-amount)[..., 2].mean() > before[..., 2].mean()


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_tones_keep_the_order_of_greys(brightness, contrast):
    greys = Pillow.fromarray(np.arange(256, dtype=np.uint8)[None]).convert("RGB")
    made = adjusted(greys, brightness=brightness, contrast=contrast)[0, :, 0]
    assert (np.diff(made) >= 0).all()


def test_without_saturation_a_picture_is_grey(coffee):
    assert np.ptp(adjusted(coffee.pixels, saturation=-1), axis=-1).max() == 0


def test_temperature_keeps_the_luma_of_grey():
    grey = Pillow.new("RGB", (4, 4), (120, 120, 120))
    for amount in (-1, 1):
        luma = adjusted(grey, temperature=amount)[0, 0] @ np.array([0.2126, 0.7152, 0.0722])
        assert luma == pytest.approx(120, abs=1)


def test_sharpness_sharpens_and_softens(astronaut):
    def detail(pixels):
        return np.abs(np.diff(pixels.mean(-1))).mean()

    before = detail(np.asarray(astronaut.pixels, np.float32))
    assert detail(adjusted(astronaut.pixels, sharpness=0.6)) > before * 1.05
    assert detail(adjusted(astronaut.pixels, sharpness=-0.6)) < before * 0.8


@pytest.mark.parametrize("tones", [{"brightness": 0.4, "saturation": 0.2}, {"sharpness": -1}])
async def test_transparency_survives_tones_exactly(edited, half_clear, tones):
    made = (await edited(ADJUST, half_clear, **tones)).image.pixels
    assert made.getchannel("A").tobytes() == half_clear.pixels.getchannel("A").tobytes()


@pytest.mark.parametrize("sharpness", [-1, 1])
async def test_hidden_colours_do_not_seep_into_what_is_visible(edited, half_clear, sharpness):
    made = np.asarray((await edited(ADJUST, half_clear, sharpness=sharpness)).image.pixels, int)
    assert np.abs(made[made[..., 3] > 0][:, :3] - [200, 30, 30]).max() <= 3


async def test_four_quarter_turns_are_no_turn(edited, astronaut):
    image = astronaut
    for _ in range(4):
        image = (await edited(ADJUST, image, rotate=90)).image
    assert image.pixels.tobytes() == astronaut.pixels.tobytes()


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"rotate": 90}, (19, 0)),
        ({"rotate": -90}, (0, 29)),
        ({"rotate": 180}, (29, 19)),
        ({"flip": "horizontal"}, (29, 0)),
        ({"flip": "vertical"}, (0, 19)),
        ({"flip": "horizontal", "rotate": 90}, (19, 29)),
    ],
)
async def test_exact_turns_move_the_first_pixel_where_they_say(edited, params, place):
    marked = Pillow.new("RGB", (30, 20))
    marked.putpixel((0, 0), (255, 0, 0))
    made = (await edited(ADJUST, Image(marked), **params)).image.pixels
    assert made.getpixel(place) == (255, 0, 0)
    assert np.count_nonzero(np.asarray(made)) == 1


async def test_other_turns_are_clockwise_too(edited):
    pixels = Pillow.new("RGB", (101, 101))
    pixels.paste((255, 255, 255), (45, 0, 56, 11))  # at 12 o'clock
    made = np.asarray((await edited(ADJUST, Image(pixels), rotate=45, fill="#000000")).image.pixels)
    rows, columns = np.nonzero(made[..., 0] > 128)
    assert rows.mean() < made.shape[0] / 2 - 20
    assert columns.mean() > made.shape[1] / 2 + 20


async def test_a_turn_uncovers_transparency_or_the_fill(edited, astronaut):
    clear = (await edited(ADJUST, astronaut, rotate=20)).image.pixels
    assert clear.getpixel((0, 0))[3] == 0
    assert clear.getpixel((clear.width // 2, clear.height // 2))[3] == 255
    filled = (await edited(ADJUST, astronaut, rotate=20, fill="#0000ff")).image.pixels
    assert filled.mode == "RGB"
    assert filled.getpixel((0, 0)) == (0, 0, 255)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 90), st.integers(1, 90), st.floats(-360, 360))
def test_a_turn_that_crops_uncovers_nothing(edited, width, height, degrees):
    white = Image(Pillow.new("RGB", (width, height), "white"))
    turn = {"rotate": degrees, "rotate_fit": "crop", "contrast": 0.1}
    made = asyncio.run(edited(ADJUST, white, **turn)).image.pixels
    if min(made.size) > 1:  # a single pixel of a line cannot lie inside it
        assert np.asarray(made).min() == 255


@given(st.integers(1, 4000), st.integers(1, 4000), st.floats(0, 360, exclude_max=True))
def test_a_turn_that_expands_holds_all_and_one_that_crops_lies_inside(width, height, degrees):
    around = turned_size(width, height, degrees, "expand")
    inside = turned_size(width, height, degrees, "crop")
    assert around[0] * around[1] >= width * height
    assert inside[0] <= around[0]
    assert inside[1] <= around[1]
    assert inside[0] * inside[1] <= width * height


async def test_a_transparent_picture_refuses_a_fill_before_any_work(half_clear):
    params = ADJUST.parse({"rotate": 20, "fill": "#000000"})
    with pytest.raises(Refused) as refused:
        ADJUST.check(half_clear.facts, params)
    assert refused.value.rule == "edit.adjust.fill"


def test_a_turn_beyond_what_the_next_studio_takes_is_refused_when_quoted():
    params = ADJUST.parse({"rotate": 45})
    with pytest.raises(Refused) as refused:
        ADJUST.forecast(ImageFacts(width=12_000, height=8_000), params)
    assert refused.value.rule == "edit.adjust.max_pixels"
    inside = ADJUST.parse({"rotate": 45, "rotate_fit": "crop"})
    assert ADJUST.forecast(ImageFacts(width=12_000, height=8_000), inside)


async def test_a_crop_keeps_exactly_its_box(edited, astronaut):
    box = {"x0": 0.25, "y0": 0.125, "x1": 0.75, "y1": 0.5}
    made = (await edited(ADJUST, astronaut, crop=box)).image.pixels
    assert made.tobytes() == astronaut.pixels.crop((128, 64, 384, 256)).tobytes()


@pytest.mark.parametrize(
    ("ratio", "anchor", "box"),
    [
        ("1:1", "centre", (100, 0, 500, 400)),
        ("1:1", "left", (0, 0, 400, 400)),
        ("1:1", "bottom-right", (200, 0, 600, 400)),
        ("3:1", "top", (0, 0, 600, 200)),
        ("3:1", "bottom", (0, 200, 600, 400)),
        ("1.5:1", "centre", (0, 0, 600, 400)),
    ],
)
async def test_a_ratio_keeps_the_largest_part_at_its_anchor(edited, coffee, ratio, anchor, box):
    made = await edited(ADJUST, coffee, crop_ratio=ratio, crop_anchor=anchor)
    assert made.image.pixels.tobytes() == coffee.pixels.crop(box).tobytes()


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 120),
    st.integers(1, 120),
    st.booleans(),
    st.fixed_dictionaries(
        {"rotate": st.floats(-360, 360), "brightness": st.just(0.1)},
        optional={
            "flip": st.sampled_from(["horizontal", "vertical"]),
            "crop_ratio": st.sampled_from(["1:1", "16:9", "1:100", "1.91:1"]),
            "rotate_fit": st.sampled_from(["expand", "crop"]),
            "sharpness": st.floats(-1, 1),
        },
    ),
)
def test_what_is_made_is_what_was_forecast(edited, width, height, has_alpha, params):
    image = Image(Pillow.new("RGBA" if has_alpha else "RGB", (width, height), "teal"))
    asyncio.run(edited(ADJUST, image, **params))  # which compares the two


def test_tones_of_a_photo_grow_step_by_step(astronaut):
    means = [adjusted(astronaut.pixels, brightness=b).mean() for b in (-1, -0.5, 0, 0.5, 1)]
    assert all(darker < lighter for darker, lighter in pairwise(means))
