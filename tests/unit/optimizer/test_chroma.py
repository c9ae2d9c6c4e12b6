"""Chroma: halved where nobody sees it, kept where coloured edges would smear."""

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from services.optimizer.chroma import subsampling_for
from tests.conftest import PHOTOS

BLUE, RED = (20, 40, 220), (200, 20, 30)


def typed(size: int, width: int = 1200, height: int = 630) -> Pillow.Image:
    """Blue words on red, line after line."""
    ground = Pillow.new("RGB", (width, height), RED)
    draw, font = ImageDraw.Draw(ground), ImageFont.load_default(size)
    for top in range(5, height, size * 2):
        draw.text((5, top), "Sale ends on Sunday " * 8, BLUE, font)
    return ground


@pytest.mark.parametrize("side", [1080, 601, 200])
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_photographs_are_written_with_half_the_chroma(name, side):
    photo = Pillow.open(PHOTOS / f"{name}.jpg").convert("RGB").resize((side, side))
    assert subsampling_for(np.asarray(photo)) == "4:2:0"


@pytest.mark.parametrize("size", [12, 24, 36, 60])
def test_coloured_type_of_any_size_keeps_its_chroma(size):
    assert subsampling_for(np.asarray(typed(size))) == "4:4:4"


@pytest.mark.parametrize("shift", range(8))
def test_type_is_found_at_every_height(shift):
    moved = np.roll(np.asarray(typed(18)), shift, axis=0)
    assert subsampling_for(moved) == "4:4:4"


@pytest.mark.parametrize("height", [23, 40, 255, 256, 257])
def test_type_is_found_in_low_pictures_too(height):
    assert subsampling_for(np.asarray(typed(12, height=height))) == "4:4:4"


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (2, 3), (900, 1)])
def test_pictures_of_hardly_any_pixels_are_judged(shape):
    plain = np.full((*shape, 3), 90, np.uint8)
    assert subsampling_for(plain) == "4:2:0"


def test_black_type_on_white_needs_no_colour():
    ground = Pillow.new("RGB", (1200, 630), (255, 255, 255))
    ImageDraw.Draw(ground).text((20, 20), "Sale " * 40, (0, 0, 0), ImageFont.load_default(40))
    assert subsampling_for(np.asarray(ground)) == "4:2:0"


@pytest.mark.parametrize("pitch", [8, 16, 24, 32, 40])
def test_thin_coloured_lines_are_found_wherever_they_lie(pitch):
    for phase in range(pitch):
        ruled = np.full((1080, 1080, 3), RED, np.uint8)
        ruled[phase::pitch] = BLUE
        assert subsampling_for(ruled) == "4:4:4", phase
