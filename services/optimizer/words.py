"""Words: which lines of type in a picture belong together, as a headline and what is below it."""

from __future__ import annotations

from collections.abc import Iterable

from studio.imaging.geometry import Box
from studio.imaging.textlines import TextLine

#: Lines are of one block if no more lies between them than this, in heights of the taller line.
_LEADING = 1.2
_MOST = 3  # blocks: the largest are what the picture says


def blocks(lines: Iterable[TextLine]) -> list[Box]:
    """Boxes around lines that follow each other, the largest three first."""
    found: list[tuple[Box, float]] = []  # around the block, the height of its tallest line
    for line in sorted(lines, key=lambda one: one.box.y0):
        box, tall = line.box, line.box.height
        while near := next((one for one in found if _follows((box, tall), one)), None):
            found.remove(near)
            box, tall = box.union(near[0]), max(tall, near[1])
        found.append((box, tall))
    return sorted((box for box, _ in found), key=lambda one: -one.area)[:_MOST]


def _follows(one: tuple[Box, float], other: tuple[Box, float]) -> bool:
    """Whether two lie above each other with little between, over a common part of the width."""
    (a, tall), (b, taller) = one, other
    gap = _LEADING * max(tall, taller)
    below = max(a.y0, b.y0) - min(a.y1, b.y1)
    beside = max(a.x0, b.x0) - min(a.x1, b.x1)
    return below <= gap and beside <= 0
