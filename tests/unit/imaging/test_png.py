"""PNG: every pixel comes back, whichever filter the rows took."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from studio.imaging.image import Image
from studio.imaging.png import write_png


def opened(data: bytes) -> Pillow.Image:
    """What another decoder makes of the file."""
    picture = Pillow.open(BytesIO(data))
    picture.load()
    return picture


def noise(mode: str, width: int, height: int, seed: int) -> Pillow.Image:
    shape = (height, width, len(mode))
    return Pillow.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


@given(
    mode=st.sampled_from(["RGB", "RGBA"]),
    width=st.integers(1, 40),
    height=st.integers(1, 300),
    level=st.sampled_from([0, 1, 6]),
    seed=st.integers(0, 9),
)
def test_every_pixel_comes_back_at_any_size(
    mode: str, width: int, height: int, level: int, seed: int
) -> None:
    picture = noise(mode, width, height, seed)
    assert np.array_equal(np.asarray(opened(write_png(picture, level))), np.asarray(picture))


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_every_pixel_of_a_photograph_comes_back(name: str, photo: Callable[[str], Image]) -> None:
    pixels = photo(name).pixels
    assert np.array_equal(np.asarray(opened(write_png(pixels, 1))), np.asarray(pixels))


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_photographs_are_not_much_larger_than_pillows_search_makes_them(
    name: str, photo: Callable[[str], Image]
) -> None:
    pixels, theirs = photo(name).pixels, BytesIO()
    pixels.save(theirs, "PNG")
    assert len(write_png(pixels, 1)) < 1.12 * len(theirs.getvalue())


def test_flat_art_gets_the_higher_level_and_photographs_do_not(
    photo: Callable[[str], Image],
) -> None:
    # Stripes of many colours: no palette, and rows that repeat.
    stripes = np.repeat(np.arange(0, 255, dtype=np.uint8)[None, :, None], 300, axis=0)
    flat = Pillow.fromarray(np.concatenate([stripes, stripes[:, ::-1], stripes], axis=2))
    assert write_png(flat, 1, flat_level=9) == write_png(flat, 9)
    pixels = photo("coffee").pixels
    assert write_png(pixels, 1, flat_level=9) == write_png(pixels, 1)
