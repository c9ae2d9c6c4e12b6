"""Isometric: a small world of blocks on a slab, seen from above at equal angles."""

from __future__ import annotations

import numpy as np

from services.create.providers.local.brief import Brief, Rgb
from services.create.providers.local.canvas import (
    Canvas,
    Picture,
    Point,
    dab,
    mix,
    oval,
    shade,
)

_WHITE: Rgb = (255, 255, 255)
_DARK: Rgb = (24, 20, 44)


class _View:
    """Where a place (column, row, height) of the world is in the picture."""

    def __init__(self, canvas: Canvas, brief: Brief, side: int) -> None:
        self.canvas, self.side = canvas, side
        short = min(1.0, 1 / canvas.ratio)
        self.half = 0.47 * short * min(brief.scale, 1.15) / side  # half a tile's width
        self.middle = brief.place or 0.5

    def at(self, column: float, row: float, height: float) -> Point:
        """Dimetric 2:1, as games and icons have it; heights are in tiles."""
        x = self.middle + (column - row) * self.half
        y = (column + row - self.side) * self.half / 2 - height * self.half * 1.1
        return x, 0.56 + y * self.canvas.ratio


def isometric(canvas: Canvas, brief: Brief) -> Picture:
    """Streets and towers, or terrain from water to snow, back to front."""
    palette = brief.palette(canvas.dice, 5)
    ground = brief.parts.get("background", mix(palette[2], (244, 240, 250), 0.62))
    picture = canvas.gradient([mix(ground, _WHITE, 0.35), ground, mix(ground, palette[0], 0.14)])
    side = 5 if brief.is_sparse else 8
    view = _View(canvas, brief, side)
    _slab(picture, view, palette)
    city = brief.motif == "city"
    heights = _towers(canvas, side) if city else _terrain(canvas, side)
    for column in range(side):
        for row in range(side):
            tile = (column, row, float(heights[row, column]))
            (_plot if city else _hill)(picture, view, tile, palette)
    return picture


def _slab(picture: Picture, view: _View, palette: list[Rgb]) -> None:
    """The ground that all stands on, its thickness and its shadow."""
    side, canvas = view.side, view.canvas
    shadow = canvas.polygons([oval(view.at(side / 2, side / 2, -2.2), side * view.half * 1.05,
                                   side * view.half * 0.5 * canvas.ratio)])  # fmt: skip
    shade(picture, canvas.soft(shadow, 0.04), 0.3)
    edge = mix(palette[0], _DARK, 0.35)
    _block(picture, view, (-0.15, -0.15, side + 0.15, side + 0.15), (-0.7, 0.0), edge)


def _block(
    picture: Picture,
    view: _View,
    area: tuple[float, float, float, float],
    heights: tuple[float, float],
    colour: Rgb,
) -> None:
    """A box over an area (column, row, column, row) between two heights: three tones."""
    (c0, r0, c1, r1), (low, high) = area, heights
    canvas, at = view.canvas, view.at
    left = [at(c0, r1, high), at(c1, r1, high), at(c1, r1, low), at(c0, r1, low)]
    right = [at(c1, r0, high), at(c1, r1, high), at(c1, r1, low), at(c1, r0, low)]
    top = [at(c0, r0, high), at(c1, r0, high), at(c1, r1, high), at(c0, r1, high)]
    if high > low:
        dab(canvas, picture, left, mix(colour, _DARK, 0.12))
        dab(canvas, picture, right, mix(colour, _DARK, 0.4))
    dab(canvas, picture, top, mix(colour, _WHITE, 0.24))


def _towers(canvas: Canvas, side: int) -> np.ndarray:
    """0 = street, negative = park, else a tower's height in tiles; tall in the middle."""
    rows, columns = np.mgrid[0:side, 0:side]
    away = np.hypot(rows - (side - 1) / 2, columns - (side - 1) / 2) / (side / 2)
    tall = canvas.dice.uniform(0.5, 1.25, (side, side)) * (3.4 - 2.5 * away.clip(0, 1.1)) + 0.3
    tall[canvas.dice.random((side, side)) < 0.2] = -1
    street = side // 2 - 1
    tall[street, :] = 0
    tall[:, side - 3] = 0
    return np.asarray(tall)


def _plot(picture: Picture, view: _View, tile: tuple[int, int, float], palette: list[Rgb]) -> None:
    column, row, height = tile
    whole = (float(column), float(row), column + 1.0, row + 1.0)
    if height == 0:
        _block(picture, view, whole, (0, 0), mix(palette[0], (150, 150, 160), 0.62))
        return
    lawn = mix((126, 178, 112), palette[1], 0.3)
    _block(picture, view, whole, (0, 0.04), mix(palette[3], _WHITE, 0.4) if height > 0 else lawn)
    if height < 0:
        _tree(picture, view, column + 0.35, row + 0.6)
        _tree(picture, view, column + 0.68, row + 0.36)
        return
    colour = palette[(column * 3 + row * 5) % len(palette)]
    area = (column + 0.13, row + 0.13, column + 0.87, row + 0.87)
    _block(picture, view, area, (0.04, height), colour)
    _windows(picture, view, area, height, colour)
    if (column + row) % 3 == 0:
        roof = (column + 0.3, row + 0.3, column + 0.7, row + 0.7)
        _block(picture, view, roof, (height, height + 0.25), mix(colour, _WHITE, 0.35))


def _windows(
    picture: Picture,
    view: _View,
    area: tuple[float, float, float, float],
    height: float,
    colour: Rgb,
) -> None:
    """Two columns of panes on each visible wall."""
    c0, r0, c1, r1 = area
    at, pane = view.at, mix(colour, (255, 246, 214), 0.72)
    floors = int(height / 0.42)
    for floor in range(floors):
        low = 0.2 + floor * 0.42
        high = low + 0.24
        if high > height - 0.08:
            break
        for start, end in ((0.16, 0.42), (0.58, 0.84)):
            a, b = c0 + (c1 - c0) * start, c0 + (c1 - c0) * end
            wall = [at(a, r1, high), at(b, r1, high), at(b, r1, low), at(a, r1, low)]
            dab(view.canvas, picture, wall, pane, 0.85)
            a, b = r0 + (r1 - r0) * start, r0 + (r1 - r0) * end
            wall = [at(c1, a, high), at(c1, b, high), at(c1, b, low), at(c1, a, low)]
            dab(view.canvas, picture, wall, mix(pane, _DARK, 0.28), 0.85)


def _tree(picture: Picture, view: _View, column: float, row: float) -> None:
    canvas, size = view.canvas, view.half
    x, y = view.at(column, row, 0.05)
    tall = size * canvas.ratio
    trunk = [(x - size * 0.05, y - tall * 0.3), (x + size * 0.05, y - tall * 0.3),
             (x + size * 0.05, y), (x - size * 0.05, y)]  # fmt: skip
    dab(canvas, picture, trunk, (112, 80, 58))
    for height, wide, tone in ((0.42, 0.27, 0.25), (0.5, 0.25, 0.05), (0.6, 0.17, 0.0)):
        crown = oval((x - size * (0.5 - height) * 0.2, y - tall * height), size * wide, tall * wide)
        dab(canvas, picture, crown, mix((104, 166, 104), (20, 60, 60), tone))


def _terrain(canvas: Canvas, side: int) -> np.ndarray:
    """Heights in tiles: a hill in the middle of water."""
    rows, columns = np.mgrid[0:side, 0:side]
    away = np.hypot(rows - (side - 1) / 2, columns - (side - 1) / 2) / (side / 2)
    rough = canvas.dice.uniform(-0.55, 0.7, (side, side))
    return np.asarray(((1.02 - away) * 3.3 + rough).clip(0.15, 4.2))


def _hill(picture: Picture, view: _View, tile: tuple[int, int, float], palette: list[Rgb]) -> None:
    column, row, height = tile
    bands: list[tuple[float, Rgb]] = [
        (0.4, (92, 168, 206)), (0.85, (232, 212, 160)), (1.9, (122, 176, 104)),
        (2.8, (138, 128, 124)), (9.0, (244, 247, 250)),
    ]  # fmt: skip
    colour = next(colour for limit, colour in bands if height < limit)
    level = 0.25 if height < 0.4 else round(height * 3) / 3
    whole = (float(column), float(row), column + 1.0, row + 1.0)
    _block(picture, view, whole, (0, level), mix(colour, palette[(column + row) % 3], 0.18))
    if 0.85 <= height < 1.9 and (column * 7 + row * 3) % 3 == 0:
        _tree_on(picture, view, column, row, level)


def _tree_on(picture: Picture, view: _View, column: int, row: int, level: float) -> None:
    x, y = view.at(column + 0.5, row + 0.5, level)
    size, tall = view.half, view.half * view.canvas.ratio
    for foot, wide, tone in ((0.1, 0.34, 0.3), (0.4, 0.26, 0.12), (0.7, 0.17, 0.0)):
        cone = [(x, y - tall * (foot + 0.5)), (x + size * wide, y - tall * foot),
                (x - size * wide, y - tall * foot)]  # fmt: skip
        dab(view.canvas, picture, cone, mix((70, 140, 96), (18, 56, 56), tone))
