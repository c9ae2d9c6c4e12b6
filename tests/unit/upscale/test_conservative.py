"""Enlarging: better than bicubic, without seams, to the exact size."""

from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from services.upscale.enlarge import enlarged, fidelity
from services.upscale.operations.conservative import (
    MAX_PIXELS,
    MAX_SIDE,
    Conservative,
    _size,
    targets,
)
from services.upscale.providers.local import doubled
from studio.imaging.decode import decode
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.imaging.similarity import psnr
from studio.operation import Work
from studio.problems import Refused

OPERATION = Conservative()


@pytest.fixture
def face(photos) -> Image:
    """The astronaut's head and collar, 256 px."""
    photo = decode((photos / "astronaut.jpg").read_bytes())
    return photo.with_pixels(photo.pixels.crop((110, 0, 366, 256)))


async def upscaled(image: Image, provider: str = "local", **params):
    parsed = OPERATION.parse(params)
    OPERATION.check(image.facts, parsed)
    [forecast] = OPERATION.forecast(image.facts, parsed)
    [made] = await OPERATION.run(Work(uuid4(), parsed, image, image.facts, provider, None))
    assert made.image.facts == forecast
    return made


async def test_the_net_beats_bicubic_by_decibels(face):
    small = face.with_pixels(face.pixels.resize((128, 128), Pillow.Resampling.LANCZOS))
    ours = (await upscaled(small, factor=2)).image.pixels
    bicubic = small.pixels.resize((256, 256), Pillow.Resampling.BICUBIC)
    assert psnr(face.pixels, ours) > psnr(face.pixels, bicubic) + 1.5


def test_tiles_leave_no_seams(face):
    small = face.pixels.resize((150, 110))
    whole, tiled = (np.asarray(doubled(small, tile), np.int16) for tile in (512, 48))
    assert np.abs(whole - tiled).max() <= 2


def test_the_same_picture_gives_the_same_pixels(face):
    small = face.pixels.crop((0, 0, 40, 30))
    assert doubled(small).tobytes() == doubled(small).tobytes()


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (8, 8)])
def test_tiny_pictures_can_be_doubled(size):
    assert doubled(Pillow.new("RGB", size, (9, 99, 199))).size == (size[0] * 2, size[1] * 2)


async def test_transparency_is_kept():
    pixels = Pillow.new("RGBA", (40, 40), (200, 30, 30, 255))
    pixels.paste((0, 0, 0, 0), (0, 0, 20, 40))
    made = (await upscaled(Image(pixels), factor=2)).image.pixels
    assert made.getpixel((5, 40))[3] == 0
    assert made.getpixel((75, 40))[3] == 255


async def test_what_is_large_enough_passes_unchanged_and_says_so(face):
    made = await upscaled(face, long_side=100)
    assert made.image.pixels is face.pixels
    assert "unchanged" in made.notes[0]


async def test_fidelity_is_measured_and_told(face):
    made = await upscaled(face, "lanczos", factor=1.5, prompt="crisp")
    assert made.details["engine"] == "Lanczos"
    assert made.details["fidelity"]["ssim"] > 0.97
    assert made.details["needs_review"] is None
    assert "prompt" in made.notes[0]


def test_a_result_that_is_something_else_has_low_fidelity(face):
    other = Image(Pillow.effect_noise((512, 512), 80).convert("RGB"))
    assert fidelity(face, other).ssim < 0.5


@given(
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.one_of(
        st.fixed_dictionaries({"factor": st.floats(1.01, 8)}),
        st.fixed_dictionaries({"long_side": st.integers(16, MAX_SIDE)}),
        st.fixed_dictionaries({"target": st.sampled_from(sorted(targets()))}),
        st.fixed_dictionaries(
            {
                "cover": st.fixed_dictionaries(
                    {"width": st.integers(1, 4000), "height": st.integers(1, 4000)}
                )
            }
        ),
    ),
)
def test_the_size_is_never_smaller_and_covers_what_was_asked(width, height, params):
    image = ImageFacts(width=width, height=height)
    parsed = OPERATION.parse(params)
    wide, tall = _size(image, parsed)
    if max(wide, tall) > MAX_SIDE or wide * tall > MAX_PIXELS:
        with pytest.raises(Refused, match="more than is made here"):
            OPERATION.forecast(image, parsed)
        return
    [made] = OPERATION.forecast(image, parsed)
    assert made.width >= width
    assert made.height >= height
    if parsed.cover:
        assert made.width >= parsed.cover.width or made.width + 1 >= parsed.cover.width
        assert made.height + 1 >= parsed.cover.height
    if parsed.long_side:
        assert max(made.width, made.height) == max(parsed.long_side, width, height)


@pytest.mark.parametrize("params", [{}, {"factor": 2, "long_side": 99}, {"target": "16k"}])
def test_exactly_one_known_size_must_be_asked_for(params):
    with pytest.raises(Refused):
        OPERATION.parse(params)


def test_enlarging_by_lanczos_alone_reaches_the_exact_size(face):
    assert enlarged(face, 301, 299, None).pixels.size == (301, 299)
