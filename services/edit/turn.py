"""Turns: flips and quarter turns move pixels exactly, other angles resample them once."""

from __future__ import annotations

import math
from typing import Literal

from PIL import Image as Pillow
from PIL import ImageOps

from studio.imaging.colour import RGB

Flip = Literal["horizontal", "vertical"]
Fit = Literal["expand", "crop"]

FLIPS = {
    "horizontal": Pillow.Transpose.FLIP_LEFT_RIGHT,
    "vertical": Pillow.Transpose.FLIP_TOP_BOTTOM,
}
_QUARTERS = {
    90: Pillow.Transpose.ROTATE_270,  # Pillow counts against the clock
    180: Pillow.Transpose.ROTATE_180,
    270: Pillow.Transpose.ROTATE_90,
}
_EDGE = 2  # px of transparency around, so that bicubic resampling smooths the outer edge


def turned_size(width: int, height: int, degrees: float, fit: Fit) -> tuple[int, int]:
    """The size after a turn by 0..360 degrees: around all of it, or inside it."""
    if degrees % 180 == 0:
        return width, height
    if degrees % 90 == 0:
        return height, width
    sin, cos = abs(math.sin(math.radians(degrees))), abs(math.cos(math.radians(degrees)))
    if fit == "crop":
        wide, tall = _inscribed(width, height, sin, cos)
        return max(1, math.floor(wide)), max(1, math.floor(tall))
    return math.ceil(width * cos + height * sin), math.ceil(width * sin + height * cos)


def turned(pixels: Pillow.Image, degrees: float, fit: Fit, fill: RGB | None) -> Pillow.Image:
    """Turn clockwise by 0..360 degrees.

    fit "expand" shows all of it, and what it uncovers is transparent, or `fill` (RGB only);
    fit "crop" keeps the largest upright rectangle that lies inside, so that nothing is uncovered.
    """
    if degrees == 0:
        return pixels
    if degrees in _QUARTERS:
        return pixels.transpose(_QUARTERS[int(degrees)])
    width, height = turned_size(*pixels.size, degrees, fit)
    if fit == "expand":
        pixels = ImageOps.expand(pixels.convert("RGBA"), _EDGE, (0, 0, 0, 0))
    matrix = _inverse(degrees, (width / 2, height / 2), (pixels.width / 2, pixels.height / 2))
    made = pixels.transform(
        (width, height), Pillow.Transform.AFFINE, matrix, Pillow.Resampling.BICUBIC
    )
    if fit == "crop" or fill is None:
        return made
    ground = Pillow.new("RGB", made.size, fill)
    ground.paste(made, mask=made.getchannel("A"))
    return ground


def _inverse(
    degrees: float, to: tuple[float, float], source: tuple[float, float]
) -> tuple[float, float, float, float, float, float]:
    """Where each pixel of the result comes from: a clockwise turn (y down), undone."""
    sin, cos = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return (
        cos, sin, source[0] - cos * to[0] - sin * to[1],
        -sin, cos, source[1] + sin * to[0] - cos * to[1],
    )  # fmt: skip


def _inscribed(width: int, height: int, sin: float, cos: float) -> tuple[float, float]:
    """The largest upright rectangle inside a turned one, by area.

    Either two of its corners touch the long sides (its centre line is the short side's half), or
    all four corners touch one side each; the closed form is elementary geometry.
    """
    long, short = max(width, height), min(width, height)
    if short <= 2 * sin * cos * long or abs(sin - cos) < 1e-9:
        half = short / 2
        return (half / sin, half / cos) if width >= height else (half / cos, half / sin)
    double = cos * cos - sin * sin
    return (width * cos - height * sin) / double, (height * cos - width * sin) / double
