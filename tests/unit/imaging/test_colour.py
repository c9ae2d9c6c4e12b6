"""Colour arithmetic against published values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.imaging.colour import (
    RGB,
    contrast_ratio,
    linear_to_srgb,
    parse_hex,
    relative_luminance,
    srgb_to_lab,
    srgb_to_linear,
    to_hex,
)
from studio.problems import Refused

channel = st.integers(0, 255)
colour = st.tuples(channel, channel, channel)


@given(colour)
def test_a_colour_written_in_hexadecimal_is_read_back(rgb: RGB) -> None:
    assert parse_hex(to_hex(rgb)) == rgb
    assert parse_hex(to_hex(rgb).upper()) == rgb


@pytest.mark.parametrize(
    "text", ["", "red", "#12345", "#1234567", "#ggg000", "112233", "#１２３４５６"]
)
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse_hex(text)
    assert refusal.value.rule == "colour.hex"


def test_linear_light_and_srgb_are_inverse() -> None:
    values = np.linspace(0, 1, 256, dtype=np.float32)
    assert np.allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-5)
    assert srgb_to_linear(0.5) == pytest.approx(0.21404, abs=1e-5)


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [  # Lindbloom's calculator, sRGB, D65
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.241, 80.092, 67.203)),
        ((0, 255, 0), (87.735, -86.183, 83.179)),
        ((0, 0, 255), (32.297, 79.188, -107.860)),
        ((119, 119, 119), (50.034, 0, 0)),
    ],
)
def test_lab_values_are_the_published_ones(rgb: RGB, lab: tuple[float, float, float]) -> None:
    assert srgb_to_lab(rgb) == pytest.approx(lab, abs=0.02)


def test_lab_of_a_picture_is_that_of_its_pixels() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    whole = srgb_to_lab(pixels)
    assert whole.shape == (5, 7, 3)
    assert whole.dtype == np.float32
    assert np.allclose(whole[2, 3], srgb_to_lab(pixels[2, 3]), atol=1e-4)


def test_contrast_is_as_wcag_defines_it() -> None:
    assert contrast_ratio((0, 0, 0), (255, 255, 255)) == pytest.approx(21, abs=1e-3)
    assert contrast_ratio((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)
    assert contrast_ratio((255, 0, 0), (255, 255, 255)) == pytest.approx(3.998, abs=0.01)


@given(colour, colour)
def test_contrast_has_no_order_and_lies_between_1_and_21(one: RGB, other: RGB) -> None:
    ratio = contrast_ratio(one, other)
    assert ratio == contrast_ratio(other, one)
    assert 1 <= ratio <= 21.0001
    assert 0 <= float(relative_luminance(one)) <= 1.0001
