"""edit.resize: never larger, never outside the limits, always the whole picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from services.edit.operations.resize import Params, Resize
from studio.imaging.image import Image
from studio.problems import Refused


@given(
    width=st.integers(1, 20_000),
    height=st.integers(1, 20_000),
    max_side=st.none() | st.integers(16, 8192),
    max_pixels=st.none() | st.integers(256, 10_000_000),
)
def test_the_result_is_within_the_limits_and_never_larger(
    width: int, height: int, max_side: int | None, max_pixels: int | None
) -> None:
    if max_side is None and max_pixels is None:
        max_side = 1024
    wide, tall = Params(max_side=max_side, max_pixels=max_pixels).size(width, height)
    assert wide <= width
    assert tall <= height
    assert max(wide, tall) <= (max_side or width + height)
    assert min(wide, tall) == 1 or wide * tall <= (max_pixels or width * height)


async def test_a_photo_keeps_its_ratio_and_its_colours(edited, coffee: Image) -> None:
    made = await edited(Resize(), coffee, max_pixels=60_000)
    assert made.image.pixels.size == (300, 200)
    before = np.asarray(coffee.pixels).mean(axis=(0, 1))
    assert np.abs(before - np.asarray(made.image.pixels).mean(axis=(0, 1))).max() < 1


async def test_what_is_small_enough_stays_the_very_same(edited, coffee: Image) -> None:
    made = await edited(Resize(), coffee, max_side=2000)
    assert made.image.pixels is coffee.pixels
    assert made.notes


async def test_clear_pixels_do_not_bleed_into_the_edge(edited) -> None:
    pixels = Pillow.new("RGBA", (200, 200), (0, 255, 0, 0))
    pixels.paste((200, 0, 0, 255), (50, 50, 150, 150))
    made = await edited(Resize(), Image(pixels), max_side=40)
    seen = np.asarray(made.image.pixels)
    assert seen[seen[..., 3] > 32][:, 1].max() < 40


def test_a_limit_is_needed() -> None:
    with pytest.raises(Refused, match="max_side, max_pixels"):
        Resize().parse({})
