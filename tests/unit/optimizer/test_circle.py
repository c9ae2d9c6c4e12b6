"""Circles: what matters is in the circle that is shown, not in the corner that it hides."""

import numpy as np
import pytest
from PIL import Image as Pillow

from services.optimizer.crop import round_fraction
from services.optimizer.focus import Detector, Focus, Region, find_focus
from services.optimizer.placements import placement_book
from services.optimizer.rendition import Fitting, Rendition, render
from studio.imaging.geometry import Box
from studio.imaging.image import Image

PLACEMENTS = {one.id: one for one in placement_book().placements}
ROUND = [one.id for one in placement_book().placements if one.shape == "circle"]


def scene(width: int = 3600, height: int = 2400) -> Image:
    return Image(Pillow.new("RGB", (width, height), (90, 120, 90)))


def salient(box: Box, shape: tuple[int, int] = (64, 96)) -> Focus:
    """A focus on something that stands out, which nobody named."""
    weights = np.full(shape, 0.001, np.float32)
    x0, y0, x1, y1 = box.pixels(shape[1], shape[0])
    weights[y0:y1, x0:x1] = 1
    region = Region(kind="salient", box=box, weight=0.9, score=1, detector="u2netp")
    return Focus(weights, (region,), (Detector(name="u2netp", version="1"),))


def side(made: Rendition, image: Image) -> float:
    """Px of the master across the rendition."""
    return made.crop.width * image.width


@pytest.mark.parametrize("id_", ROUND)
@pytest.mark.parametrize(("x", "y"), [(0.02, 0.05), (0.8, 0.03), (0.82, 0.7), (0.03, 0.72)])
def test_a_region_that_is_named_near_a_corner_lies_in_the_circle(id_, x, y):
    image, placement = scene(), PLACEMENTS[id_]
    named = Box(x0=x, y0=y, x1=x + 0.15, y1=y + 0.22)
    made = render(image, placement, find_focus(image, [named]), Fitting())
    assert made.crop.contains(named, slack=0.005)
    if side(made, image) > placement.width + 1:
        assert made.needs_review is None
        assert made.safe_kept >= 0.95
    assert side(made, image) >= placement.width - 1


def test_a_subject_that_stands_out_beside_the_middle_lies_in_the_circle():
    image, placement = scene(), PLACEMENTS["x_profile"]
    focus = salient(Box(x0=0.06, y0=0.62, x1=0.24, y1=0.95))
    made = render(image, placement, focus, Fitting())
    edges = (made.crop.x0, made.crop.y0, made.crop.x1, made.crop.y1)
    assert round_fraction(focus.subject, edges) >= 0.95
    assert made.needs_review is None
    whole = (0.0, 0.0, 2 / 3, 1.0)  # the largest square, whose circle hides a part of it
    assert round_fraction(focus.subject, whole) < 0.95


def test_no_smaller_square_is_taken_than_is_needed():
    image, placement = scene(), PLACEMENTS["x_profile"]
    middle = salient(Box(x0=0.4, y0=0.35, x1=0.6, y1=0.65))
    assert side(render(image, placement, middle, Fitting()), image) == pytest.approx(2400)
    corner = salient(Box(x0=0.06, y0=0.62, x1=0.24, y1=0.95))
    made = render(image, placement, corner, Fitting())
    assert side(made, image) > 1000


def test_a_circle_enlarges_no_pixel_to_show_more_and_says_what_it_hides():
    image, placement = scene(420, 400), PLACEMENTS["x_profile"]
    named = Box(x0=0.0, y0=0.0, x1=0.15, y1=0.15)
    made = render(image, placement, find_focus(image, [named]), Fitting())
    assert side(made, image) == pytest.approx(400)
    assert made.needs_review is not None
    assert "circle" in made.needs_review
