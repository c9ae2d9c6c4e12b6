"""Crops: inside the picture, of the ratio, around what matters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.optimizer.crop import WHOLE, focal_crop, portrait_crop, safe_fraction
from studio.imaging.geometry import Box

ratios = st.floats(0.15, 6)


def blob(x: float, y: float, size: float = 0.12, shape=(120, 160)) -> np.ndarray:
    """Weights with one subject."""
    ys, xs = np.mgrid[0 : shape[0], 0 : shape[1]]
    inside = (abs(xs / shape[1] - x) < size / 2) & (abs(ys / shape[0] - y) < size / 2)
    return (inside + 1e-5).astype(np.float32)


@given(st.floats(0.1, 0.9), st.floats(0.1, 0.9), ratios)
def test_a_crop_lies_inside_and_has_the_ratio(x, y, ratio):
    crop = focal_crop(blob(x, y), ratio)
    assert crop.box.width / crop.box.height == pytest.approx(ratio, rel=1e-6)
    assert max(crop.box.width, crop.box.height) == pytest.approx(1)


@given(st.floats(0.1, 0.9), st.floats(0.1, 0.9), ratios)
def test_it_keeps_at_least_what_a_centre_crop_keeps(x, y, ratio):
    weights = blob(x, y)
    crop = focal_crop(weights, ratio)
    wide, tall = min(1, ratio), min(1, 1 / ratio)
    h, w = weights.shape
    rows = slice(round((1 - tall) / 2 * h), round((1 + tall) / 2 * h))
    columns = slice(round((1 - wide) / 2 * w), round((1 + wide) / 2 * w))
    centre = weights[rows, columns].sum() / weights.sum()
    assert crop.focal_kept >= centre - 0.05


@given(st.floats(0.12, 0.88), st.floats(0.12, 0.88), st.floats(0.3, 3))
def test_a_subject_that_fits_is_kept_whole(x, y, ratio):
    assert focal_crop(blob(x, y, 0.2), ratio).focal_kept > 0.95


@given(st.floats(0.2, 0.8))
def test_a_subject_is_placed_in_the_safe_zone_where_there_is_room(x):
    safe = Box(x0=0.1, y0=0.25, x1=0.9, y1=0.75)
    weights = blob(x, 0.5, 0.08)
    crop = focal_crop(weights, 0.5, safe=safe)
    assert safe_fraction(weights > 0.5, crop.box, safe) > 0.95


@settings(deadline=None)
@given(st.floats(0, 0.8), st.floats(0, 0.75))
def test_a_head_that_fits_is_never_cut(x, y):
    head = Box(x0=x, y0=y, x1=x + 0.2, y1=y + 0.25)
    weights = blob(0.9, 0.9)  # everything else pulls elsewhere
    crop = focal_crop(weights, 2.5, keep=[head])
    assert crop.box.contains(head, slack=0.01)
    assert not crop.cuts_head


def test_a_head_that_cannot_fit_is_reported():
    head = Box(x0=0.2, y0=0.1, x1=0.8, y1=0.9)
    assert focal_crop(blob(0.5, 0.5), 4, keep=[head]).cuts_head


@pytest.mark.parametrize("shape", [(1, 1), (1, 320), (320, 1)])
def test_pictures_of_one_row_or_column_can_be_cropped(shape):
    crop = focal_crop(np.ones(shape, np.float32), 2)
    assert crop.box.width / crop.box.height == pytest.approx(2)


def test_where_a_head_must_be_cut_its_face_is_kept():
    head, face = Box(x0=0.2, y0=0.1, x1=0.6, y1=0.7), Box(x0=0.3, y0=0.42, x1=0.5, y1=0.66)
    crop = focal_crop(np.ones((120, 160), np.float32), 4, keep=[head, face])
    assert crop.cuts_head
    assert crop.box.contains(face, slack=0.01)


def test_a_subject_that_can_be_kept_is_not_cut_to_bring_a_part_of_it_into_the_safe_zone():
    weights = np.full((100, 100), 1e-5, np.float32)
    weights[30:, 20:80] = 1  # up to the lower edge
    weights[30:50, 20:80] = 3  # where it is heaviest
    crop = focal_crop(weights, 1 / 0.8, safe=Box(x0=0.2, y0=0.35, x1=0.8, y1=0.65))
    assert crop.focal_kept > 0.97


sides = st.floats(0.02, 0.5)


@given(st.floats(0, 0.5), st.floats(0, 0.5), sides, sides, st.floats(0.05, 1.5))
def test_a_portrait_is_zoomed_to_its_head_as_far_as_its_pixels_allow(x, y, wide, tall, least):
    head = Box(x0=x, y0=y, x1=x + wide, y1=y + tall)
    crop = portrait_crop(WHOLE, head, least)
    assert crop.contains(head)
    fills = max(head.width, head.height) / crop.width
    assert fills <= 0.6 + 1e-6 or crop == WHOLE
    assert fills == pytest.approx(0.6) or crop.width == pytest.approx(min(least, 1))
    assert crop.width >= min(least, 1) - 1e-9


def test_a_portrait_has_its_head_in_the_middle_where_the_picture_allows():
    head = Box(x0=0.4, y0=0.3, x1=0.5, y1=0.42)
    assert portrait_crop(WHOLE, head, 0.1).centre == pytest.approx(head.centre)


def test_a_head_that_fills_a_circle_already_is_not_zoomed():
    window = Box(x0=0.1, y0=0, x1=0.6, y1=1)
    assert portrait_crop(window, Box(x0=0.2, y0=0.1, x1=0.5, y1=0.8), 0.1) == window
