"""Shrink: a small copy of a picture, to look at or to show."""

from __future__ import annotations

from PIL import Image as Pillow


def shrunk(
    pixels: Pillow.Image,
    side: int,
    how: Pillow.Resampling = Pillow.Resampling.BOX,
    *,
    gap: float = 2.0,
) -> Pillow.Image:
    """A picture of at most `side` px a side, ratio kept; the same object if it is no larger.

    gap: Pillow's `reducing_gap`: whole pixels are averaged down to so many times the size first.
    Unlike `Image.thumbnail` it needs no copy of the large picture, but for mode RGBA, whose colours
    Pillow weighs by their alpha first.
    """
    scale = side / max(pixels.size)
    if scale >= 1:
        return pixels
    width, height = (max(1, round(length * scale)) for length in pixels.size)
    return pixels.resize((width, height), how, reducing_gap=gap)
