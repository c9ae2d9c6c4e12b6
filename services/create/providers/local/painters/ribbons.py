"""Ribbons: abstract bands that flow across the picture, each lit along its edge."""

from __future__ import annotations

import numpy as np

from services.create.providers.local.brief import Brief
from services.create.providers.local.canvas import Canvas, Picture, mix, paint, shade, shine
from studio.imaging.colour import relative_luminance


def ribbons(canvas: Canvas, brief: Brief) -> Picture:
    """Twelve or so bands, back to front, that gather where the eye should rest."""
    palette = sorted(brief.palette(canvas.dice, 5), key=relative_luminance)
    deep = brief.parts.get("background", palette[0])
    picture = canvas.gradient([mix(deep, palette[1], 0.3), mix(deep, (0, 0, 0), 0.35)])
    knot = brief.place or float(canvas.dice.uniform(0.35, 0.65))
    xs = np.linspace(0, 1, canvas.width, dtype=np.float32)
    rows = np.arange(canvas.height, dtype=np.float32)[:, None] / canvas.height
    swing = 0.10 + 0.16 * brief.mood.energy
    bands = 3 if brief.is_sparse else 13
    waves = float(canvas.dice.uniform(0.7, 1.3)) * (0.8 if canvas.is_tall else 1.1)
    phase = float(canvas.dice.uniform(0, 2 * np.pi))
    for band in range(bands):
        t = band / (bands - 1)
        gather = 1 - 0.62 * np.exp(-(((xs - knot) / 0.22) ** 2))
        middle = 0.5 + (t - 0.5) * 0.95 * gather
        middle += swing * np.sin(2 * np.pi * waves * xs + phase + t * 1.7)
        middle += swing * 0.4 * np.sin(2 * np.pi * waves * 2.1 * xs - phase + t * 3.1)
        thick = (0.050 + 0.045 * float(canvas.dice.random())) * (0.55 + 0.45 * gather)
        top, bottom = middle - thick, middle + thick
        mask = canvas.below(top.astype(np.float32)) * (1 - canvas.below(bottom.astype(np.float32)))
        shadow = canvas.soft(mask, 0.022)
        shade(picture, np.roll(shadow, round(0.014 * canvas.height), axis=0), 0.45)
        one = palette[1 + band % (len(palette) - 1)]
        other = palette[1 + (band + 1) % (len(palette) - 1)]
        along = (np.asarray(one) * (1 - xs[:, None]) + np.asarray(other) * xs[:, None]) / 255
        across = ((rows - top[None, :]) / (2 * thick[None, :])).clip(0, 1)
        body = along[None, :, :] * (1.12 - 0.42 * across)[..., None]
        paint(picture, mask, body.astype(np.float32))
        edge = np.exp(-((across / 0.10) ** 2)) * mask
        shine(picture, edge.astype(np.float32), mix(one, (255, 255, 255), 0.7), 0.5)
    return picture
