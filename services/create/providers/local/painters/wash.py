"""Wash: colours that run into wet paper, one over the other, darker where they dried last."""

from __future__ import annotations

import numpy as np

from services.create.providers.local.brief import Brief
from services.create.providers.local.canvas import Canvas, Mask, Picture, unit


def wash(canvas: Canvas, brief: Brief) -> Picture:
    """Three to six pools of pigment on cold-pressed paper."""
    palette = brief.palette(canvas.dice, 5)
    paper = unit(brief.parts.get("background", (250, 248, 243)))
    tooth = 1 - 0.09 * (canvas.noise(180, 1) - 0.5)
    picture = np.broadcast_to(paper, (canvas.height, canvas.width, 3)) * tooth[..., None]
    pools = 2 if brief.is_sparse else 3 + round(3 * brief.mood.energy)
    for number in range(pools):
        pool, edge = _pool(canvas, brief, number, pools)
        pigment = 0.35 + 0.6 * canvas.noise(3, 5)
        grains = 1 + 0.35 * (canvas.noise(70, 3) - 0.5)
        density = (pool * pigment + 0.5 * edge) * grains
        absorbed = 1 - unit(palette[number % len(palette)])
        picture = picture * np.exp(-1.05 * density[..., None] * (absorbed + 0.03))
    _spatter(canvas, picture, palette[0])
    return np.asarray(picture, np.float32)


def _pool(canvas: Canvas, brief: Brief, number: int, pools: int) -> tuple[Mask, Mask]:
    """Where one wash is wet, 0..1, and the line along which it dried."""
    spread = 0.5 + (number - (pools - 1) / 2) * 0.78 / pools
    along = (spread, 0.5 + float(canvas.dice.choice([-1, 1]) * canvas.dice.uniform(0.05, 0.24)))
    x, y = along if not canvas.is_tall else along[::-1]
    x = brief.place if brief.place is not None and number == 0 else x
    reach = 0.29 * brief.scale * float(canvas.dice.uniform(0.75, 1.1))
    field = canvas.glow((x, y), reach) + 0.95 * (canvas.noise(2.4, 6, gain=0.55) - 0.5)
    soft = 0.015 + 0.1 * canvas.noise(1.5, 2)  # crisp where it dried, soft where it stayed wet
    pool = ((field - 0.42) / soft + 0.5).clip(0, 1)
    edge = np.exp(-(((field - 0.435) / 0.018) ** 2)) * pool
    return pool.astype(np.float32), edge.astype(np.float32)


def _spatter(canvas: Canvas, picture: Picture, colour: tuple[int, int, int]) -> None:
    dots = np.zeros((canvas.height, canvas.width), np.float32)
    for _ in range(26):
        x, y = canvas.dice.uniform(0.05, 0.95, 2)
        radius = 0.0016 + 0.007 * float(canvas.dice.random()) ** 4
        short = min(1.0, 1 / canvas.ratio)
        dots = np.maximum(dots, canvas.ellipse((float(x), float(y)), radius * short))
    picture *= np.exp(-1.1 * dots[..., None] * (1 - unit(colour)))
