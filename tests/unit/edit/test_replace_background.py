"""New backgrounds: the subject stays, nothing of the old background does."""

import numpy as np
import pytest
from PIL import Image as Pillow

from services.edit.holes import without_doubts
from services.edit.operations.remove_background import RemoveBackground
from services.edit.operations.replace_background import ReplaceBackground
from services.edit.providers.local import LocalMatting
from services.edit.scene import gradient
from studio.imaging.colour import srgb_to_lab
from studio.imaging.image import Image
from studio.problems import Refused

MATTING = LocalMatting()
REPLACE, REMOVE = ReplaceBackground(MATTING), RemoveBackground(MATTING)


def rgb(made) -> np.ndarray:
    assert made.image.pixels.mode == "RGB"
    return np.asarray(made.image.pixels, int)


@pytest.fixture(scope="module")
def matte(coffee):
    return MATTING.matte(coffee)


async def test_the_subject_stays_and_the_background_is_the_colour(edited, coffee, matte):
    made = rgb(await edited(REPLACE, coffee, colour="#10c040", shadow=0))
    assert (made[matte == 0] == [0x10, 0xC0, 0x40]).all()
    assert np.abs(made - np.asarray(coffee.pixels, int))[matte == 1].max() <= 1


async def test_soft_edges_keep_no_old_background(edited, astronaut):
    """From a green screen onto grey: the rim must not be green."""
    cut = (await edited(REMOVE, astronaut)).image.pixels
    screen = Pillow.new("RGBA", cut.size, (0, 255, 0, 255))
    screen.alpha_composite(cut)
    screened = Image(screen.convert("RGB"))
    cover = MATTING.matte(screened)[..., None]
    made = rgb(await edited(REPLACE, screened, colour="#808080", shadow=0))
    pasted = np.asarray(screened.pixels) * cover + 128 * (1 - cover)
    edge = (cover[..., 0] > 0.25) & (cover[..., 0] < 0.8)
    spill = [
        (one[..., 1] - one[..., [0, 2]].max(-1)).clip(0)[edge].mean() for one in (made, pasted)
    ]
    assert edge.sum() > 200
    assert spill[0] < spill[1] / 2


async def test_a_shadow_lies_below_the_subject_on_plain_grounds(edited, coffee, matte):
    made = await edited(REPLACE, coffee, colour="white")
    ground = rgb(made)[matte == 0].mean(-1)
    assert made.details["shadow"] == 0.5
    assert ground.min() < 235
    dark = (rgb(made).mean(-1) < 245) & (matte == 0)
    rows = np.nonzero(dark)[0]
    assert rows.mean() > 240, "low in the picture"
    assert rgb(made)[:60, :100].min() == 255, "far away it is not"


async def test_a_shadow_falls_to_its_side(edited, coffee, matte):
    darkness = []
    for side in ("left", "right"):
        made = 255 - rgb(await edited(REPLACE, coffee, colour="white", shadow_direction=side))
        made = made.mean(-1) * (matte == 0)
        darkness.append(made[:, :278].sum() / made.sum())
    assert darkness[0] > 0.7
    assert darkness[1] < 0.3


async def test_a_subject_cut_off_below_has_no_shadow(edited, astronaut):
    made = await edited(REPLACE, astronaut, colour="white", shadow=1)
    assert made.details["shadow"] == 0
    assert "cut off" in made.details["shadow_left_out"]


def test_a_gradient_goes_from_one_colour_to_the_other():
    down = np.asarray(gradient((40, 100), (0, 0, 0), (200, 100, 50), 90), int)
    assert np.ptp(down, axis=1).max() <= 1, "rows are even"
    assert np.abs(down[0, 0] - [0, 0, 0]).max() <= 2
    assert np.abs(down[-1, 0] - [200, 100, 50]).max() <= 2
    across = np.asarray(gradient((100, 40), (0, 0, 0), (200, 100, 50), 0), int)
    assert np.array_equal(down[:, 0], across[0])


async def test_an_image_covers_the_ground(edited, blobs, coffee, matte):
    halves = Pillow.new("RGB", (100, 300), (255, 0, 0))
    halves.paste((0, 0, 255), (0, 150, 100, 300))
    made = await edited(REPLACE, coffee, image=blobs.keep_picture(halves))
    assert made.details["shadow"] == 0
    assert (rgb(made)[:20, :60] == [255, 0, 0]).all()
    assert (rgb(made)[-20:, :60] == [0, 0, 255]).all()


async def test_relighting_moves_the_subject_towards_the_ground_and_no_further(
    edited, coffee, matte
):
    solid = matte == 1
    lights = [
        srgb_to_lab(rgb(await edited(REPLACE, coffee, colour="black", shadow=0, relight=amount)))[
            solid
        ].mean(0)[0]
        for amount in (0, 0.5, 1)
    ]
    assert lights[0] > lights[1] > lights[2] > 0.5 * lights[0]


async def test_a_cut_out_keeps_its_own_edge(edited, coffee):
    clear = coffee.pixels.copy()
    clear.putalpha(0)
    clear.paste(coffee.pixels.crop((0, 0, 100, 400)), (0, 0))  # not what a net would choose
    made = await edited(REPLACE, Image(clear), colour="lime", shadow=0)
    assert made.details["engine"] == "alpha of the picture"
    assert np.array_equal(rgb(made)[:, :100], np.asarray(coffee.pixels, int)[:, :100])
    assert (rgb(made)[:, 100:] == [0, 255, 0]).all()


@pytest.mark.parametrize("raw", [{}, {"colour": "red", "prompt": "a beach"}, {"colour": "reddish"}])
def test_one_background_is_given(raw):
    with pytest.raises(Refused) as refused:
        REPLACE.parse(raw)
    assert refused.value.rule == "edit.replace_background.params"


def test_a_prompt_is_refused_with_the_way_round_it(coffee):
    with pytest.raises(Refused) as refused:
        REPLACE.check(coffee.facts, REPLACE.parse({"prompt": "a beach"}))
    assert refused.value.rule == "edit.replace_background.needs_image"
    assert "create.generate" in refused.value.fix


async def test_a_picture_without_a_subject_is_refused(edited):
    with pytest.raises(Refused) as refused:
        await edited(REPLACE, Image(Pillow.new("RGB", (200, 150), "grey")), colour="white")
    assert refused.value.rule == "edit.no_subject"


async def test_the_same_request_gives_the_same_pixels(edited, coffee):
    one, other = [
        await edited(REPLACE, coffee, gradient={"first": "white", "last": "navy"}, relight=0.5)
        for _ in range(2)
    ]
    assert one.image.pixels.tobytes() == other.image.pixels.tobytes()


async def test_the_cats_nose_is_opaque(edited, cat):
    alpha = np.asarray((await edited(REMOVE, cat)).image.pixels.getchannel("A"))
    assert alpha[225:260, 240:285].min() >= 250


def ring(inside: float) -> np.ndarray:
    """A sure disc with a place in it."""
    ys, xs = np.mgrid[:120, :120] - 60
    away = np.hypot(xs, ys)
    return np.where(away < 8, inside, np.where(away < 50, 1.0, 0.0)).astype(np.float32)


@pytest.mark.parametrize(("inside", "becomes"), [(0.3, 1), (0.7, 1), (0.2, 0.2), (0, 0)])
def test_doubts_are_filled_and_real_holes_stay(inside, becomes):
    made = without_doubts(ring(inside))
    assert made[60, 60] == pytest.approx(becomes)
    assert made[0, 0] == 0


def test_soft_outer_edges_are_no_doubts():
    soft = np.clip(np.linspace(-0.5, 1.5, 100), 0, 1).astype(np.float32)[None].repeat(40, 0)
    assert np.array_equal(without_doubts(soft), soft)
