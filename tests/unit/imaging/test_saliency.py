"""Saliency, glances and mattes on real photos, and on pictures where there is nothing to see."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from studio.imaging.image import FloatArray, Image
from studio.imaging.saliency import glance, matte, saliency, with_parts


def test_the_cup_is_the_subject_and_the_table_is_not(photo: Callable[[str], Image]) -> None:
    cup = photo("coffee")
    cut = matte(cup)
    assert cut.shape == (400, 600)
    assert cut.dtype == np.float32
    assert cut.min() >= 0
    assert cut.max() <= 1
    assert cut[100:300, 200:380].mean() > 0.95  # cup and saucer
    assert cut[:, :50].mean() < 0.02  # table, left
    assert cut[:, 550:].mean() < 0.02  # table, right
    assert np.array_equal(cut, matte(cup))  # deterministic


def test_a_pale_foot_is_as_opaque_as_the_rest(photo: Callable[[str], Image]) -> None:
    """From near the net loses it (0.66); from further off it sees the rocket whole."""
    cut = matte(photo("rocket"))
    assert cut[140:380, 318:328].mean() > 0.97
    assert cut[360:380, 318:328].mean() > 0.85
    assert cut[:100].mean() < 0.01  # sky


def test_a_saliency_map_has_the_ratio_of_its_image(photo: Callable[[str], Image]) -> None:
    seen = saliency(photo("rocket"))
    assert seen.shape == (128, 192)
    y, x = np.unravel_index(seen.argmax(), seen.shape)
    assert 0.45 < x / 192 < 0.55  # the rocket stands in the middle
    assert y / 128 > 0.3


@pytest.mark.parametrize("grey", [0, 255])
def test_where_there_is_nothing_nothing_is_salient(grey: int) -> None:
    blank = Image(Pillow.new("RGB", (90, 40), (grey, grey, grey)))
    assert saliency(blank).max() == 0
    assert glance(blank).max() == 0
    assert matte(blank).shape == (40, 90)
    assert matte(blank).max() == 0


def test_what_is_transparent_is_not_salient(photo: Callable[[str], Image]) -> None:
    alpha = np.ones((400, 600), np.float32)
    alpha[:, :300] = 0
    half = photo("coffee").with_alpha(alpha)
    assert matte(half)[:, :300].max() == 0
    assert matte(half)[:, 300:].max() > 0.5
    assert glance(half)[:, :48].max() == 0
    assert glance(half)[:, 48:].max() > 0.5


@pytest.mark.parametrize("look", [saliency, glance])
def test_a_small_dot_draws_the_eye(look: Callable[[Image], FloatArray]) -> None:
    page = Pillow.new("RGB", (400, 300), "white")
    page.paste("black", (250, 100, 258, 108))
    seen = look(Image(page))
    y, x = np.unravel_index(seen.argmax(), seen.shape)
    assert abs((x + 0.5) / seen.shape[1] - 254 / 400) < 0.03
    assert abs((y + 0.5) / seen.shape[0] - 104 / 300) < 0.03


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "astronaut"])
def test_a_glance_tells_in_rough_what_the_whole_net_tells(
    name: str, photo: Callable[[str], Image]
) -> None:
    image = photo(name)
    rough, whole = glance(image), saliency(image)
    assert max(rough.shape) == 96
    assert rough.dtype == np.float32
    assert rough.min() >= 0
    assert rough.max() <= 1
    same = cv2.resize(whole, rough.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.corrcoef(rough.ravel(), same.ravel())[0, 1] > 0.7  # the rocket: without its haze


def test_a_further_look_adds_whole_parts_and_leaves_edges_as_they_are() -> None:
    near = np.zeros((320, 320), np.float32)
    near[100:200, 100:200] = 1
    soft = cv2.GaussianBlur(near, (0, 0), 3)  # as a look from further off sees the same thing
    assert (with_parts(near, soft) == near).all()
    missed = np.zeros_like(near)
    cv2.circle(missed, (260, 260), 20, 1.0, -1)
    whole = with_parts(near, np.maximum(soft, missed))
    assert (whole[missed > 0] == 1).all()
    assert (whole[:200, :200] == near[:200, :200]).all()
