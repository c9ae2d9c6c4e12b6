"""Bokeh: lights out of focus, near ones large and faint, far ones small and bright."""

from __future__ import annotations

import numpy as np

from services.create.providers.local.brief import Brief
from services.create.providers.local.canvas import Canvas, Picture, mix, shine


def bokeh(canvas: Canvas, brief: Brief) -> Picture:
    """A deep ground, three depths of lens discs, gathered along a band."""
    palette = brief.palette(canvas.dice, 5)
    if not brief.colours:  # lamps are warm, with a few cold ones
        palette = [
            (255, 176, 84),
            (255, 122, 92),
            (120, 150, 255),
            (255, 214, 150),
            (190, 110, 255),
        ]
    dark = mix(brief.parts.get("background", palette[0]), (6, 8, 18), 0.8)
    picture = canvas.gradient([mix(dark, palette[1], 0.18), dark, mix(dark, (0, 0, 0), 0.35)])
    heart = (brief.place or float(canvas.dice.uniform(0.35, 0.65)), 0.55)
    shine(picture, canvas.glow(heart, 0.6), palette[-1], 0.28)
    slope = float(canvas.dice.uniform(-0.25, 0.25))
    short = min(1.0, 1 / canvas.ratio)
    many = 0.6 + 0.9 * brief.mood.energy
    for count, radius, strength, blur in (
        (22, 0.115, 0.2, 0.006),
        (40, 0.06, 0.4, 0.004),
        (80, 0.022, 0.75, 0.002),
    ):
        lights = [np.zeros((canvas.height, canvas.width), np.float32) for _ in palette]
        for _ in range(int(count * many)):
            x = float(canvas.dice.uniform(-0.05, 1.05))
            spread = float(canvas.dice.normal(0, 0.17))
            y = heart[1] + slope * (x - 0.5) + spread
            r = radius * short * brief.scale * float(canvas.dice.uniform(0.55, 1.2))
            ink = int(canvas.dice.integers(len(palette)))
            _disc(canvas, lights[ink], (x, y), r, float(canvas.dice.uniform(0.4, 1)))
        for ink, mask in enumerate(lights):
            colour = mix(palette[ink], (255, 244, 220), 0.2)
            shine(picture, canvas.soft(mask.clip(0, 1), blur), colour, strength)
    return picture


def _disc(
    canvas: Canvas, mask: np.ndarray, centre: tuple[float, float], radius: float, light: float
) -> None:
    """Add one lens disc, a little brighter at its rim, as real lenses draw it."""
    r = radius * canvas.width
    cx, cy = centre[0] * canvas.width, centre[1] * canvas.height
    x0, x1 = max(0, int(cx - r - 2)), min(canvas.width, int(cx + r + 3))
    y0, y1 = max(0, int(cy - r - 2)), min(canvas.height, int(cy + r + 3))
    if x0 >= x1 or y0 >= y1:
        return
    ys, xs = np.ogrid[y0:y1, x0:x1]
    away = np.hypot(xs - cx, ys - cy) / max(r, 1)
    edge = ((1 - away) * r + 0.5).clip(0, 1)
    mask[y0:y1, x0:x1] += (edge * (0.72 + 0.28 * away.clip(0, 1) ** 3) * light).astype(np.float32)
