"""A seed gives one composition: draft, standard and premium differ in how fine they are, only."""

import numpy as np
import pytest
from PIL import Image as Pillow

from services.create.providers.local.engine import generate
from services.create.styles import styles

#: Of 255, the mean difference of two qualities shrunk to so many px. What is left at 256 px are
#: strokes, stones and grain that a draft draws coarser; at 32 px it is composition and colour.
BOUNDS = {256: 12.0, 32: 5.0}

#: Prompts for the painters and the chances (stars, rain, petals, bricks) that styles do not reach.
PROMPTS = (
    "mountains at night, rain", "mountains at night, snow", "city skyline at night",
    "floral pattern", "terrazzo", "a bouquet of flowers", "books on a table", "a forest",
    "isometric city", "a festival poster", "paint splash", "a vase of tulips and three candles",
)  # fmt: skip


def differences(prompt, style, quality="draft", width=512, height=512) -> dict[int, float]:
    one, other = (
        generate(prompt, width=width, height=height, seed=7, style=style, quality=q)
        for q in (quality, "premium")
    )
    return {side: _difference(one, other, side) for side in BOUNDS}


def _difference(one, other, side) -> float:
    small = (
        np.asarray(picture.resize((side, side), Pillow.Resampling.BOX), np.float32)
        for picture in (one, other)
    )
    return float(np.abs(next(small) - next(small)).mean())


@pytest.mark.parametrize("style", list(styles()))
def test_a_draft_shows_the_same_picture_in_every_style(style):
    found = differences("a cup on a table", style)
    assert all(found[side] < bound for side, bound in BOUNDS.items()), found


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_draft_shows_the_same_picture_of_every_subject(prompt):
    found = differences(prompt, None)
    assert all(found[side] < bound for side, bound in BOUNDS.items()), found


def test_a_size_that_cannot_be_halved_has_the_same_draft():
    found = differences("a vase of flowers", "origami", width=517, height=391)
    assert all(found[side] < bound for side, bound in BOUNDS.items()), found


def test_standard_and_premium_show_the_same_picture():
    found = differences("a bouquet of flowers", None, "standard")
    assert found[256] < 1.0


def test_another_seed_is_outside_of_these_bounds():
    one, other = (
        generate("a bouquet of flowers", width=256, height=256, seed=seed) for seed in (7, 8)
    )
    assert _difference(one, other, 32) > BOUNDS[32]
