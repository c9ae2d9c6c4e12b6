"""Enlargement: how large a picture may be made here. Upscales keep to it, exports know of it."""

from __future__ import annotations

MAX_SIDE = 8192  # px
MAX_PIXELS = 40_000_000  # of the result: 160 MB decoded (Pillow keeps 4 bytes for RGB, too)


def may_be_made(width: int, height: int) -> bool:
    """Whether a picture may be enlarged to this size, px."""
    return max(width, height) <= MAX_SIDE and width * height <= MAX_PIXELS
