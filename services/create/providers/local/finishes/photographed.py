"""Photographed: what a lens, film, a grade and glowing light do to a picture."""

from __future__ import annotations

import cv2
import numpy as np

from services.create.providers.local.canvas import (
    Canvas,
    Mask,
    Picture,
    blurred,
    luma,
    shine,
    unit,
)


def photograph(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Local contrast, darker corners, and a sensor's noise."""
    made = picture + (picture - blurred(picture, _short(canvas) * 0.03)) * 0.25 * strength
    return _vignette(made, canvas, 0.28 * strength) + _grain(canvas, 0.6, 0.012 * strength)


def cinema(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """A film's contrast, teal shadows, warm lights, dark corners."""
    curved = picture * picture * (3 - 2 * picture)
    made = picture + (curved - picture) * 0.75 * strength
    light = luma(made)[..., None]
    made = made + (1 - light) ** 2 * np.float32(0.13 * strength) * (unit((0, 150, 160)) - made)
    made = made + light**2 * np.float32(0.22 * strength) * (unit((255, 196, 130)) - made)
    return _vignette(made, canvas, 0.5 * strength) + _grain(canvas, 0.7, 0.014 * strength)


def film(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Lifted blacks, faded colours, warm lights, grain, and a leak of light at one edge."""
    grey = luma(picture)[..., None]
    faded = grey + (picture - grey) * np.float32(1 - 0.28 * strength)
    faded = 0.09 * strength + faded * np.float32(1 - 0.15 * strength)
    faded *= np.asarray((1.05, 1.0, 0.9), np.float32) ** np.float32(strength)
    leak = canvas.glow((float(canvas.dice.choice([0.0, 1.0])), 0.3), 0.5)
    shine(faded, leak, (255, 120, 50), 0.38 * strength)
    return _vignette(faded, canvas, 0.22 * strength) + _grain(canvas, 0.9, 0.025 * strength)


def enhanced(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Sharper, and more vivid where it is dull (vibrance)."""
    sharp = picture + (picture - blurred(picture, _short(canvas) * 0.004)) * 0.6 * strength
    grey = luma(sharp)[..., None]
    dull = 1 - (sharp.max(-1, keepdims=True) - sharp.min(-1, keepdims=True))
    return np.asarray(grey + (sharp - grey) * (1 + 0.4 * strength * dull), np.float32)


def bloom(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """What is bright glows into its surroundings; shadows turn violet."""
    bright = picture * ((luma(picture) - 0.5) / 0.4).clip(0, 1)[..., None]
    made = picture.copy()
    for radius, share in ((0.015, 0.35), (0.06, 0.45)):
        made = 1 - (1 - made) * (1 - blurred(bright, _short(canvas) * radius) * share * strength)
    shadow = ((0.45 - luma(made)) / 0.45).clip(0, 1)[..., None]
    made = made + shadow * np.float32(0.28 * strength) * (unit((92, 50, 160)) - made)
    return np.asarray(made, np.float32)


def neon(picture: Picture, canvas: Canvas, strength: float) -> Picture:
    """Night, with every edge a glowing tube that turns from magenta to cyan."""
    edges = outlines(picture, canvas)
    dark = picture * unit((70, 52, 120)) * 0.75
    where = np.linspace(0, 1, canvas.width, dtype=np.float32)[None, :, None]
    tube = unit((255, 44, 190)) * (1 - where) + unit((30, 224, 255)) * where
    made = dark
    for radius, share in ((0.03, 0.7), (0.009, 0.75), (0.002, 0.9)):
        glow = blurred(edges, _short(canvas) * radius)
        glow = glow / max(float(glow.max()), 1e-3)
        made = 1 - (1 - made) * (1 - tube * (glow * np.float32(share))[..., None])
    core = edges[..., None] ** 2 * 0.7
    made = made + (1 - made) * core
    return np.asarray(picture + (made - picture) * np.float32(strength), np.float32)


def outlines(picture: Picture, canvas: Canvas) -> Mask:
    """Where forms end: the largest gradient of the three channels, 0..1, thin and even."""
    smooth = blurred(picture, _short(canvas) * 0.0022)
    across, down = (
        cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, ksize=3).__abs__().max(-1) for dx in (1, 0)
    )
    steep = np.hypot(across, down) * np.float32(_short(canvas) / 1024)
    return np.asarray((steep / 0.28).clip(0, 1) ** 1.3, np.float32)


def _vignette(picture: Picture, canvas: Canvas, amount: float) -> Picture:
    y = np.linspace(-1, 1, canvas.height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, canvas.width, dtype=np.float32)[None, :]
    fall = ((x**2 + y**2) / 2) ** 1.3
    return np.asarray(picture * (1 - np.float32(amount) * fall)[..., None], np.float32)


def _grain(canvas: Canvas, softness: float, amount: float) -> Picture:
    noise = canvas.apart.standard_normal((canvas.height, canvas.width), dtype=np.float32)
    soft = blurred(noise, softness * max(1.0, _short(canvas) / 1024))
    seen = amount * canvas.width / canvas.asked[0]  # a draft's grains are coarse, and so fainter
    return (soft / max(float(soft.std()), 1e-6) * np.float32(seen))[..., None]


def _short(canvas: Canvas) -> int:
    return min(canvas.width, canvas.height)
