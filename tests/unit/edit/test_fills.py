"""Fills: what was erased is gone, what was there stays exactly, and no face appears twice."""

import asyncio

import numpy as np
import pytest
from PIL import Image as Pillow

from services.edit.fill import fill
from services.edit.operations.erase import Erase
from services.edit.operations.inpaint import Inpaint
from services.edit.operations.outpaint import Outpaint
from services.edit.operations.search_replace import SearchReplace
from services.edit.providers.local import LocalMatting
from services.edit.smoothing import smoothly_filled
from studio.imaging.faces import faces
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.problems import Refused

MATTING = LocalMatting()
ERASE, INPAINT = Erase(MATTING), Inpaint(MATTING)
OUTPAINT, REPLACE = Outpaint(MATTING), SearchReplace(MATTING)
SHUTTLE = {"box": {"x0": 0.68, "y0": 0.0, "x1": 0.93, "y1": 0.55}}
SPOT = {"box": {"x0": 0.8, "y0": 0.05, "x1": 0.9, "y1": 0.2}}


def rgb(image) -> np.ndarray:
    return np.asarray(image.pixels.convert("RGB"), int)


def refusal(operation, facts, /, **raw):
    try:
        operation.check(facts, operation.parse(raw))
    except Refused as refused:
        return refused
    return pytest.fail(f"{operation.name} accepts {raw}")


@pytest.fixture(scope="module")
def without_shuttle(edited, astronaut):
    return asyncio.run(edited(ERASE, astronaut, mask=SHUTTLE))


def stripes(side: int) -> np.ndarray:
    """A regular texture, period 8 px."""
    bar = np.where(np.arange(side) // 4 % 2, 200, 60)
    return np.repeat(np.tile(bar, (side, 1))[..., None], 3, 2).astype(np.uint8)


def test_a_regular_texture_goes_on_through_a_hole():
    whole = stripes(96)
    hole = np.zeros((96, 96), np.bool_)
    hole[36:60, 36:60] = True
    torn = whole.copy()
    torn[hole] = (255, 0, 255)
    made = fill(torn, hole, [])
    assert np.abs(made.astype(int) - whole)[hole].mean() < 6


def test_a_smooth_shade_goes_on_through_a_hole_without_a_seam():
    whole = np.repeat(np.linspace(40, 200, 120)[None, :, None], 120, 0).repeat(3, 2)
    whole = whole.round().astype(np.uint8)
    hole = np.zeros((120, 120), np.bool_)
    hole[40:80, 40:80] = True
    made = fill(np.where(hole[..., None], np.uint8(0), whole), hole, [])
    assert np.abs(made.astype(int) - whole)[hole].mean() < 6
    assert np.abs(np.diff(made.astype(int), axis=1)).max() < 20


def test_what_is_barred_is_not_copied():
    """Red stands nearest to the hole, but only blue may be copied."""
    colours = np.full((90, 120, 3), (20, 40, 200), np.uint8)
    colours[:, 70:] = (220, 20, 20)
    hole = np.zeros((90, 120), np.bool_)
    hole[30:60, 35:66] = True
    red = np.zeros_like(hole)
    red[:, 70:] = True
    made = fill(colours, hole, [red])
    assert made[hole][:, 0].max() < 120
    assert np.array_equal(made[~hole], colours[~hole])


def test_scattered_dots_are_filled_too():
    """Dust: holes of one pixel, which must not be lost at a smaller size."""
    whole = stripes(256)
    hole = np.zeros((256, 256), np.bool_)
    hole[7::31, 11::37] = True
    made = fill(np.where(hole[..., None], np.uint8(255), whole), hole, [])
    assert np.abs(made.astype(int) - whole)[hole].mean() < 12


def test_a_long_thin_picture_can_be_filled():
    whole = np.tile(stripes(16), (1, 40, 1))
    hole = np.zeros(whole.shape[:2], np.bool_)
    hole[4:12, 300:330] = True
    made = fill(np.where(hole[..., None], np.uint8(255), whole), hole, [])
    assert np.array_equal(made[~hole], whole[~hole])
    assert np.abs(made.astype(int) - whole)[hole].mean() < 30


def test_known_values_are_spread_between_and_kept():
    values = np.zeros((1, 40, 40, 1), np.float32)[0]
    values[:, -1] = 10
    known = np.zeros((40, 40), np.bool_)
    known[:, [0, -1]] = True
    made = smoothly_filled(values, known)[20, :, 0]
    assert made[0] == 0
    assert made[-1] == 10
    assert 3 < made[20] < 7
    assert (np.diff(made) > -0.3).all()


async def test_outside_the_mask_every_pixel_stays(blobs, astronaut, without_shuttle):
    mask = blobs.mask(without_shuttle)
    assert mask.any()
    changed = np.any(rgb(astronaut) != rgb(without_shuttle.image), axis=-1)
    assert not changed[mask == 0].any()
    assert changed[mask == 255].mean() > 0.9


async def test_the_erased_shuttle_becomes_wall(astronaut, without_shuttle):
    """Its tank was dark orange; the wall is light and grey."""
    was, made = [rgb(image)[40:140, 400:425] for image in (astronaut, without_shuttle.image)]
    assert np.ptp(was.mean((0, 1))) > 40
    assert np.ptp(made.mean((0, 1))) < 20
    assert made.mean() > 140


async def test_no_second_face_appears(without_shuttle):
    assert len(faces(without_shuttle.image)) == 1


async def test_the_same_erasure_gives_the_same_pixels(edited, coffee):
    one, other = [await edited(ERASE, coffee, mask=SPOT) for _ in range(2)]
    assert one.image.pixels.tobytes() == other.image.pixels.tobytes()


async def test_erasing_by_a_colour_says_what_stays(edited, coffee):
    told = (await edited(ERASE, coffee, mask={"words": "the red cup"})).notes
    assert any("“the red cup”" in note and "by a box" in note for note in told)
    assert not any("by a box" in note for note in (await edited(ERASE, coffee, mask=SPOT)).notes)


async def test_erasing_keeps_transparency(edited, coffee):
    half = coffee.pixels.copy()
    half.putalpha(Pillow.linear_gradient("L").resize(half.size))
    made = await edited(ERASE, Image(half), mask=SPOT)
    before, after = half.getchannel("A"), made.image.pixels.getchannel("A")
    assert before.tobytes() == after.tobytes()


async def test_erasing_nearly_everything_is_refused(edited, coffee):
    with pytest.raises(Refused) as refused:
        await edited(ERASE, coffee, mask={"words": "everything"})
    assert refused.value.rule == "edit.fill.nothing_left"


async def test_inpainting_without_a_prompt_is_erasing(edited, coffee):
    erased, inpainted = [await edited(one, coffee, mask=SPOT) for one in (ERASE, INPAINT)]
    assert erased.image.pixels.tobytes() == inpainted.image.pixels.tobytes()
    assert inpainted.details["engine"] == "patchmatch"


@pytest.mark.parametrize(
    ("operation", "raw"),
    [
        (INPAINT, {"mask": SPOT}),
        (OUTPAINT, {"left": 10}),
        (REPLACE, {"select": "the subject"}),
    ],
)
def test_a_prompt_is_refused_naming_who_could(coffee, operation, raw):
    refused = refusal(operation, coffee.facts, **raw, prompt="a vase of tulips")
    assert refused.rule == f"{operation.name}.needs_provider"
    assert {"stability", "openai", "ideogram"} <= set(refused.valid)
    assert refused.fix


async def test_outpainting_keeps_the_picture_exactly(edited, coffee):
    made = await edited(OUTPAINT, coffee, left=60, up=40, right=20, down=0)
    assert made.image.pixels.size == (680, 440)
    kept = made.image.pixels.crop((60, 40, 660, 440))
    assert kept.tobytes() == coffee.pixels.tobytes()
    assert made.details["margins"] == {"left": 60, "up": 40, "right": 20, "down": 0}


async def test_what_is_new_goes_on_from_the_border(edited, rocket):
    made = rgb((await edited(OUTPAINT, rocket, up=80)).image)
    border, new = made[80:90].mean((0, 1)), made[60:80].mean((0, 1))
    assert np.abs(border - new).max() < 12, "the sky goes on"
    assert made[:80].std() > 1, "and is no flat colour"


@pytest.mark.parametrize(
    ("ratio", "anchor", "size", "at"),
    [
        ("16:9", "centre", (910, 512), (199, 0)),
        ("16:9", "left", (910, 512), (0, 0)),
        ("1:2", "bottom", (512, 1024), (0, 512)),
    ],
)
def test_a_ratio_extends_as_little_as_it_can(ratio, anchor, size, at):
    params = OUTPAINT.parse({"ratio": ratio, "anchor": anchor})
    [facts] = OUTPAINT.forecast(ImageFacts(width=512, height=512), params)
    assert (facts.width, facts.height) == size
    from services.edit.operations.outpaint import margins_of

    assert margins_of(ImageFacts(width=512, height=512), params)[:2] == at


@pytest.mark.parametrize(
    ("size", "raw", "rule"),
    [
        ((600, 400), {}, "edit.outpaint.nothing_to_do"),
        ((600, 400), {"ratio": "3:2"}, "edit.outpaint.nothing_to_do"),
        ((600, 400), {"ratio": "3:2", "left": 5}, "edit.outpaint.params"),
        ((600, 400), {"left": 2001}, "edit.outpaint.params"),
        ((600, 400), {"ratio": "90:1"}, "edit.outpaint.max_margin"),
        ((9900, 9900), {"left": 2000, "up": 500}, "edit.outpaint.max_pixels"),
        ((20, 400), {"left": 5}, "edit.outpaint.min_side"),
    ],
)
def test_what_cannot_be_extended_is_refused_when_quoted(size, raw, rule):
    facts = ImageFacts(width=size[0], height=size[1])
    assert refusal(OUTPAINT, facts, **raw).rule == rule


async def test_a_cut_out_is_extended_by_transparency(edited, coffee):
    clear = coffee.pixels.copy()
    clear.putalpha(90)
    made = (await edited(OUTPAINT, Image(clear), left=30)).image.pixels
    assert made.getchannel("A").crop((0, 0, 30, 400)).getextrema() == (0, 0)
    assert made.crop((30, 0, 630, 400)).tobytes() == clear.tobytes()


async def test_a_picture_replaces_the_selection_and_nothing_else(edited, blobs, coffee):
    green = blobs.keep_picture(Pillow.new("RGB", (50, 80), (10, 200, 30)))
    made = await edited(REPLACE, coffee, select="the red cup", image=green)
    mask, after = blobs.mask(made), rgb(made.image)
    assert np.abs(after[mask == 255] - [10, 200, 30]).max() <= 1
    assert np.array_equal(after[mask == 0], rgb(coffee)[mask == 0])


async def test_a_cut_out_stands_where_the_old_thing_stood(edited, blobs, rocket):
    disc = Pillow.new("RGBA", (100, 100), (0, 0, 0, 0))
    disc.paste((0, 255, 0, 255), (25, 25, 75, 75))
    box = {"x0": 0.25, "y0": 0.25, "x1": 0.5, "y1": 0.75}
    made = await edited(
        REPLACE, rocket, mask={"box": box, "grow": 0}, image=blobs.keep_picture(disc)
    )
    green = np.all(rgb(made.image) == [0, 255, 0], axis=-1)
    rows, columns = np.nonzero(green)
    assert (columns.min(), columns.max()) == (160, 319), "as wide as the box"
    assert rows.max() == 319, "on its lower edge"
    assert green.sum() == 160 * 160


@pytest.mark.parametrize("raw", [{}, {"image": "sha256:" + "0" * 64, "erase": True}])
def test_one_replacement_is_given(coffee, raw):
    refused = refusal(REPLACE, coffee.facts, select="the subject", **raw)
    assert refused.rule == "edit.search_replace.params"
