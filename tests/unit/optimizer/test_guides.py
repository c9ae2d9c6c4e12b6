"""Guides: a layer that shows what is covered, and never hides what is not."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from services.optimizer.guides import guide_document, guide_png
from services.optimizer.placements import placement_book

BOOK = placement_book()


def layer(id_: str) -> np.ndarray:
    """(h, w, 4) uint8."""
    return np.asarray(Pillow.open(io.BytesIO(guide_png(BOOK.placement(id_), BOOK.version))))


@pytest.mark.parametrize("id_", ["instagram_story", "linkedin_company_cover", "linkedin_logo"])
def test_a_guide_has_the_placements_size_and_is_transparent(id_):
    pixels = layer(id_)
    one = BOOK.placement(id_)
    assert pixels.shape == (one.height, one.width, 4)
    assert (pixels[..., 3] == 0).any()


def test_what_is_covered_is_hatched_and_the_safe_zone_stays_clear():
    alpha = layer("instagram_story")[..., 3]
    assert alpha[:269].min() > 0
    assert alpha[-384:].min() > 0
    assert alpha[:, :65].min() > 0
    assert len(np.unique(alpha[20:100, 100:400])) > 2
    assert alpha[400:1500, 80:1000].max() == 0


def test_the_outline_lies_at_the_edge_of_the_safe_zone():
    pixels = layer("instagram_story").astype(int)
    across, down = pixels[900, 60:80], pixels[262:282, 700]
    for line in (across, down):
        green = (line[:, 1] > line[:, 0] + 60) & (line[:, 3] > 200)
        assert green.any()
        assert 3 <= int(np.argmax(green)) <= 14


@pytest.mark.parametrize("ground", [0, 255])
def test_it_can_be_seen_on_light_and_dark(ground):
    base = Pillow.new("RGBA", (1080, 1920), (ground, ground, ground, 255))
    base.alpha_composite(Pillow.fromarray(layer("instagram_story")))
    seen = np.asarray(base.convert("L")).astype(int)
    hatched = seen[1650:1900, 100:900]
    assert hatched.max() - hatched.min() > 60
    assert (seen[700:800, 200:900] == ground).all()


def test_of_a_circle_the_corners_are_covered_and_the_square_in_it_is_safe():
    alpha = layer("bluesky_avatar")[..., 3]
    assert alpha[20, 20] > 0
    assert alpha[500, 60] == 0
    document = guide_document(BOOK.placement("bluesky_avatar"), BOOK.version)
    assert document["circle"]["px"] == {"x": 500, "y": 500, "radius": 500}
    assert "square in the circle" in document["notes"][0]


def test_a_placement_that_covers_nothing_has_an_outline_only():
    alpha = layer("open_graph")[..., 3]
    assert alpha[300:500, 20:-20].max() == 0
    assert alpha[2, 600] > 0


def test_the_numbers_say_the_same_in_px_and_normalised():
    document = guide_document(BOOK.placement("pinterest_idea"), BOOK.version)
    assert document["version"] == BOOK.version
    assert document["safe_zone"]["px"] == {"x": 65, "y": 270, "width": 820, "height": 1210}
    assert document["safe_zone"]["normalised"]["y1"] == pytest.approx(1480 / 1920, abs=1e-6)
    assert [one["side"] for one in document["covered"]] == ["top", "bottom", "left", "right"]


@pytest.mark.parametrize("one", BOOK.placements, ids=lambda one: one.id)
def test_covered_parts_and_safe_zone_tile_the_placement(one):
    document = guide_document(one, BOOK.version)
    parts = [document["safe_zone"], *document["covered"]]
    area = sum(part["px"]["width"] * part["px"]["height"] for part in parts)
    assert area == one.width * one.height
