"""Shrinking looks at a large picture without a copy of it."""

import pytest
from PIL import Image as Pillow

from studio.imaging.shrink import shrunk


@pytest.mark.parametrize(
    ("size", "small"),
    [((4000, 2000), (512, 256)), ((1, 20000), (1, 512)), ((513, 512), (512, 511))],
)
def test_a_picture_is_shrunk_to_the_side_and_keeps_its_ratio(size, small):
    assert shrunk(Pillow.new("L", size), 512).size == small


@pytest.mark.parametrize("size", [(512, 512), (3, 1)])
def test_a_picture_that_is_small_enough_is_not_touched(size):
    picture = Pillow.new("RGBA", size)
    assert shrunk(picture, 512) is picture


def test_what_is_clear_does_not_colour_its_surroundings():
    picture = Pillow.new("RGBA", (100, 100), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (0, 0, 50, 100))
    red, _, blue, alpha = shrunk(picture, 1).getpixel((0, 0))
    assert (red, blue) == (0, 255)
    assert alpha == pytest.approx(128, abs=1)
