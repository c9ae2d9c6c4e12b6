"""Dimensions: how large a picture is made. Both sides > aspect ratio > template > 1024 × 1024."""

from __future__ import annotations

import re
from fractions import Fraction

from services.create.templates import Template
from studio.problems import Refused

MIN_SIDE = 64
MAX_SIDE = 4096
#: The longer side where only a ratio is known; it covers the common social placements of that
#: ratio without enlarging (earlier-system.md 1.1).
LONG_SIDE = 1920
DEFAULT_SIDE = 1024

_RATIO = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)\s*[:x/]\s*(\d{1,4}(?:\.\d{1,3})?)")


def ratio_of(text: str) -> Fraction:
    """Width ÷ height of "4:5", "16:9" or "1.91:1", exactly.

    Refused (`create.generate.aspect_ratio`) if it is none, or if a picture of it could not have
    both sides within 64..1920 px.
    """
    found = _RATIO.fullmatch(text.strip())
    width, height = (Fraction(one) for one in found.groups()) if found else (Fraction(), Fraction())
    limit = Fraction(LONG_SIDE, MIN_SIDE)
    if not width or not height or not 1 / limit <= width / height <= limit:
        raise Refused(
            rule="create.generate.aspect_ratio",
            says=f"{text[:40]!r} is not an aspect ratio that can be made.",
            fix=f"Write width:height, between 1:{limit} and {limit}:1, such as 4:5 or 1.91:1.",
            valid=["1:1", "4:5", "2:3", "9:16", "16:9", "3:1", "1.91:1"],
        )
    return width / height


def size_of(
    width: int | None, height: int | None, aspect_ratio: str | None, template: Template | None
) -> tuple[int, int]:
    """The size in px. One side and a ratio give the other side; a ratio alone, 1920 px the longer.

    Refused (`create.generate.side`) if the other side would not be within 64..4096 px.
    """
    if width and height:
        return width, height
    if aspect_ratio is None:
        side = DEFAULT_SIDE
        return (template.width, template.height) if template else (side, side)
    ratio = ratio_of(aspect_ratio)
    if width:
        return width, _side(width / ratio, "height")
    if height:
        return _side(height * ratio, "width"), height
    if ratio >= 1:
        return LONG_SIDE, round(LONG_SIDE / ratio)
    return round(LONG_SIDE * ratio), LONG_SIDE


def _side(exact: Fraction, name: str) -> int:
    side = round(exact)
    if MIN_SIDE <= side <= MAX_SIDE:
        return side
    raise Refused(
        rule="create.generate.side",
        says=f"By its aspect ratio the picture's {name} would be {side:,} px.",
        fix=f"Each side has {MIN_SIDE} to {MAX_SIDE} px: change the other side or the ratio.",
    )


def ratio_text(width: int, height: int) -> str:
    """The reduced ratio of a size: "4:5" for 1080 × 1350."""
    ratio = Fraction(width, height)
    return f"{ratio.numerator}:{ratio.denominator}"
