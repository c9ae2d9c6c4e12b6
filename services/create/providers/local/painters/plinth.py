"""Plinth: a product on a round plinth in a studio, lit from one side, with soft shadows."""

from __future__ import annotations

import numpy as np

from services.create.providers.local.brief import Brief, Rgb
from services.create.providers.local.canvas import (
    Canvas,
    Mask,
    Picture,
    Point,
    box,
    dab,
    mix,
    oval,
    paint,
    shade,
    shine,
)
from services.create.providers.local.painters.objects import Stand, cylinder
from services.create.providers.local.painters.things import place


def plinth(canvas: Canvas, brief: Brief) -> Picture:
    """Backdrop, plinth and product. Chance decides the backdrop, the tints, where the plinth
    stands unless the prompt says so, and the side that the light comes from."""
    dice = canvas.dice
    palette = brief.palette(dice, 4)
    tints = [palette[1], palette[2], palette[0] if len(brief.colours) == 1 else palette[3]]
    first = int(dice.integers(3))
    pale = mix(tints[first], (250, 244, 236), float(dice.uniform(0.5, 0.72)))
    wall = brief.parts.get("background", pale)
    picture = canvas.gradient(
        [mix(wall, (255, 255, 255), 0.2), wall, mix(wall, (60, 50, 50), 0.12)]
    )
    light_from_right = bool(dice.random() < 0.5)
    short = min(1.0, 1 / canvas.ratio)  # a unit of the shorter side, in units of the width
    x = brief.place or 0.5 + float(dice.choice([-0.13, 0.0, 0.13])) * short
    x = 1 - x if light_from_right else x  # it is mirrored at the end
    floor = float(dice.uniform(0.70, 0.77))
    if not brief.is_sparse:
        _backdrop(canvas, picture, mix(tints[(first + 1) % 3], wall, 0.4), x, floor, short)
    _floor(canvas, picture, wall, floor)
    unit = 0.30 * short * brief.scale * float(dice.uniform(0.9, 1.08))  # half the plinth's width
    top = floor - 0.02
    stone = brief.parts.get("surface", mix(wall, (255, 255, 255), 0.45))
    _stand(canvas, picture, stone, x, top, unit)
    named = next((colour for kind, colour in brief.things if kind == brief.motif), None)
    colour = named or (brief.colours[0] if brief.colours else palette[0])
    accent = brief.parts.get("accent", palette[3])
    place(Stand(canvas, picture, brief, x, top, unit * 0.92, colour, accent), brief.motif)
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
                    box(x - 0.46 * short, floor - 0.52, x - 0.10 * short, floor + 0.02),
                    box(x - 0.02 * short, floor - 0.64, x + 0.40 * short, floor + 0.02),
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
    foot = canvas.polygons([box(x - half, crown[1], x + half, floor + 0.02)])
    return np.maximum(canvas.ellipse(crown, half), foot)


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
    side = cylinder(colour, x, unit, gloss=0.1)
    dab(canvas, picture, oval((x, foot), unit, squash), side)
    dab(canvas, picture, box(x - unit, top, x + unit, foot), side)
    dab(canvas, picture, oval((x, top), unit, squash), mix(colour, (255, 255, 255), 0.4))
