"""Enlargement: how large a picture may be made here. Upscales keep to it, exports know of it."""

from __future__ import annotations

from math import isqrt

MAX_SIDE = 8192  # px
#: Of the result: 160 MB decoded (Pillow keeps 4 bytes for RGB, too), 500 MB as PNG is written.
#: With 8192², two at once would take more than a pod has (deploy/k8s/base/resources.yaml).
MAX_PIXELS = 40_000_000
LARGEST_SQUARE = isqrt(MAX_PIXELS)  # px a side


def may_be_made(width: int, height: int) -> bool:
    """Whether a picture may be enlarged to this size, px."""
    return max(width, height) <= MAX_SIDE and width * height <= MAX_PIXELS


def longest(width: int, height: int) -> int:
    """The longer side, px, of the largest picture of this shape that may be made."""
    long, short = max(width, height), min(width, height)
    side = min(MAX_SIDE, isqrt(MAX_PIXELS * long // short) + 2)  # the shorter side may round down
    while not may_be_made(side, max(1, round(short * side / long))):
        side -= 1
    return side
