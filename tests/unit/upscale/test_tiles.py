"""Tiles: no seam, whatever the net, the factor and the size; and no more memory than a tile."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from services.upscale.bands import filter_in_bands
from services.upscale.providers.waifu2x import Waifu2x, doublings
from services.upscale.waifu2x.channels import _boxes
from services.upscale.waifu2x.net import CUNET, PHOTO
from services.upscale.waifu2x.piece import Piece, fed
from services.upscale.waifu2x.tiles import enlarged


@pytest.mark.parametrize("net", [PHOTO, CUNET], ids=lambda net: net.title)
@pytest.mark.parametrize(
    ("width", "height", "passes"), [(146, 94, 1), (219, 141, 2), (241, 157, 2), (292, 188, 2)]
)
def test_tiles_leave_no_seams(face, net, width, height, passes):
    small = face.pixels.crop((30, 60, 103, 107))
    whole, tiled = (
        np.asarray(enlarged(small, width, height, net, passes, tile), np.int16)
        for tile in (4096, 32)
    )
    assert whole.shape == (height, width, 3)
    assert np.abs(whole - tiled).max() <= 1
    assert (whole != tiled).mean() < 0.01, "rounding alone"


def test_a_small_picture_is_what_the_net_makes_of_it_whole(face):
    """The channels' weights of one sample are those that the net finds itself."""
    from services.upscale.waifu2x.net import run

    small = face.pixels.crop((60, 70, 120, 118))
    values = np.asarray(small, np.float32) / 255
    padded = np.pad(values, ((18, 18), (18, 18), (0, 0)), mode="reflect")
    alone = (run(CUNET, padded, {}) * 255 + 0.5).clip(0, 255).astype(np.uint8)
    ours = np.asarray(enlarged(small, 120, 96, CUNET, 1))
    assert np.abs(alone.astype(int) - ours).max() <= 1


@pytest.mark.parametrize("net", [PHOTO, CUNET], ids=lambda net: net.title)
def test_the_same_picture_gives_the_same_pixels(face, net):
    small = face.pixels.crop((0, 0, 40, 30))
    one, again = (Waifu2x(net).enlarged(small, 80, 60).tobytes() for _ in range(2))
    assert one == again


@pytest.mark.parametrize("net", [PHOTO, CUNET], ids=lambda net: net.title)
@pytest.mark.parametrize("size", [(1, 1), (3, 40), (8, 8)])
def test_tiny_pictures_keep_their_colour(net, size):
    made = Waifu2x(net).enlarged(Pillow.new("RGB", size, (90, 99, 199)), size[0] * 2, size[1] * 2)
    assert made.size == (size[0] * 2, size[1] * 2)
    assert np.abs(np.asarray(made, int) - (90, 99, 199)).max() <= 6


def test_floats_are_held_for_a_tile_only(face):
    """Pillow's pixels and ncnn's blobs are not traced, NumPy's arrays are."""
    peaks = []
    for side in (100, 200):
        source = face.pixels.resize((side, side))
        enlarged(source, 2 * side, 2 * side, PHOTO, 1, tile=32)
        tracemalloc.start()
        enlarged(source, 2 * side, 2 * side, PHOTO, 1, tile=32)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0], "four times the pixels, the same memory"


@given(st.integers(45, 120), st.integers(1, 9), st.data())
def test_a_net_is_fed_on_its_grid_what_it_would_see_in_the_whole(width, height, data):
    whole = np.arange(width * height * 3, dtype=np.float32).reshape(height, width, 3)
    left = data.draw(st.integers(0, width - 45))
    right = data.draw(st.integers(left + 45, width))
    all_fed, _, _ = fed(Piece(whole, 0, 0, (width, height)), CUNET)
    part, top, start = fed(Piece(whole[:, left:right], left, 0, (width, height)), CUNET)
    assert top == 0
    assert start % CUNET.grid == 0
    assert not [side for side in part.shape[:2] if side % CUNET.grid]
    assert (part == all_fed[:, start : start + part.shape[1]]).all()


@pytest.mark.parametrize(
    ("scale", "passes"),
    [(1.0, 0), (1.25, 0), (1.26, 1), (2, 1), (2.5, 1), (2.6, 2), (4, 2), (8, 3)],
)
def test_a_small_rest_is_left_to_lanczos(scale, passes):
    assert doublings(scale) == passes


@given(st.integers(1, 900), st.integers(1, 900))
def test_samples_lie_in_the_picture_and_reach_its_corners(width, height):
    boxes = list(_boxes(width, height, 64))
    assert len(boxes) <= 16
    assert all(0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height for box in boxes)
    assert boxes[0][:2] == (0, 0)
    assert boxes[-1][2:] == (width, height)


@pytest.mark.parametrize("rows", [1, 5, 16, 64, 1000])
def test_a_filter_in_bands_is_the_filter(face, rows):
    from PIL import ImageFilter

    whole = face.pixels.filter(ImageFilter.MedianFilter(7))
    banded = face.pixels.copy()
    filter_in_bands(banded, 3, lambda band, _: band.filter(ImageFilter.MedianFilter(7)), rows)
    assert banded.tobytes() == whole.tobytes()
