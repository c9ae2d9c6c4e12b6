"""Still life: up to five things on a table, in the light of a window from the left."""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np

from services.create.providers.local.brief import Brief, Rgb
from services.create.providers.local.canvas import (
    Canvas,
    Picture,
    box,
    mix,
    paint,
    shade,
    shine,
)
from services.create.providers.local.painters.objects import Stand
from services.create.providers.local.painters.things import CLAY, OWN, place

#: What keeps a thing company where the prompt names none.
_COMPANIONS = ("apple", "lemon", "orange", "jar", "books", "bowl", "cup", "candle")
_WOOD: Rgb = (156, 110, 74)
_LINES = 1024  # of its grain, along the shorter side


def still_life(canvas: Canvas, brief: Brief) -> Picture:
    """A wall, a table, and the things in the order in which the prompt names them."""
    palette = brief.palette(canvas.dice, 5)
    tint = palette[int(canvas.dice.integers(1, 4))]
    calm = mix(tint, (238, 230, 220), float(canvas.dice.uniform(0.45, 0.68)))
    wall = brief.parts.get("background", palette[1] if brief.brand else calm)
    edge = float(canvas.dice.uniform(0.56, 0.64)) + (0.03 if canvas.is_tall else 0)
    from_right = bool(canvas.dice.random() < 0.5)  # the light; all is mirrored at the end
    picture = _wall(canvas, brief, wall)
    _table(canvas, picture, brief, edge, palette)
    things = list(brief.things[:5]) or [(brief.motif, None)]
    if not brief.things and not brief.is_sparse:
        others = [k for k in _COMPANIONS if k != brief.motif]
        things += [(str(one), None) for one in canvas.dice.choice(others, 2, replace=False)]
    short = min(1.0, 1 / canvas.ratio)
    places = _places(canvas, brief, len(things), short)
    if from_right and brief.place is not None:
        places = [(x + 1 - 2 * brief.place, y, size) for x, y, size in places]
    for number in sorted(range(len(things)), key=lambda n: places[n][1]):
        kind, named = things[number]
        x, y, size = places[number]
        colour = named or _unnamed(brief, kind, palette, number)
        accent = brief.parts.get("accent", palette[(number + 3) % 5])
        place(Stand(canvas, picture, brief, x, y, size, colour, accent), kind)
    return np.ascontiguousarray(picture[:, ::-1]) if from_right else picture


def _unnamed(brief: Brief, kind: str, palette: list[Rgb], number: int) -> Rgb:
    """The brand's, the prompt's if it speaks of one thing only, else the thing's own."""
    if kind == "vase" and "petals" in brief.parts and not brief.brand:
        return CLAY  # the colour that is named is the flowers'
    if brief.brand or (brief.colours and number == 0 and kind not in ("vase", "bowl", "plant")):
        return palette[number % len(palette)]
    return OWN.get(kind, palette[number % len(palette)])


def _wall(canvas: Canvas, brief: Brief, wall: Rgb) -> Picture:
    picture = canvas.gradient(
        [mix(wall, (255, 255, 255), 0.14), wall, mix(wall, (40, 34, 36), 0.2)]
    )
    picture *= 1 + 0.05 * (canvas.noise(3, 4) - 0.5)[..., None]
    shine(picture, canvas.glow((0.12, 0.2), 0.7), (255, 248, 232), 0.28)
    if not brief.is_sparse:
        panes = []
        for column in range(2):
            for row in range(2):
                left, top = 0.1 + column * 0.17, 0.1 + row * 0.21
                panes.append([(left + 0.05, top), (left + 0.2, top - 0.015),
                              (left + 0.15, top + 0.18), (left, top + 0.195)])  # fmt: skip
        shine(picture, canvas.soft(canvas.polygons(panes), 0.012), (255, 244, 220), 0.3)
    return picture


def _table(canvas: Canvas, picture: Picture, brief: Brief, edge: float, palette: list[Rgb]) -> None:
    named = brief.parts.get("surface")
    colour = named or (palette[-1] if brief.brand else _WOOD)
    mask = canvas.polygons([box(0, edge, 1, 1)])
    top = canvas.gradient(
        [mix(colour, (255, 255, 255), 0.2), colour, mix(colour, (20, 14, 12), 0.3)]
    )
    if not named and not brief.brand:
        lines = canvas.dice.random((ceil(_LINES / min(canvas.ratio, 1)), 1), dtype=np.float32)
        size = (canvas.width, canvas.height)
        rows = np.asarray(cv2.resize(lines, size, interpolation=cv2.INTER_AREA), np.float32)
        grain = canvas.soft(rows, 0.002) - 0.5
        top *= 1 + 0.28 * (grain + 0.25 * (canvas.noise(3, 3) - 0.5))[..., None]
    paint(picture, mask, top)
    shadow = canvas.polygons([box(-0.1, edge - 0.004, 1.1, edge + 0.012)])
    shade(picture, canvas.soft(shadow, 0.01), 0.35)
    shine(picture, canvas.glow((0.2, edge + 0.12), 0.5) * mask, (255, 240, 214), 0.2)


def _places(
    canvas: Canvas, brief: Brief, count: int, short: float
) -> list[tuple[float, float, float]]:
    """x, y of the foot, and the unit of each: one in the middle, more in a loose row."""
    base = 0.80 if canvas.is_tall else 0.79
    middle = brief.place or (0.5 if count > 1 else float(canvas.dice.choice([0.44, 0.5, 0.56])))
    size = 0.3 * short * brief.scale * (1.0, 0.7, 0.56, 0.48, 0.42)[count - 1]
    size *= 0.78 if brief.is_sparse else 1.0
    places = []
    for number in range(count):
        offset = (number - (count - 1) / 2) * size * 1.95
        depth = (0.0 if count == 1 else 0.055 * ((number * 2) % 3 - 1)) * min(1, canvas.ratio)
        jitter = float(canvas.dice.uniform(-0.1, 0.1)) * size
        places.append((middle + offset + jitter, base + depth, size))
    return places
