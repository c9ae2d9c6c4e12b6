"""Other colours: the hue changes, light and texture stay, and so does all that was not meant."""

import numpy as np
import pytest

from services.edit.colours import colour_words, likeness, parse_colour
from services.edit.operations.search_recolor import SearchRecolor
from services.edit.providers.local import LocalMatting
from studio.imaging.colour import srgb_to_lab
from studio.imaging.image import Image
from studio.problems import Refused

RECOLOR = SearchRecolor(LocalMatting())


def lab(image) -> np.ndarray:
    return srgb_to_lab(np.asarray(image.pixels.convert("RGB")))


def hue(colours) -> float:
    """Degrees, of the mean."""
    a, b = colours[..., 1:].reshape(-1, 2).mean(0)
    return float(np.degrees(np.arctan2(b, a)) % 360)


async def test_the_red_cup_becomes_green_and_the_table_stays(edited, blobs, coffee):
    made = await edited(RECOLOR, coffee, select="the red cup", colour="#2f9e62")
    mask = blobs.mask(made)
    before, after = np.asarray(coffee.pixels), np.asarray(made.image.pixels)
    assert np.array_equal(before[mask == 0], after[mask == 0])
    wanted = hue(srgb_to_lab(np.array([[0x2F, 0x9E, 0x62]])))
    assert hue(lab(made.image)[220:280, 110:170]) == pytest.approx(wanted, abs=15)


async def test_light_and_texture_stay(edited, blobs, astronaut):
    made = await edited(RECOLOR, astronaut, select="orange", colour="#2060c0")
    solid = blobs.mask(made) == 255
    before, after = [lab(image)[..., 0][solid] for image in (astronaut, made.image)]
    assert np.corrcoef(before, after)[0, 1] > 0.97
    assert abs(before.mean() - after.mean()) < 3


async def test_it_comes_nearer_to_the_colour_and_says_how_near(edited, blobs, astronaut):
    made = await edited(RECOLOR, astronaut, select="orange", colour="#2060c0")
    solid = blobs.mask(made) >= 128
    goal = srgb_to_lab(np.array([0x20, 0x60, 0xC0]))
    before, after = [
        np.linalg.norm(lab(image)[solid] - goal, axis=-1).mean()
        for image in (astronaut, made.image)
    ]
    assert after < before / 3
    assert made.details["mean_delta_e"] == pytest.approx(after, abs=0.5)
    assert made.details["mean_delta_ab"] <= made.details["mean_delta_e"]


async def test_lightness_follows_only_if_asked(edited, coffee):
    kept, moved = [
        await edited(RECOLOR, coffee, select="red", colour="white", lightness=lightness)
        for lightness in (0, 1)
    ]
    assert moved.details["mean_delta_e"] < kept.details["mean_delta_e"] / 2


async def test_half_the_strength_goes_half_the_way(edited, coffee):
    place = np.s_[220:280, 110:170]
    was = lab(coffee)[place].mean((0, 1))
    half, full = [
        lab((await edited(RECOLOR, coffee, select="red", colour="blue", strength=one)).image)[
            place
        ].mean((0, 1))
        for one in (0.5, 1)
    ]
    assert np.linalg.norm(half - was) == pytest.approx(np.linalg.norm(full - was) / 2, rel=0.25)


async def test_a_mask_serves_as_well_as_words(edited, coffee):
    box = {"x0": 0, "y0": 0, "x1": 0.25, "y1": 0.25}
    made = await edited(RECOLOR, coffee, mask={"box": box, "grow": 0}, colour="blue")
    changed = np.any(np.asarray(coffee.pixels) != np.asarray(made.image.pixels), axis=-1)
    assert not changed[100:].any()
    assert not changed[:, 150:].any()
    assert changed[:100, :150].mean() > 0.9


async def test_transparency_stays(edited, coffee):
    clear = coffee.pixels.copy()
    clear.putalpha(77)
    made = await edited(RECOLOR, Image(clear), select="everything", colour="blue")
    assert made.image.pixels.getchannel("A").getextrema() == (77, 77)


async def test_the_same_request_gives_the_same_pixels(edited, coffee):
    one, other = [await edited(RECOLOR, coffee, select="red", colour="teal") for _ in range(2)]
    assert one.image.pixels.tobytes() == other.image.pixels.tobytes()


@pytest.mark.parametrize(
    "raw",
    [
        {"colour": "red"},
        {"select": "red", "mask": {"subject": True}, "colour": "red"},
        {"select": "red", "colour": "reddish"},
        {"select": "red", "colour": "#12"},
        {"select": "red", "colour": "red", "strength": 0},
    ],
)
def test_parameters_that_make_no_sense_are_refused(raw):
    with pytest.raises(Refused) as refused:
        RECOLOR.parse(raw)
    assert refused.value.rule == "edit.search_recolor.params"


async def test_words_that_nothing_knows_are_refused(edited, coffee):
    with pytest.raises(Refused) as refused:
        await edited(RECOLOR, coffee, select="the teapot", colour="blue")
    assert refused.value.rule == "edit.mask.no_match"


@pytest.mark.parametrize(
    ("name", "rgb"),
    [("navy", (0, 0, 128)), ("Dark Green", (0, 100, 0)), ("#0A3d62", (10, 61, 98))],
)
def test_colours_have_names(name, rgb):
    assert parse_colour(name) == rgb


@pytest.mark.parametrize("word", ["red", "blue", "teal", "burgundy", "white", "grey", "gold"])
def test_a_colour_is_like_itself(word):
    assert word in colour_words()
    patch = np.full((2, 2, 3), parse_colour(word), np.uint8)
    assert likeness(patch, word).min() == 1


@pytest.mark.parametrize(("word", "other"), [("red", "green"), ("teal", "orange"), ("blue", "red")])
def test_a_colour_is_not_like_another(word, other):
    assert likeness(np.full((1, 1, 3), parse_colour(other), np.uint8), word).max() == 0
