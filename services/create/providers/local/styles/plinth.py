"""Plinth: a product on a round plinth in a studio, lit from one side, with soft shadows."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from services.create.providers.local.brief import Brief, Rgb
from services.create.providers.local.canvas import (
    Canvas,
    Mask,
    Picture,
    Point,
    mix,
    paint,
    shade,
    shine,
)


def plinth(canvas: Canvas, brief: Brief) -> Picture:
    """Backdrop, plinth and product. Chance decides the backdrop, the tints, where the plinth
    stands unless the prompt says so, and the side that the light comes from."""
    dice = canvas.dice
    palette = brief.palette(dice, 4)
    tints = [palette[1], palette[2], palette[0] if len(brief.colours) == 1 else palette[3]]
    first = int(dice.integers(3))
    wall = mix(tints[first], (250, 244, 236), float(dice.uniform(0.5, 0.72)))
    picture = canvas.gradient(
        [mix(wall, (255, 255, 255), 0.2), wall, mix(wall, (60, 50, 50), 0.12)]
    )
    light_from_right = bool(dice.random() < 0.5)
    short = min(1.0, 1 / canvas.ratio)  # a unit of the shorter side, in units of the width
    x = brief.place or 0.5 + float(dice.choice([-0.13, 0.0, 0.13])) * short
    x = 1 - x if light_from_right else x  # it is mirrored at the end
    floor = float(dice.uniform(0.70, 0.77))
    _backdrop(canvas, picture, mix(tints[(first + 1) % 3], wall, 0.4), x, floor, short)
    _floor(canvas, picture, wall, floor)
    unit = 0.30 * short * brief.scale * float(dice.uniform(0.9, 1.08))  # half the plinth's width
    top = floor - 0.02
    _stand(canvas, picture, mix(wall, (255, 255, 255), 0.45), x, top, unit)
    _product(canvas, picture, brief, palette, (x, top), unit)
    return np.ascontiguousarray(picture[:, ::-1]) if light_from_right else picture


def _backdrop(
    canvas: Canvas, picture: Picture, tint: Rgb, x: float, floor: float, short: float
) -> None:
    """Light on the wall, and an arch, a disc, panels or a window's light behind the product."""
    shine(picture, canvas.glow((x - 0.25 * short, 0.30), 0.75), (255, 250, 240), 0.35)
    match int(canvas.dice.integers(4)):
        case 0:
            shape = _arch(canvas, x, floor, 0.36 * short)
        case 1:
            shape = canvas.ellipse((x + 0.06 * short, floor - 0.30), 0.33 * short)
        case 2:
            shape = canvas.polygons(
                [
                    _upright(x - 0.46 * short, x - 0.10 * short, floor - 0.52, floor + 0.02),
                    _upright(x - 0.02 * short, x + 0.40 * short, floor - 0.64, floor + 0.02),
                ]
            )
        case _:
            _window_light(canvas, picture, x, floor, short)
            return
    paint(picture, shape, tint, 0.9)
    inner = canvas.soft(shape, 0.03)
    shade(picture, (shape * (1 - inner)).astype(np.float32), 0.35)


def _arch(canvas: Canvas, x: float, floor: float, half: float) -> Mask:
    crown: Point = (x, floor - 0.44)
    foot = canvas.polygons([_upright(x - half, x + half, crown[1], floor + 0.02)])
    return np.maximum(canvas.ellipse(crown, half), foot)


def _upright(left: float, right: float, top: float, bottom: float) -> list[Point]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _window_light(canvas: Canvas, picture: Picture, x: float, floor: float, short: float) -> None:
    """The sun through a window: leaning panes on the wall, soft at their edges."""
    panes = []
    for column in range(2):
        for row in range(3):
            left = x - 0.10 * short + column * 0.22 * short
            top = floor - 0.66 + row * 0.20
            lean = 0.13 * short
            panes.append(
                [
                    (left + lean, top),
                    (left + lean + 0.20 * short, top),
                    (left + 0.20 * short, top + 0.18),
                    (left, top + 0.18),
                ]
            )
    shine(picture, canvas.soft(canvas.polygons(panes), 0.006), (255, 246, 226), 0.55)


def _floor(canvas: Canvas, picture: Picture, wall: Rgb, floor: float) -> None:
    line = np.full(canvas.width, floor + 0.02, np.float32)
    ground = canvas.gradient([wall, mix(wall, (255, 255, 255), 0.12), mix(wall, (80, 70, 70), 0.2)])
    paint(picture, canvas.below(line), ground)
    edge = canvas.below(line - 0.02) * (1 - canvas.below(line + 0.05))
    shade(picture, canvas.soft(edge.astype(np.float32), 0.03), 0.10)


def _stand(
    canvas: Canvas, picture: Picture, colour: Rgb, x: float, top: float, unit: float
) -> None:
    """A round plinth: an ellipse above, a wall below, its shadow on the floor."""
    squash = unit * 0.26 * canvas.ratio
    foot = top + 0.15
    shadow = canvas.ellipse((x + unit * 0.35, foot + squash * 0.35), unit * 1.25, squash * 1.1)
    shade(picture, canvas.soft(shadow, 0.03), 0.42)
    body = np.maximum(
        canvas.polygons([[(x - unit, top), (x + unit, top), (x + unit, foot), (x - unit, foot)]]),
        canvas.ellipse((x, foot), unit, squash),
    )
    paint(picture, body, _rounded(canvas, colour, x, unit))
    paint(picture, canvas.ellipse((x, top), unit, squash), mix(colour, (255, 255, 255), 0.4))


def _product(
    canvas: Canvas, picture: Picture, brief: Brief, palette: list[Rgb], foot: Point, unit: float
) -> None:
    colour = brief.colours[0] if brief.colours else palette[0]
    accent = palette[3]
    x, y = foot
    contact = canvas.ellipse((x + unit * 0.10, y), unit * 0.50, unit * 0.13 * canvas.ratio)
    shade(picture, canvas.soft(contact, 0.012), 0.55)
    match brief.motif:
        case "cup":
            _cup(canvas, picture, colour, accent, foot, unit)
        case "jar":
            _turned(canvas, picture, colour, foot, unit, [(0, 0.46), (0.55, 0.46), (0.6, 0.43)])
            lid = (x, y - 0.6 * unit * canvas.ratio)
            _turned(canvas, picture, accent, lid, unit, [(0, 0.47), (0.2, 0.47), (0.22, 0.44)])
        case "box":
            _box(canvas, picture, colour, accent, foot, unit)
        case "sphere":
            centre = (x, y - 0.52 * unit * canvas.ratio)
            ball = canvas.ellipse(centre, unit * 0.55)
            paint(picture, ball, _rounded(canvas, colour, x, unit * 0.55))
            shade(picture, ball * canvas.glow((x + unit * 0.3, y), 0.22), 0.45)
        case _:
            neck = [(0, 0.36), (0.9, 0.36), (1.06, 0.26), (1.16, 0.13), (1.3, 0.12)]
            _turned(canvas, picture, colour, foot, unit, neck)
            cap = (x, y - 1.3 * unit * canvas.ratio)
            _turned(canvas, picture, accent, cap, unit, [(0, 0.17), (0.26, 0.17), (0.28, 0.15)])
            _label(canvas, picture, foot, unit)
    spot = (x - unit * 0.2, y - 0.8 * unit * canvas.ratio)
    shine(picture, canvas.glow(spot, 0.05), (255, 255, 255), 0.25)


def _turned(
    canvas: Canvas,
    picture: Picture,
    colour: Rgb,
    foot: Point,
    unit: float,
    outline: list[tuple[float, float]],
) -> None:
    """A body of revolution from (height, radius) pairs, in units of the plinth's half width."""
    x, y = foot
    tall = unit * canvas.ratio
    right = [(x + r * unit, y - h * tall) for h, r in outline]
    left = [(x - r * unit, y - h * tall) for h, r in reversed(outline)]
    widest = max(r for _, r in outline) * unit
    base = outline[0][1] * unit
    body = np.maximum(
        canvas.polygons([right + left]), canvas.ellipse((x, y), base, base * 0.22 * canvas.ratio)
    )
    paint(picture, body, _rounded(canvas, colour, x, widest))
    height, radius = outline[-1]
    rim = canvas.ellipse((x, y - height * tall), radius * unit, radius * unit * 0.22 * canvas.ratio)
    paint(picture, rim, mix(colour, (255, 255, 255), 0.35))


def _label(canvas: Canvas, picture: Picture, foot: Point, unit: float) -> None:
    x, y = foot
    tall = unit * canvas.ratio
    box = [(x - 0.27 * unit, y - 0.72 * tall), (x + 0.27 * unit, y - 0.72 * tall),
           (x + 0.27 * unit, y - 0.24 * tall), (x - 0.27 * unit, y - 0.24 * tall)]  # fmt: skip
    paint(picture, canvas.polygons([box]), (250, 247, 240), 0.88)
    for row, wide in ((0.58, 0.16), (0.47, 0.10), (0.40, 0.13)):
        line = [(x - wide * unit, y - row * tall), (x + wide * unit, y - row * tall),
                (x + wide * unit, y - (row - 0.025) * tall),
                (x - wide * unit, y - (row - 0.025) * tall)]  # fmt: skip
        paint(picture, canvas.polygons([line]), (70, 64, 60), 0.75)


def _cup(
    canvas: Canvas, picture: Picture, colour: Rgb, drink: Rgb, foot: Point, unit: float
) -> None:
    x, y = foot
    tall = unit * canvas.ratio
    porcelain = mix(colour, (252, 250, 246), 0.35)
    saucer = canvas.ellipse((x, y), unit * 0.66, unit * 0.15 * canvas.ratio)
    paint(picture, saucer, mix(porcelain, (255, 255, 255), 0.3))
    shade(
        picture,
        canvas.soft(canvas.ellipse((x, y), unit * 0.3, unit * 0.06 * canvas.ratio), 0.008),
        0.35,
    )
    grip: Point = (x + 0.46 * unit, y - 0.40 * tall)
    ring = canvas.ellipse(grip, unit * 0.20) * (1 - canvas.ellipse(grip, unit * 0.13))
    paint(picture, ring, mix(porcelain, (90, 80, 75), 0.15))
    _turned(
        canvas, picture, porcelain, (x, y - 0.03 * tall), unit,
        [(0, 0.24), (0.08, 0.36), (0.25, 0.45), (0.66, 0.50)],
    )  # fmt: skip
    brew = mix(drink, (58, 32, 16), 0.75)
    surface = (x, y - 0.69 * tall)
    paint(picture, canvas.ellipse(surface, unit * 0.44, unit * 0.088 * canvas.ratio), brew)
    _steam(canvas, picture, surface, unit)


def _steam(canvas: Canvas, picture: Picture, foot: Point, unit: float) -> None:
    x, y = foot
    tall = unit * canvas.ratio
    for offset, bend in ((-0.16, 1.0), (0.05, -1.0), (0.2, 0.8)):
        line = [
            (x + unit * (offset + 0.07 * bend * sin(t * 2 * pi)), y - tall * (0.06 + 0.72 * t))
            for t in (i / 24 for i in range(25))
        ]
        wide = unit * 0.028
        strip = [(px - wide, py) for px, py in line] + [
            (px + wide, py) for px, py in reversed(line)
        ]
        mask = canvas.soft(canvas.polygons([strip]), 0.012)
        shine(picture, mask, (255, 255, 255), 0.55)


def _box(
    canvas: Canvas, picture: Picture, colour: Rgb, ribbon: Rgb, foot: Point, unit: float
) -> None:
    x, y = foot
    tall = unit * canvas.ratio
    w, h, d = 0.42 * unit, 0.8 * tall, 0.16 * tall
    side = 0.3 * unit
    front = [(x - w, y - h), (x + w * 0.5, y - h), (x + w * 0.5, y), (x - w, y)]
    right = [
        (x + w * 0.5, y - h),
        (x + w * 0.5 + side, y - h - d),
        (x + w * 0.5 + side, y - d),
        (x + w * 0.5, y),
    ]
    lid = [
        (x - w, y - h),
        (x - w + side, y - h - d),
        (x + w * 0.5 + side, y - h - d),
        (x + w * 0.5, y - h),
    ]
    paint(picture, canvas.polygons([front]), colour)
    paint(picture, canvas.polygons([right]), mix(colour, (20, 16, 20), 0.28))
    paint(picture, canvas.polygons([lid]), mix(colour, (255, 255, 255), 0.28))
    mid = x - w * 0.25
    band = [
        (mid - 0.05 * unit, y - h),
        (mid + 0.05 * unit, y - h),
        (mid + 0.05 * unit, y),
        (mid - 0.05 * unit, y),
    ]
    paint(picture, canvas.polygons([band]), ribbon)
    knot: Point = (mid + side * 0.5, y - h - d * 0.5)
    bow = [
        (knot[0] + 0.16 * unit * cos(angle), knot[1] - 0.12 * tall * abs(sin(2 * angle)))
        for angle in (step * pi / 24 for step in range(25))
    ]
    paint(picture, canvas.polygons([bow]), ribbon)


def _rounded(canvas: Canvas, colour: Rgb, x: float, radius: float) -> Picture:
    """A colour shaded as on an upright cylinder lit from the left, with a highlight."""
    columns = np.arange(canvas.width, dtype=np.float32) / canvas.width
    across = ((columns - x) / radius).clip(-1, 1)
    facing = np.sqrt(1 - across**2)
    diffuse = (facing * 0.75 - across * 0.55).clip(0, None)
    value: Mask = (0.46 + 0.62 * diffuse).astype(np.float32)
    gloss = np.exp(-(((across + 0.45) / 0.12) ** 2)) * 0.28
    row = np.asarray(colour, np.float32) / 255 * value[:, None] + gloss[:, None]
    return np.broadcast_to(row.astype(np.float32), (canvas.height, canvas.width, 3))
