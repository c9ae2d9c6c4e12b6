"""Boxes in normalised coordinates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from studio.imaging.geometry import Box

edges = st.lists(st.floats(0, 1), min_size=2, max_size=2, unique=True).map(sorted)
boxes = st.builds(lambda x, y: Box(x0=x[0], y0=y[0], x1=x[1], y1=y[1]), edges, edges)


@given(boxes, boxes)
def test_an_intersection_lies_in_both_and_a_union_holds_both(one: Box, other: Box) -> None:
    shared = one.intersection(other)
    if shared is not None:
        assert one.contains(shared)
        assert other.contains(shared)
    both = one.union(other)
    assert both.contains(one)
    assert both.contains(other)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_1_only_for_itself(one: Box, other: Box) -> None:
    assert 0 <= one.overlap(other) <= 1 + 1e-9
    assert one.overlap(other) == pytest.approx(other.overlap(one))


def test_the_overlap_of_two_halves_that_share_a_third() -> None:
    left, right = Box(x0=0, y0=0, x1=0.5, y1=1), Box(x0=0.25, y0=0, x1=0.75, y1=1)
    assert left.overlap(right) == pytest.approx(1 / 3)
    assert left.overlap(Box(x0=0.5, y0=0, x1=1, y1=1)) == 0


@given(boxes, st.integers(1, 5000), st.integers(1, 5000))
def test_a_box_in_pixels_is_never_empty_and_never_outside(
    box: Box, width: int, height: int
) -> None:
    left, top, right, bottom = box.pixels(width, height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


def test_what_reaches_outside_is_clipped() -> None:
    assert Box.clipped(-1, 0.5, 0.5, 2) == Box(x0=0, y0=0.5, x1=0.5, y1=1)
    assert Box.clipped(1.2, 0, 1.5, 1) is None


@pytest.mark.parametrize("coordinates", [(0.5, 0, 0.5, 1), (0.6, 0, 0.5, 1), (-0.1, 0, 1, 1)])
def test_a_box_without_area_or_outside_the_image_is_no_box(coordinates: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        Box(**dict(zip(("x0", "y0", "x1", "y1"), coordinates, strict=True)))
