"""Edits: what was asked for, and nothing else."""

from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from services.edit.operations.adjust import Adjust
from services.edit.operations.remove_background import RemoveBackground
from services.edit.providers.local import LocalMatting, foreground
from studio.imaging.decode import decode
from studio.imaging.image import Image
from studio.operation import Work
from studio.problems import Refused

ADJUST, REMOVE = Adjust(), RemoveBackground(LocalMatting())


@pytest.fixture
def astronaut(photos) -> Image:
    return decode((photos / "astronaut.jpg").read_bytes())


async def edited(operation, image: Image, **params):
    parsed = operation.parse(params)
    [forecast] = operation.forecast(image.facts, parsed)
    [made] = await operation.run(Work(uuid4(), parsed, image, image.facts, "local", None))
    assert made.image.facts == forecast
    return made


async def test_the_subject_stays_and_the_background_goes(astronaut):
    made = await edited(REMOVE, astronaut)
    alpha = np.asarray(made.image.pixels.getchannel("A"))
    assert alpha[60:140, 200:260].min() > 250, "the face is opaque"
    assert alpha[:60, 420:].max() < 5, "the far corner is clear"
    assert 0.3 < made.details["coverage"] < 0.75


async def test_inside_the_subject_colours_are_untouched(astronaut):
    made = await edited(REMOVE, astronaut)
    solid = np.asarray(made.image.pixels.getchannel("A")) == 255
    before = np.asarray(astronaut.pixels)[solid]
    after = np.asarray(made.image.pixels.convert("RGB"))[solid]
    assert np.abs(before.astype(int) - after).max() <= 1


def test_soft_edges_lose_the_old_background():
    """A red disc on green, its edge blended: the estimate gives red back."""
    ys, xs = np.mgrid[0:120, 0:120]
    matte = np.clip((40 - np.hypot(xs - 60, ys - 60)) / 12 + 0.5, 0, 1).astype(np.float32)
    red, green = np.float32([0.9, 0.1, 0.1]), np.float32([0.1, 0.8, 0.2])
    blended = matte[..., None] * red + (1 - matte[..., None]) * green
    edge = (matte > 0.2) & (matte < 0.8)
    before = np.abs(blended[edge] - red).mean()
    after = np.abs(foreground(blended.astype(np.float32), matte)[edge] - red).mean()
    assert after < before / 3


async def test_a_picture_without_a_subject_is_refused():
    with pytest.raises(Refused) as refused:
        await edited(REMOVE, Image(Pillow.new("RGB", (200, 200), (90, 120, 160))))
    assert refused.value.rule == "edit.no_subject"


async def test_a_feather_softens_the_edge(astronaut):
    def soft(made):
        alpha = np.asarray(made.image.pixels.getchannel("A"))
        return ((alpha > 10) & (alpha < 245)).sum()

    assert soft(await edited(REMOVE, astronaut, feather=8)) > soft(await edited(REMOVE, astronaut))


@pytest.mark.parametrize("params", [{}, {"rotate": 360}, {"brightness": 0}])
def test_asking_for_nothing_is_refused(params):
    with pytest.raises(Refused, match="nothing is asked for"):
        ADJUST.parse(params)


async def test_four_quarter_turns_are_no_turn(astronaut):
    image = astronaut
    for _ in range(4):
        image = (await edited(ADJUST, image, rotate=90)).image
    assert image.pixels.tobytes() == astronaut.pixels.tobytes()


async def test_a_quarter_turn_is_clockwise():
    marked = Pillow.new("RGB", (30, 20))
    marked.putpixel((0, 0), (255, 0, 0))
    turned = (await edited(ADJUST, Image(marked), rotate=90)).image.pixels
    assert turned.size == (20, 30)
    assert turned.getpixel((19, 0)) == (255, 0, 0)


async def test_other_turns_uncover_transparency_or_the_fill(astronaut):
    clear = (await edited(ADJUST, astronaut, rotate=20)).image.pixels
    assert clear.mode == "RGBA"
    assert clear.getpixel((0, 0))[3] == 0
    filled = (await edited(ADJUST, astronaut, rotate=20, fill="#0000ff")).image.pixels
    assert filled.getpixel((0, 0)) == (0, 0, 255)


async def test_a_crop_keeps_exactly_its_box(astronaut):
    box = {"x0": 0.25, "y0": 0.125, "x1": 0.75, "y1": 0.5}
    made = (await edited(ADJUST, astronaut, crop=box)).image.pixels
    assert made.tobytes() == astronaut.pixels.crop((128, 64, 384, 256)).tobytes()


@settings(max_examples=12, deadline=None)
@given(st.floats(0.05, 1))
def test_tones_go_the_way_that_they_say(amount):
    import asyncio

    ramp = np.linspace(20, 235, 64, dtype=np.uint8)
    pixels = np.stack([np.tile(ramp, (16, 1)), np.full((16, 64), 120), np.full((16, 64), 60)], -1)
    image = Image(Pillow.fromarray(pixels.astype(np.uint8)))

    def after(**params):
        return np.asarray(asyncio.run(edited(ADJUST, image, **params)).image.pixels, np.float32)

    before = np.asarray(image.pixels, np.float32)
    assert after(brightness=amount).mean() > before.mean() > after(brightness=-amount).mean()
    spread = after(contrast=amount)[..., 0].std()
    assert spread > before[..., 0].std() > after(contrast=-amount)[..., 0].std()
    colour = (before.max(-1) - before.min(-1)).mean()
    more, less = after(saturation=amount), after(saturation=-amount)
    assert (more.max(-1) - more.min(-1)).mean() >= colour
    assert (less.max(-1) - less.min(-1)).mean() < colour
    warm = after(temperature=amount)
    assert warm[..., 2].mean() < before[..., 2].mean()
    assert after(temperature=-amount)[..., 2].mean() > before[..., 2].mean()


async def test_sharpness_sharpens_and_softens(astronaut):
    def detail(image):
        grey = np.asarray(image.pixels.convert("L"), np.float32)
        return np.abs(np.diff(grey)).mean()

    sharp = (await edited(ADJUST, astronaut, sharpness=0.6)).image
    soft = (await edited(ADJUST, astronaut, sharpness=-0.6)).image
    assert detail(sharp) > detail(astronaut) * 1.05
    assert detail(soft) < detail(astronaut) * 0.8


@pytest.mark.parametrize("anchor", ["top-left", "top", "centre", "bottom-right", "bottom"])
@pytest.mark.parametrize("colour", ["#ffffff", "#101010", "#888888"])
async def test_text_can_be_read_wherever_it_stands(astronaut, anchor, colour):
    made = await edited(
        ADJUST, astronaut, text="Grüße — 20 % off", text_anchor=anchor, text_colour=colour
    )
    assert made.details["text_contrast"] >= 4.5
    assert made.image.pixels.tobytes() != astronaut.pixels.tobytes()


async def test_text_without_shapes_in_the_font_is_refused_by_name(astronaut):
    with pytest.raises(Refused) as refused:
        await edited(ADJUST, astronaut, text="Sale 漢字")
    assert "漢" in refused.value.says


async def test_text_that_cannot_fit_is_refused(astronaut):
    tiny = Image(astronaut.pixels.resize((40, 20)))
    with pytest.raises(Refused) as refused:
        await edited(ADJUST, tiny, text="much too long for a picture of this size")
    assert refused.value.rule == "edit.text.too_long"


async def test_transparency_survives_tones():
    pixels = Pillow.new("RGBA", (20, 20), (100, 100, 100, 77))
    made = (await edited(ADJUST, Image(pixels), brightness=0.4, saturation=0.2)).image.pixels
    assert made.getpixel((3, 3))[3] == 77
