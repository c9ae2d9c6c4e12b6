"""Brand colours: the picture moves towards them, gently and never away."""

import numpy as np
import pytest
from PIL import Image as Pillow

from services.edit.operations.adjust import Adjust
from services.edit.palette import matched
from studio.imaging.colour import parse_hex, srgb_to_lab
from studio.imaging.image import Image
from studio.problems import Refused

ADJUST = Adjust()
BRAND = ["#0a3d62", "#e58e26", "#78e08f"]


def away(pixels, palette=BRAND) -> float:
    """Mean ΔE in a*b* to the nearest palette colour."""
    seen = srgb_to_lab(np.asarray(pixels.convert("RGB")))[..., 1:]
    goals = srgb_to_lab(np.array([parse_hex(one) for one in palette]))[:, 1:]
    return float(np.linalg.norm(seen[:, :, None] - goals, axis=-1).min(-1).mean())


async def test_more_strength_brings_a_photo_nearer_to_the_palette(edited, astronaut):
    distances = [away(astronaut.pixels)]
    for strength in (0.3, 0.6, 1):
        made = await edited(ADJUST, astronaut, palette=BRAND, palette_strength=strength)
        distances.append(away(made.image.pixels))
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.85 * distances[0]


async def test_light_stays_nearly_what_it_was(edited, astronaut):
    made = await edited(ADJUST, astronaut, palette=BRAND, palette_strength=1)
    before, after = [srgb_to_lab(np.asarray(one.pixels))[..., 0] for one in (astronaut, made.image)]
    assert np.abs(before - after).mean() < 6
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.97


def jumps(pixels: np.ndarray) -> np.ndarray:
    """ΔE from each column to the next, in the middle row."""
    lab = srgb_to_lab(pixels[len(pixels) // 2])
    return np.linalg.norm(np.diff(lab, axis=0), axis=-1)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ((20, 10, 6), (190, 90, 50)),  # a brown thing from its shadow to its light
        ((230, 140, 40), (30, 70, 160)),  # orange to blue: from one brand colour to the other
        ((60, 90, 160), (220, 225, 235)),  # a sky
        ((200, 40, 40), (40, 160, 60)),
    ],
)
def test_a_gradient_stays_a_gradient_at_full_strength(first, last):
    along = np.linspace(0, 1, 512)[None, :, None]
    ramp = np.rint(np.array(first) + (np.array(last) - np.array(first)) * along)
    ramp = np.broadcast_to(ramp, (48, 512, 3)).astype(np.uint8)
    made = np.asarray(matched(Pillow.fromarray(ramp), [parse_hex(one) for one in BRAND], 1))
    assert jumps(made).max() < 2.5 * jumps(ramp).max(), "no step shows"
    steps = [len(np.unique(one[24], axis=0)) for one in (ramp, made)]
    assert steps[1] > 0.6 * steps[0], "and no bands"


def test_one_surface_goes_to_one_colour_in_light_and_in_shadow():
    """A brown saucer: its shadow is no nearer to navy than its light is."""
    along = np.linspace(0.15, 1, 256)[None, :, None]
    ramp = np.broadcast_to(np.rint(np.array([190, 80, 40]) * along), (48, 256, 3)).astype(np.uint8)
    made = np.asarray(matched(Pillow.fromarray(ramp), [parse_hex(one) for one in BRAND], 1))
    lab = srgb_to_lab(made[24])
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1]))
    assert np.ptp(hue) < 40
    assert (hue > 30).all()


def test_greys_stay_grey(astronaut):
    grey = astronaut.pixels.convert("L").convert("RGB")
    made = np.asarray(matched(grey, [parse_hex(one) for one in BRAND], 1), int)
    assert np.ptp(made, axis=-1).max() <= 3


async def test_transparency_stays(edited, coffee):
    clear = coffee.pixels.copy()
    clear.putalpha(90)
    made = await edited(ADJUST, Image(clear), palette=BRAND)
    assert made.image.pixels.getchannel("A").getextrema() == (90, 90)


def test_a_palette_takes_colours_by_name_too():
    parsed = ADJUST.parse({"palette": ["navy", "#F8EFBA", "Dark Green"], "fill": "grey"})
    assert parsed.palette == ["#000080", "#f8efba", "#006400"]
    assert parsed.fill == "#808080"


@pytest.mark.parametrize("palette", [["blurple"], ["#12345"], ["#000000"] * 17])
def test_a_palette_is_at_most_sixteen_colours_that_exist(palette):
    with pytest.raises(Refused) as refused:
        ADJUST.parse({"palette": palette})
    assert refused.value.rule == "edit.adjust.params"


def test_a_palette_without_strength_is_nothing_to_do():
    with pytest.raises(Refused) as refused:
        ADJUST.parse({"palette": BRAND, "palette_strength": 0})
    assert refused.value.rule == "edit.adjust.nothing_to_do"
