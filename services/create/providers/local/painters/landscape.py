"""Landscape: ranges that fade into the air, under a sky with its light.

Aerial perspective: what is far takes the colour of the horizon.
"""

from __future__ import annotations

import numpy as np

from services.create.providers.local.brief import Brief, Rgb
from services.create.providers.local.canvas import (
    Canvas,
    Mask,
    Picture,
    Point,
    dab,
    mix,
    paint,
    shade,
    shine,
)
from services.create.providers.local.painters.sky import heavens, light_of, weather
from studio.imaging.colour import parse_hex

_SAND: Rgb = (201, 150, 92)
_SNOW: Rgb = (244, 247, 252)


def landscape(canvas: Canvas, brief: Brief) -> Picture:
    """Sky, sun or moon, three to six layers of the motif, and mist between them."""
    light = light_of(canvas, brief)
    horizon = 0.5 if canvas.is_tall else 0.56
    picture, sun, sky = heavens(canvas, brief, light, horizon)
    ground = _ground(brief, parse_hex(light.ground))
    if brief.motif == "sea":
        _sea(canvas, picture, brief, horizon, sun, sky, ground)
    else:
        _ranges(canvas, picture, brief, horizon, sun, sky, ground, night=light.is_night)
    if brief.has("birds"):
        _birds(canvas, picture, mix(ground, (8, 10, 18), 0.5))
    weather(canvas, picture, brief)
    return picture


def _ground(brief: Brief, ground: Rgb) -> Rgb:
    if named := brief.parts.get("land"):
        return mix(ground, named, 0.85)
    if brief.motif == "dunes":
        ground = mix(ground, _SAND, 0.75)
    if brief.brand or len(brief.colours) > 1:
        ground = mix(ground, brief.colours[1 % len(brief.colours)], 0.55)
    return ground


def _ranges(
    canvas: Canvas,
    picture: Picture,
    brief: Brief,
    horizon: float,
    sun: Point,
    sky: list[Rgb],
    ground: Rgb,
    *,
    night: bool,
) -> None:
    layers = 3 if brief.is_sparse else (5 if brief.motif in ("dunes", "hills") else 6)
    for layer in range(layers):
        depth = (layer + 1) / layers  # 0 far .. 1 near
        outline = horizon + (1 - horizon) * (depth**1.5) * 0.78 - _relief(canvas, brief, depth)
        mask = canvas.below(outline)
        far, near = mix(sky[-1], ground, 0.25), mix(ground, (8, 10, 18), 0.55)
        body = _lit(canvas, mix(far, near, depth**1.15), outline, sun)
        if brief.motif == "mountains":
            _rock(canvas, body, outline, depth, snowy=brief.has("snow") or depth < 0.7, night=night)
        elif brief.motif == "dunes":
            _ripples(canvas, body, outline, depth)
        paint(picture, mask, body)
        if depth < 0.95 and brief.has("mist", otherwise=True):
            strength = 0.75 if "mist" in brief.shows else 0.42
            _mist(canvas, picture, mask, outline, mix(sky[-1], (255, 255, 255), 0.15),
                  strength * (1 - depth))  # fmt: skip


def _relief(canvas: Canvas, brief: Brief, depth: float) -> Mask:
    """How far a layer rises above its base, as a fraction of the height, per column."""
    height = brief.scale * (0.30 - 0.17 * depth)
    match brief.motif:
        case "mountains":
            relief = canvas.profile(1.5 + depth, 6, ridged=True) ** 1.7 * height * 1.25
        case "forest":
            relief = canvas.profile(1.4, 2) * height * 0.55 + _trees(canvas, depth)
        case "dunes":
            relief = canvas.profile(0.8 + depth, 2) ** 1.4 * height * 0.9
        case _:
            relief = canvas.profile(1.1 + depth, 3) * height * 0.85
    return relief.astype(np.float32)


def _rock(
    canvas: Canvas, body: Picture, outline: Mask, depth: float, *, snowy: bool, night: bool
) -> None:
    """Faces turned to the light and away from it, and snow on what is high; in place."""
    slope = np.gradient(_smooth(outline, canvas.width)) * canvas.width / canvas.height
    rows = np.arange(canvas.height, dtype=np.float32)[:, None] / canvas.height
    under = rows - outline[None, :]
    # a face runs down the mountain and frays: columns are read with an offset that grows with depth
    rough = canvas.noise(9, 5) - 0.5
    face = np.tanh(slope[None, :] * 1.1 + rough * 2.2) * np.exp(-under.clip(0, 1) * 7)
    body *= 1 - (0.24 * face)[..., None]
    if snowy:
        line = 0.05 * (1.2 - depth) + 0.2 * rough
        high = (0.47 - outline[None, :] + 0.12 * rough) / 0.1
        snow = ((line - under) / 0.012).clip(0, 1) * high.clip(0, 1)
        tone = mix(_SNOW, (60, 80, 140), 0.6) if night else _SNOW
        paint(body, snow.astype(np.float32), tone, 0.85 * (1 - 0.35 * (1 - depth)))


def _smooth(outline: Mask, width: int) -> Mask:
    """An outline without its finest detail, by a running mean of 2 % of the width."""
    size = max(3, round(width * 0.02)) | 1
    padded = np.pad(outline, size // 2, mode="edge")
    return np.convolve(padded, np.full(size, 1 / size), "valid").astype(np.float32)


def _ripples(canvas: Canvas, body: Picture, outline: Mask, depth: float) -> None:
    """Wind ripples, and the shaded lee of a crest; in place."""
    rows = np.arange(canvas.height, dtype=np.float32)[:, None] / canvas.height
    under = (rows - outline[None, :]).clip(0, 1)
    slope = np.gradient(_smooth(outline, canvas.width)) * canvas.width / canvas.height
    lee = (slope[None, :] * 1.6).clip(0, 1) * np.exp(-under * 6)
    waves = np.sin((under * 260 / (0.4 + depth)) + canvas.noise(4, 2) * 14)
    body *= (1 - 0.28 * lee + 0.022 * depth * waves)[..., None]


def _trees(canvas: Canvas, depth: float) -> Mask:
    """Conifers: pointed, of several heights, denser and taller when near."""
    xs = np.linspace(0, 1, canvas.width, dtype=np.float32) * canvas.ratio
    tops = np.zeros(canvas.width, np.float32)
    size = 0.05 + 0.11 * depth
    for _ in range(int(70 * canvas.ratio * (1.4 - depth * 0.7))):
        x, tall = canvas.dice.uniform(0, canvas.ratio), size * canvas.dice.uniform(0.5, 1)
        away = np.abs(xs - x) / (tall * 0.24)
        saw = 1 - away + 0.09 * np.abs(((away * 5) % 1) - 0.5)
        tops = np.maximum(tops, np.where(away < 1, saw * tall, 0))
    return tops.astype(np.float32)


def _lit(canvas: Canvas, colour: Rgb, outline: Mask, sun: Point) -> Picture:
    """The layer's colour, brighter towards the sun and darker towards its foot."""
    rows = np.arange(canvas.height, dtype=np.float32)[:, None] / canvas.height
    foot = ((rows - outline[None, :]) * 2.2).clip(0, 1)
    columns = np.arange(canvas.width, dtype=np.float32)[None, :] / canvas.width
    near_sun = np.exp(-(((columns - sun[0]) / 0.35) ** 2))
    value = 1.06 + 0.16 * near_sun - 0.30 * foot
    return (np.asarray(colour, np.float32) / 255 * value[..., None]).astype(np.float32)


def _mist(
    canvas: Canvas, picture: Picture, mask: Mask, outline: Mask, colour: Rgb, strength: float
) -> None:
    rows = np.arange(canvas.height, dtype=np.float32)[:, None] / canvas.height
    rising = np.exp(-(((rows - outline[None, :] - 0.13) / 0.09) ** 2)) * mask
    paint(picture, rising.astype(np.float32), colour, strength)


def _sea(
    canvas: Canvas,
    picture: Picture,
    brief: Brief,
    horizon: float,
    sun: Point,
    sky: list[Rgb],
    ground: Rgb,
) -> None:
    """Water that carries the sky's colours, the sun's path, a headland, and a boat if asked."""
    if not brief.is_sparse:
        headland = horizon - canvas.profile(2.2, 4) * 0.10 * _one_side(canvas)
        paint(picture, canvas.below(headland), mix(sky[-1], ground, 0.55))
    water = canvas.below(np.full(canvas.width, horizon, np.float32))
    deep = brief.parts.get("water", mix(sky[0], ground, 0.6))
    paint(picture, water, canvas.gradient([sky[-1], sky[-1], mix(sky[1], deep, 0.5), deep]))
    rows = np.arange(canvas.height, dtype=np.float32)[:, None] / canvas.height
    below = ((rows - horizon) / (1 - horizon)).clip(1e-3, 1)
    columns = np.arange(canvas.width, dtype=np.float32)[None, :] / canvas.width
    waves = np.sin(70 * below**0.45 + canvas.noise(3, 3) * 6.6 + columns * canvas.ratio * 5)
    path = np.exp(-(((columns - sun[0]) / (0.05 + 0.16 * below)) ** 2))
    if brief.has("reflection", otherwise=True):
        glitter = (waves * 0.5 + 0.5) ** 3 * path * water
        shine(picture, glitter.astype(np.float32), mix(sky[-1], (255, 250, 235), 0.7), 0.85)
    shade(picture, (waves.clip(0, 1) * water * below**0.5).astype(np.float32), 0.10)
    if brief.has("boat"):
        _boat(canvas, picture, brief, horizon, mix(ground, (8, 10, 18), 0.6))


def _one_side(canvas: Canvas) -> Mask:
    """High on one side, falling to nothing before the middle."""
    xs = np.linspace(0, 1, canvas.width, dtype=np.float32)
    xs = xs if canvas.dice.random() < 0.5 else 1 - xs
    fall: Mask = (1 - xs / 0.45).clip(0, 1).astype(np.float32)
    return fall


def _boat(canvas: Canvas, picture: Picture, brief: Brief, horizon: float, dark: Rgb) -> None:
    x, y = brief.place or 0.36, horizon + 0.1
    size = 0.07 * brief.scale * min(1.0, 1 / canvas.ratio)
    tall = size * canvas.ratio
    hull = [(x - size, y), (x + size * 1.1, y), (x + size * 0.75, y + tall * 0.34),
            (x - size * 0.75, y + tall * 0.34)]  # fmt: skip
    sail = brief.colours[0] if brief.colours else (250, 246, 238)
    dab(canvas, picture, hull, dark)
    dab(canvas, picture, [(x + size * 0.05, y - tall * 2.1), (x + size * 0.05, y - tall * 0.12),
                          (x + size * 0.95, y - tall * 0.12)], sail)  # fmt: skip
    dab(canvas, picture, [(x - size * 0.05, y - tall * 1.8), (x - size * 0.05, y - tall * 0.12),
                          (x - size * 0.75, y - tall * 0.12)], mix(sail, dark, 0.22))  # fmt: skip


def _birds(canvas: Canvas, picture: Picture, dark: Rgb) -> None:
    for _ in range(7):
        x, y = float(canvas.dice.uniform(0.2, 0.8)), float(canvas.dice.uniform(0.12, 0.36))
        size = float(canvas.dice.uniform(0.008, 0.016)) * min(1.0, 1 / canvas.ratio)
        tall = size * canvas.ratio
        wing = [(x - size, y - tall * 0.4), (x - size * 0.4, y - tall * 0.5), (x, y),
                (x + size * 0.4, y - tall * 0.5), (x + size, y - tall * 0.4),
                (x + size * 0.4, y - tall * 0.32), (x, y + tall * 0.16),
                (x - size * 0.4, y - tall * 0.32)]  # fmt: skip
        dab(canvas, picture, wing, dark)
