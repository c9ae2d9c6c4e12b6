"""Objects: the things that stand on plinths and tables, each drawn from its foot upwards.

Lengths are in units of `unit`, half a plinth's width; light comes from the upper left.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from services.create.providers.local.brief import Brief, Rgb
from services.create.providers.local.canvas import (
    Canvas,
    Ink,
    Mask,
    Picture,
    Point,
    box,
    dab,
    mix,
    oval,
    shade,
    shine,
)

WHITE: Rgb = (255, 255, 255)
_TILT = 0.22  # how much of a circle is seen from the height of the eye


@dataclass(frozen=True, slots=True)
class Stand:
    """Where an object stands, and what it is drawn with."""

    canvas: Canvas
    picture: Picture
    brief: Brief
    x: float
    y: float
    unit: float  # of the width
    colour: Rgb
    accent: Rgb

    @property
    def tall(self) -> float:
        """The unit, of the height."""
        return self.unit * self.canvas.ratio

    def at(self, x: float, y: float) -> Point:
        """A place so far right of and above the foot."""
        return self.x + x * self.unit, self.y - y * self.tall

    def oval(self, x: float, y: float, rx: float, ry: float) -> list[Point]:
        """An ellipse around a place."""
        return oval(self.at(x, y), rx * self.unit, ry * self.tall)

    def dab(self, shape: list[Point], ink: Ink, opacity: float = 1.0) -> None:
        """Paint a shape."""
        dab(self.canvas, self.picture, shape, ink, opacity)

    def shadow(self, x: float, y: float, rx: float, ry: float, strength: float) -> None:
        """A soft shadow on the ground."""
        mask = self.canvas.polygons([self.oval(x, y, rx, ry)])
        shade(self.picture, self.canvas.soft(mask, self.unit * 0.05), strength)


def cylinder(colour: Rgb, x: float, radius: float, gloss: float = 0.28) -> Ink:
    """A colour shaded as on an upright cylinder lit from the left, with a highlight."""

    def ink(xs: Mask, ys: Mask) -> Picture:
        across = ((xs - x) / radius).clip(-1, 1)
        diffuse = (np.sqrt(1 - across**2) * 0.75 - across * 0.55).clip(0, None)
        value = 0.46 + 0.62 * diffuse
        light = np.exp(-(((across + 0.45) / 0.12) ** 2)) * gloss
        row = np.asarray(colour, np.float32) / 255 * value[:, None] + light[:, None]
        return np.broadcast_to(row.astype(np.float32), (len(ys), len(xs), 3))

    return ink


def ball(colour: Rgb, centre: Point, rx: float, ry: float, gloss: float = 0.5) -> Ink:
    """A colour shaded as on a ball lit from the upper left."""

    def ink(xs: Mask, ys: Mask) -> Picture:
        u, v = (xs[None, :] - centre[0]) / rx, (ys[:, None] - centre[1]) / ry
        z = np.sqrt((1 - u**2 - v**2).clip(0, 1))
        facing = (-0.5 * u - 0.55 * v + 0.67 * z).clip(0, None)
        bounce = 0.12 * (v.clip(0, 1)) ** 2
        value = 0.34 + 0.72 * facing + bounce
        light = np.exp(-((u + 0.38) ** 2 + (v + 0.42) ** 2) / 0.035) * gloss
        made = np.asarray(colour, np.float32) / 255 * value[..., None] + light[..., None]
        return np.asarray(made, np.float32)

    return ink


def turned(
    stand: Stand, colour: Rgb, outline: list[tuple[float, float]], foot: float = 0.0, x: float = 0.0
) -> None:
    """A body of revolution from (height, radius) pairs; smooth between them."""
    heights, radii = _smooth(outline)
    right = [stand.at(x + r, foot + h) for h, r in zip(heights, radii, strict=True)]
    left = [stand.at(x - r, foot + h) for h, r in zip(heights[::-1], radii[::-1], strict=True)]
    base, rim = outline[0][1], outline[-1][1]
    ink = cylinder(colour, stand.at(x, 0)[0], max(radii) * stand.unit)
    stand.dab(stand.oval(x, foot + outline[0][0], base, base * _TILT), ink)
    stand.dab(right + left, ink)
    stand.dab(stand.oval(x, foot + outline[-1][0], rim, rim * _TILT), mix(colour, WHITE, 0.3))


def _smooth(outline: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    heights, radii = zip(*outline, strict=True)
    if len(outline) < 4:
        return list(heights), list(radii)
    at = np.linspace(0, 1, len(outline))
    fine = np.linspace(0, 1, 96)
    kernel = np.hanning(17)[1:-1] / np.hanning(17).sum()
    tables = []
    for values in (heights, radii):
        dense = np.interp(fine, at, values)
        eased = np.convolve(np.pad(dense, 7, mode="reflect", reflect_type="odd"), kernel, "valid")
        tables.append([float(one) for one in eased])
    return tables[0], tables[1]


def bottle(stand: Stand) -> None:
    """A bottle with a cap and a label of quiet lines."""
    turned(stand, stand.colour, [(0, 0.36), (0.9, 0.36), (1.06, 0.27), (1.16, 0.13), (1.3, 0.12)])
    turned(stand, stand.accent, [(0, 0.17), (0.26, 0.17), (0.28, 0.15)], foot=1.3)
    _label(stand, 0.27, 0.24, 0.72)


def _label(stand: Stand, half: float, low: float, high: float) -> None:
    (left, top), (right, bottom) = stand.at(-half, high), stand.at(half, low)
    stand.dab(box(left, top, right, bottom), cylinder((250, 247, 240), stand.x, stand.unit * 0.5))
    for row, wide in ((0.7, 0.6), (0.48, 0.36), (0.33, 0.48)):
        y = low + (high - low) * row
        (left, top), (right, bottom) = stand.at(-half * wide, y + 0.022), stand.at(half * wide, y)
        stand.dab(box(left, top, right, bottom), (70, 64, 60), 0.7)


def jar(stand: Stand) -> None:
    """A low jar with a lid."""
    turned(stand, stand.colour, [(0, 0.44), (0.06, 0.47), (0.5, 0.47), (0.58, 0.43)])
    turned(stand, stand.accent, [(0, 0.48), (0.2, 0.48), (0.23, 0.45)], foot=0.58)
    _label(stand, 0.3, 0.14, 0.42)


def can(stand: Stand) -> None:
    """A drinks can with a band."""
    turned(stand, (196, 202, 208), [(0, 0.27), (0.05, 0.33), (0.95, 0.33), (1.03, 0.27)])
    (left, top), (right, bottom) = stand.at(-0.33, 0.94), stand.at(0.33, 0.06)
    stand.dab(box(left, top, right, bottom), cylinder(stand.colour, stand.x, stand.unit * 0.33))
    (left, top), (right, bottom) = stand.at(-0.33, 0.62), stand.at(0.33, 0.4)
    stand.dab(box(left, top, right, bottom), cylinder(stand.accent, stand.x, stand.unit * 0.33))


def tube(stand: Stand) -> None:
    """A tube standing on its cap."""
    turned(stand, stand.accent, [(0, 0.2), (0.22, 0.2)])
    body = [stand.at(-0.2, 0.22), stand.at(0.2, 0.22), stand.at(0.27, 1.2), stand.at(-0.27, 1.2)]
    stand.dab(body, cylinder(stand.colour, stand.x, stand.unit * 0.28))
    (left, top), (right, bottom) = stand.at(-0.28, 1.3), stand.at(0.28, 1.2)
    stand.dab(box(left, top, right, bottom), mix(stand.colour, WHITE, 0.25))


def sphere(stand: Stand) -> None:
    """A ball."""
    centre = stand.at(0, 0.55)
    radius = stand.unit * 0.55
    ink = ball(stand.colour, centre, radius, radius * stand.canvas.ratio)
    stand.dab(stand.oval(0, 0.55, 0.55, 0.55), ink)


def parcel(stand: Stand) -> None:
    """A box seen over its corner, with a ribbon and a bow."""
    wide, high, deep, side = 0.42, 0.8, 0.16, 0.3
    at = stand.at
    inner = wide * 0.5
    front = [at(-wide, high), at(inner, high), at(inner, 0), at(-wide, 0)]
    right = [at(inner, high), at(inner + side, high + deep), at(inner + side, deep), at(inner, 0)]
    lid = [at(-wide, high), at(side - wide, high + deep), *reversed(right[:2])]
    stand.dab(front, stand.colour)
    stand.dab(right, mix(stand.colour, (20, 16, 20), 0.3))
    stand.dab(lid, mix(stand.colour, WHITE, 0.25))
    middle = -wide * 0.25
    stand.dab([at(middle - 0.05, high), at(middle + 0.05, high), at(middle + 0.05, 0),
               at(middle - 0.05, 0)], stand.accent)  # fmt: skip
    stand.dab([at(middle - 0.05, high), at(middle + 0.05, high),
               at(middle + 0.05 + side, high + deep), at(middle - 0.05 + side, high + deep)],
              mix(stand.accent, WHITE, 0.15))  # fmt: skip
    knot = (middle + side / 2, high + deep / 2)
    for way in (-1, 1):
        loop = [at(knot[0] + way * 0.24 * sin(pi * t), knot[1] + 0.17 * sin(2 * pi * t) * (1 - t))
                for t in (i / 32 for i in range(33))]  # fmt: skip
        stand.dab(loop, mix(stand.accent, (0, 0, 0), 0.12 if way > 0 else 0.0))
    stand.dab(stand.oval(*knot, 0.05, 0.045), mix(stand.accent, (0, 0, 0), 0.25))


def cup(stand: Stand) -> None:
    """A cup on its saucer; it steams unless that is not wanted. As a product it is a mug alone."""
    if not stand.brief.is_alone:
        dish = stand.brief.parts.get("plate", mix(stand.colour, (252, 250, 246), 0.5))
        saucer(stand, dish, 0.95 if "plate" in stand.brief.parts else 0.68)
        if stand.brief.has("shadows", otherwise=True):
            stand.shadow(0.1, 0.03, 0.36, 0.07, 0.4)
    _handle(stand, 0.46, 0.44, mix(stand.colour, (40, 34, 34), 0.15))
    profile = [(0.03, 0.24), (0.07, 0.33), (0.2, 0.43), (0.45, 0.48), (0.72, 0.5)]
    turned(stand, stand.colour, profile)
    stand.dab(stand.oval(0, 0.71, 0.45, 0.45 * _TILT), mix(stand.colour, (20, 12, 10), 0.35))
    if stand.brief.is_alone and "steam" not in stand.brief.shows:
        return
    stand.dab(stand.oval(0, 0.69, 0.425, 0.42 * _TILT), (66, 38, 22))
    stand.dab(stand.oval(-0.1, 0.705, 0.22, 0.035), (150, 104, 66), 0.5)
    if stand.brief.has("steam", otherwise=not stand.brief.is_sparse):
        _steam(stand, 0.74)


def saucer(stand: Stand, colour: Rgb, wide: float) -> None:
    """A plate under something: rim, well, and light along its edge."""
    stand.dab(stand.oval(0, -0.035, wide, wide * 0.25), mix(colour, (10, 8, 10), 0.4))
    stand.dab(
        stand.oval(0, 0.0, wide, wide * 0.25),
        cylinder(colour, stand.x, stand.unit * wide * 1.3, 0.1),
    )
    stand.dab(stand.oval(0, 0.005, wide * 0.66, wide * 0.155), mix(colour, (10, 8, 10), 0.16))
    stand.dab(stand.oval(0, -0.005, wide * 0.64, wide * 0.145), mix(colour, WHITE, 0.12))


def _handle(stand: Stand, x: float, y: float, colour: Rgb) -> None:
    outer, inner = stand.oval(x, y, 0.22, 0.21), stand.oval(x, y, 0.14, 0.135)
    stand.dab([*outer, *reversed(inner)], colour)


def _steam(stand: Stand, foot: float) -> None:
    canvas = stand.canvas
    wisps = []
    for offset, bend in ((-0.16, 1.0), (0.05, -1.0), (0.2, 0.8)):
        line = [(offset + 0.07 * bend * sin(t * 2 * pi), foot + 0.06 + 0.6 * t)
                for t in (i / 24 for i in range(25))]  # fmt: skip
        wide = 0.026
        wisps.append([stand.at(x - wide, y) for x, y in line]
                     + [stand.at(x + wide, y) for x, y in reversed(line)])  # fmt: skip
    mask = canvas.soft(canvas.polygons(wisps), stand.unit * 0.045)
    shine(stand.picture, mask, WHITE, 0.45)


def teapot(stand: Stand) -> None:
    """A round pot with a spout, a handle and a lid."""
    spout = [stand.at(0.35, 0.3), stand.at(0.82, 0.78), stand.at(0.92, 0.76), stand.at(0.45, 0.12)]
    stand.dab(spout, mix(stand.colour, (30, 24, 26), 0.25))
    _handle(stand, -0.56, 0.45, mix(stand.colour, (30, 24, 26), 0.1))
    ink = ball(stand.colour, stand.at(0, 0.42), stand.unit * 0.56, stand.tall * 0.46, 0.35)
    stand.dab(stand.oval(0, 0.42, 0.56, 0.43), ink)
    stand.dab(stand.oval(0, 0.83, 0.2, 0.06), mix(stand.colour, WHITE, 0.25))
    knob = ball(stand.accent, stand.at(0, 0.93), stand.unit * 0.08, stand.tall * 0.08)
    stand.dab(stand.oval(0, 0.93, 0.08, 0.08), knob)


def _fruit(stand: Stand, x: float, y: float, radius: float, colour: Rgb, wide: float = 1.0) -> None:
    centre = stand.at(x, y)
    ink = ball(colour, centre, stand.unit * radius * wide, stand.tall * radius, 0.35)
    stand.dab(stand.oval(x, y, radius * wide, radius), ink)


def apple(stand: Stand) -> None:
    """An apple with a stalk and a leaf."""
    colour = stand.colour
    for side in (-0.1, 0.1):
        _fruit(stand, side, 0.36, 0.36, colour)
    _fruit(stand, 0, 0.35, 0.37, colour, 1.12)
    stand.dab(stand.oval(0.0, 0.64, 0.12, 0.04), mix(colour, (30, 14, 10), 0.55), 0.8)
    stem = [stand.at(-0.02, 0.63), stand.at(0.03, 0.63), stand.at(0.09, 0.86), stand.at(0.04, 0.87)]
    stand.dab(stem, (84, 58, 36))
    stand.dab(leaf(stand, (0.05, 0.74), 0.3, 0.35), (92, 142, 66))


def leaf(stand: Stand, foot: Point, length: float, turn: float, wide: float = 0.4) -> list[Point]:
    """The outline of a leaf: pointed at both ends; `turn` in radians from the right, upwards."""
    points = []
    for side in (1, -1):
        for i in range(17)[::side]:
            t = i / 16
            along, across = length * t, side * wide * length * 0.5 * sin(pi * t**0.8)
            points.append(stand.at(
                foot[0] + along * cos(turn) - across * sin(turn),
                foot[1] + along * sin(turn) + across * cos(turn),
            ))  # fmt: skip
    return points


def orange(stand: Stand) -> None:
    """An orange."""
    _fruit(stand, 0, 0.36, 0.37, stand.colour)
    stand.dab(stand.oval(0.03, 0.66, 0.03, 0.018), (96, 110, 52))


def lemon(stand: Stand) -> None:
    """A lemon, lying."""
    tip = [stand.at(0.36, 0.32), stand.at(0.54, 0.27), stand.at(0.36, 0.2)]
    stand.dab(tip, mix(stand.colour, (110, 90, 10), 0.2))
    _fruit(stand, 0, 0.27, 0.28, stand.colour, 1.45)


def bowl(stand: Stand) -> None:
    """A bowl of fruit."""
    fruit = [c for c in stand.brief.palette(stand.canvas.dice, 5) if c != stand.colour]
    if not stand.brief.colours:
        fruit = [(206, 58, 52), (240, 150, 52), (244, 206, 74), (132, 168, 64)]
    fruit = fruit or [stand.accent]
    heap = ((-0.4, 0.62), (0.4, 0.62), (0.0, 0.66), (-0.2, 0.86), (0.22, 0.86))
    for number, (x, y) in enumerate(heap):
        _fruit(stand, x, y, 0.24, fruit[number % len(fruit)])
    profile = [(0, 0.26), (0.05, 0.3), (0.2, 0.52), (0.4, 0.68), (0.55, 0.74)]
    heights, radii = _smooth(profile)
    right = [stand.at(r, h) for h, r in zip(heights, radii, strict=True)]
    left = [stand.at(-r, h) for h, r in zip(heights[::-1], radii[::-1], strict=True)]
    stand.dab(right + left, cylinder(stand.colour, stand.x, stand.unit * 0.76))
    rim = [*oval(stand.at(0, 0.55), stand.unit * 0.74, stand.tall * 0.1, 0, 0.5)]
    rim += reversed(oval(stand.at(0, 0.555), stand.unit * 0.72, stand.tall * 0.075, 0, 0.5))
    stand.dab(rim, mix(stand.colour, WHITE, 0.45))


def books(stand: Stand) -> None:
    """A stack of books."""
    inks = [stand.colour, stand.accent, *stand.brief.palette(stand.canvas.dice, 5)]
    foot = 0.0
    for number in range(3 if stand.brief.is_sparse else 4):
        thick = 0.17 + 0.05 * float(stand.canvas.dice.random())
        shift = float(stand.canvas.dice.uniform(-0.1, 0.1))
        wide = 0.78 - 0.05 * number
        (left, top), (right, low) = (
            stand.at(shift - wide, foot + thick),
            stand.at(shift + wide, foot),
        )
        cover = inks[number % len(inks)]
        stand.dab(box(left, top, right, low), (244, 238, 224))
        line = stand.tall * 0.028
        stand.dab(box(left, top, right + stand.unit * 0.02, top + line), cover)
        stand.dab(box(left, low - line, right + stand.unit * 0.02, low), mix(cover, (0, 0, 0), 0.2))
        spine = stand.unit * 0.16
        stand.dab(box(left, top, left + spine, low), cylinder(cover, left + spine / 2, spine * 0.7))
        foot += thick


def candle(stand: Stand) -> None:
    """A candle; it burns unless it stands alone, as a product."""
    turned(stand, stand.colour, [(0, 0.27), (0.8, 0.27)])
    wick = [
        stand.at(-0.012, 0.8),
        stand.at(0.012, 0.8),
        stand.at(0.012, 0.93),
        stand.at(-0.012, 0.93),
    ]
    stand.dab(wick, (50, 40, 34))
    if stand.brief.is_alone:
        return
    centre = stand.at(0, 1.05)
    shine(stand.picture, stand.canvas.glow(centre, 0.3), (255, 170, 70), 0.5)
    shine(stand.picture, stand.canvas.glow(centre, 0.08), (255, 210, 130), 0.6)
    flame = [stand.at(0.09 * sin(pi * t) * (1 - t) * s, 0.88 + 0.34 * t)
             for s in (1, -1) for t in (i / 20 for i in range(21)[::s])]  # fmt: skip
    stand.dab(flame, (255, 226, 150))


def wine(stand: Stand) -> None:
    """A glass of wine."""
    glass = mix(stand.brief.parts.get("background", (236, 238, 240)), WHITE, 0.4)
    stand.dab(stand.oval(0, 0.0, 0.3, 0.06), glass, 0.6)
    (left, top), (right, low) = stand.at(-0.025, 0.62), stand.at(0.025, 0.0)
    stand.dab(box(left, top, right, low), glass, 0.7)
    outline = [(0.6, 0.03), (0.68, 0.2), (0.85, 0.33), (1.05, 0.36), (1.35, 0.28)]
    heights, radii = _smooth(outline)
    _side(stand, heights, radii, glass, 0.4)
    filled = [(h, r * 0.95) for h, r in zip(heights, radii, strict=True) if h <= 1.02]
    _side(stand, [h for h, _ in filled], [r for _, r in filled], stand.colour, 0.95)
    top_r = filled[-1][1]
    stand.dab(stand.oval(0, filled[-1][0], top_r, top_r * 0.16), mix(stand.colour, WHITE, 0.25))
    shine_ = [
        stand.at(-0.27, 0.85),
        stand.at(-0.22, 0.85),
        stand.at(-0.2, 1.26),
        stand.at(-0.23, 1.26),
    ]
    stand.dab(shine_, WHITE, 0.5)


def _side(
    stand: Stand, heights: list[float], radii: list[float], colour: Rgb, opacity: float
) -> None:
    right = [stand.at(r, h) for h, r in zip(heights, radii, strict=True)]
    left = [stand.at(-r, h) for h, r in zip(heights[::-1], radii[::-1], strict=True)]
    stand.dab(right + left, cylinder(colour, stand.x, stand.unit * max(radii)), opacity)


def lamp(stand: Stand) -> None:
    """A table lamp: a turned foot, a stem, and a shade of the accent's tint."""
    metal = mix(stand.colour, (40, 34, 34), 0.12)
    turned(stand, metal, [(0, 0.34), (0.05, 0.34), (0.08, 0.1), (0.12, 0.05)])
    turned(
        stand, stand.colour, [(0.1, 0.05), (0.2, 0.17), (0.42, 0.24), (0.62, 0.15), (0.72, 0.05)]
    )
    (left, top), (right, low) = stand.at(-0.035, 0.95), stand.at(0.035, 0.7)
    stand.dab(box(left, top, right, low), cylinder(metal, stand.x, stand.unit * 0.04))
    shade_ = mix(stand.accent, (255, 246, 228), 0.7)
    heights = (0.9, 1.62)
    ink = cylinder(shade_, stand.x, stand.unit * 0.62, 0.1)
    stand.dab(stand.oval(0, heights[0], 0.6, 0.6 * 0.12), mix(shade_, (90, 60, 40), 0.35))
    sides = [stand.at(-0.6, heights[0]), stand.at(-0.36, heights[1])]
    stand.dab([*sides, stand.at(0.36, heights[1]), stand.at(0.6, heights[0])], ink)
    stand.dab(stand.oval(0, heights[0], 0.6, 0.6 * 0.12)[:37], ink)
    stand.dab(stand.oval(0, heights[1], 0.36, 0.36 * 0.1), mix(shade_, WHITE, 0.4))
