"""Mesh: a gradient mesh, soft fields of colour folded into one another like an aurora."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from services.create.providers.local.brief import Brief
from services.create.providers.local.canvas import Canvas, Picture, mix, shine, unit


def mesh(canvas: Canvas, brief: Brief) -> Picture:
    """Colour fields weighted by distance, warped by slow noise, with one bright focus."""
    palette = brief.palette(canvas.dice, 5)
    small = replace(  # nothing in it is sharp
        canvas, width=max(64, canvas.width // 4), height=max(64, canvas.height // 4)
    )
    fold = 0.10 + 0.28 * brief.mood.energy
    ys, xs = np.mgrid[0 : small.height, 0 : small.width].astype(np.float32)
    xs = xs / small.width + fold * (small.noise(1.6, 3) - 0.5) * 2
    ys = ys / small.height + fold * (small.noise(1.6, 3) - 0.5) * 2
    total = np.zeros((small.height, small.width, 3), np.float32)
    weights = np.zeros((small.height, small.width, 1), np.float32)
    for index in range(9):
        x, y = canvas.dice.uniform(-0.1, 1.1, 2)
        reach = canvas.dice.uniform(0.18, 0.42)
        distance = ((xs - x) ** 2 * canvas.ratio + (ys - y) ** 2 / canvas.ratio) / reach**2
        field = (1 / (1 + distance) ** 3.4)[..., None].astype(np.float32)
        total += field * unit(palette[index % len(palette)])
        weights += field
    picture = cv2.resize(
        total / weights, (canvas.width, canvas.height), interpolation=cv2.INTER_CUBIC
    ).astype(np.float32)
    # neighbouring fields grey each other: give back the colour that the mean took away
    grey = picture.mean(-1, keepdims=True)
    picture = grey + (picture - grey) * np.float32(1.35)
    focus = (brief.place or float(canvas.dice.uniform(0.35, 0.65)), 0.42)
    light = mix(palette[-1], (255, 255, 255), 0.6)
    shine(picture, canvas.glow(focus, 0.30 * brief.scale), light, 0.4)
    return np.asarray(picture.clip(0, 1), np.float32)
