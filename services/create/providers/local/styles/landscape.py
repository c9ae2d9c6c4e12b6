"""Landscape: ranges that fade into the air, under a sky with its light.

Aerial perspective: what is far takes the colour of the horizon.
"""

from __future__ import annotations

import numpy as np

from services.create.providers.local.brief import Brief, Light, Rgb, vocabulary
from services.create.providers.local.canvas import Canvas, Mask, Picture, mix, paint, shade, shine
from studio.imaging.colour import parse_hex

_SAND: Rgb = (201, 150, 92)


def landscape(canvas: Canvas, brief: Brief) -> Picture:
    """Sky, sun or moon, five to seven layers of the motif, and mist between them."""
    light = brief.light or _light_of_chance(canvas)
    sky = [parse_hex(one) for one in light.sky]
    if brief.colours:
        sky = [
            mix(one, two, 0.45) for one, two in zip(sky, brief.palette(canvas.dice, 3), strict=True)
        ]
    picture = canvas.gradient(sky, power=0.85)
    horizon = 0.5 if canvas.is_tall else 0.56
    sun = (brief.place or float(canvas.dice.uniform(0.25, 0.75)), horizon * (1 - light.sun) * 0.95)
    _sky(canvas, picture, brief, light, sun, sky)
    ground = parse_hex(light.ground)
    if brief.motif == "dunes":
        ground = mix(ground, _SAND, 0.75)
    if len(brief.colours) > 1:
        ground = mix(ground, brief.colours[1], 0.5)
    if brief.motif == "sea":
        _sea(canvas, picture, horizon, sun, sky, ground)
        return picture
    layers = 5 if brief.motif == "dunes" else 6
    for layer in range(layers):
        depth = (layer + 1) / layers  # 0 far .. 1 near
        outline = horizon + (1 - horizon) * (depth**1.5) * 0.78 - _relief(canvas, brief, depth)
        mask = canvas.below(outline)
        far, near = mix(sky[-1], ground, 0.25), mix(ground, (8, 10, 18), 0.55)
        colour = mix(far, near, depth**1.15)
        paint(picture, mask, _lit(canvas, colour, outline, sun))
        if depth < 0.95:
            _mist(canvas, picture, mask, outline, mix(sky[-1], (255, 255, 255), 0.15), depth)
    return picture


def _light_of_chance(canvas: Canvas) -> Light:
    lights = vocabulary().lights
    return lights[str(canvas.dice.choice(["sunrise", "morning", "sunset", "dusk", "day"]))]


def _sky(
    canvas: Canvas,
    picture: Picture,
    brief: Brief,
    light: Light,
    sun: tuple[float, float],
    sky: list[Rgb],
) -> None:
    is_night = light.brightness < 0.6
    if is_night:
        _stars(canvas, picture)
    else:
        clouds = canvas.noise(2.2, 5)
        veil = ((clouds - 0.52) * 3.2).clip(0, 1) * np.linspace(0.8, 0.1, canvas.height)[:, None]
        paint(picture, veil.astype(np.float32), mix(sky[-1], (255, 255, 255), 0.5), 0.55)
    colour: Rgb = (235, 238, 250) if is_night else mix(sky[-1], (255, 250, 235), 0.75)
    shine(picture, canvas.glow(sun, 0.55), mix(sky[-1], colour, 0.5), 0.35 if is_night else 0.5)
    shine(picture, canvas.glow(sun, 0.16), colour, 0.5)
    radius = 0.045 * brief.scale * min(1.0, 1 / canvas.ratio + 0.15)
    paint(picture, canvas.ellipse(sun, radius), colour)


def _stars(canvas: Canvas, picture: Picture) -> None:
    count = 420
    xs = canvas.dice.integers(0, canvas.width, count)
    ys = (canvas.dice.random(count) ** 1.4 * canvas.height * 0.6).astype(int)
    size = max(1, min(canvas.width, canvas.height) // 700)
    for x, y, bright in zip(xs, ys, canvas.dice.random(count), strict=True):
        picture[y : y + size, x : x + size] += np.float32(0.15 + 0.75 * bright**3)


def _relief(canvas: Canvas, brief: Brief, depth: float) -> Mask:
    """How far a layer rises above its base, as a fraction of the height, per column."""
    height = brief.scale * (0.30 - 0.17 * depth)
    match brief.motif:
        case "mountains":
            relief = canvas.profile(1.5 + depth, 6, ridged=True) ** 1.7 * height * 1.25
        case "city":
            relief = _skyline(canvas, depth) * height * 1.2
        case "forest":
            relief = canvas.profile(1.4, 2) * height * 0.55 + _trees(canvas, depth)
        case "dunes":
            relief = canvas.profile(0.8 + depth, 2) ** 1.4 * height * 0.9
        case _:
            relief = canvas.profile(1.1 + depth, 3) * height * 0.85
    return relief.astype(np.float32)


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


def _skyline(canvas: Canvas, depth: float) -> Mask:
    """Blocks of several widths and heights, tallest around the middle."""
    xs = np.linspace(0, 1, canvas.width, dtype=np.float32)
    tops, x = np.full(canvas.width, 0.1, np.float32), 0.0
    while x < 1:
        wide = float(canvas.dice.uniform(0.025, 0.075)) * (0.7 + depth) / max(canvas.ratio, 0.7)
        tall = float(canvas.dice.uniform(0.25, 1)) * (1 - 0.55 * abs(x - 0.5) * 2)
        tops[(xs >= x) & (xs < x + wide * 0.92)] = tall
        x += wide
    return tops


def _lit(canvas: Canvas, colour: Rgb, outline: Mask, sun: tuple[float, float]) -> Picture:
    """The layer's colour, brighter towards the sun and darker towards its foot."""
    rows = np.arange(canvas.height, dtype=np.float32)[:, None] / canvas.height
    foot = ((rows - outline[None, :]) * 2.2).clip(0, 1)
    columns = np.arange(canvas.width, dtype=np.float32)[None, :] / canvas.width
    near_sun = np.exp(-(((columns - sun[0]) / 0.35) ** 2))
    value = 1.06 + 0.16 * near_sun - 0.30 * foot
    return (np.asarray(colour, np.float32) / 255 * value[..., None]).astype(np.float32)


def _mist(
    canvas: Canvas, picture: Picture, mask: Mask, outline: Mask, colour: Rgb, depth: float
) -> None:
    rows = np.arange(canvas.height, dtype=np.float32)[:, None] / canvas.height
    rising = np.exp(-(((rows - outline[None, :] - 0.13) / 0.09) ** 2)) * mask
    paint(picture, rising.astype(np.float32), colour, 0.42 * (1 - depth))


def _sea(
    canvas: Canvas,
    picture: Picture,
    horizon: float,
    sun: tuple[float, float],
    sky: list[Rgb],
    ground: Rgb,
) -> None:
    """Water that carries the sky's colours, the sun's path and a headland."""
    headland = horizon - canvas.profile(2.2, 4) * 0.10 * _one_side(canvas)
    paint(picture, canvas.below(headland), mix(sky[-1], ground, 0.55))
    line = np.full(canvas.width, horizon, np.float32)
    water = canvas.below(line)
    deep = canvas.gradient([sky[-1], sky[-1], mix(sky[1], ground, 0.45), mix(sky[0], ground, 0.6)])
    paint(picture, water, deep)
    rows = np.arange(canvas.height, dtype=np.float32)[:, None] / canvas.height
    below = ((rows - horizon) / (1 - horizon)).clip(1e-3, 1)
    columns = np.arange(canvas.width, dtype=np.float32)[None, :] / canvas.width
    ripples = canvas.noise(3, 3) * 2.2
    waves = np.sin(70 * below**0.45 + ripples * 3 + columns * canvas.ratio * 5)
    path = np.exp(-(((columns - sun[0]) / (0.05 + 0.16 * below)) ** 2))
    glitter = (waves * 0.5 + 0.5) ** 3 * path * water
    shine(picture, glitter.astype(np.float32), mix(sky[-1], (255, 250, 235), 0.7), 0.85)
    shade(picture, (waves.clip(0, 1) * water * below**0.5).astype(np.float32), 0.10)


def _one_side(canvas: Canvas) -> Mask:
    across = np.linspace(0, 1, canvas.width, dtype=np.float32)
    if canvas.dice.random() < 0.5:
        across = 1 - across
    side: Mask = (1 - across * np.float32(1.9)).clip(0, 1) ** np.float32(0.8)
    return side
