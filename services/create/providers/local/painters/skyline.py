"""Skyline: a city in three depths over water, with lit windows when it is dark."""

from __future__ import annotations

import cv2
import numpy as np

from services.create.providers.local.brief import Brief, Rgb
from services.create.providers.local.canvas import Canvas, Mask, Picture, mix, paint, shine, unit
from services.create.providers.local.painters.sky import heavens, light_of
from services.create.providers.local.vocabulary import Light
from studio.imaging.colour import parse_hex


def skyline(canvas: Canvas, brief: Brief) -> Picture:
    """Sky, towers that are tallest near the middle, and their reflection."""
    light = light_of(canvas, brief)
    shore = 0.78 if canvas.is_tall else 0.74
    picture, _, sky = heavens(canvas, brief, light, shore)
    dark = light.brightness < 0.85
    haze = mix(sky[-1], (255, 214, 150), 0.3) if dark else sky[-1]
    shine(picture, canvas.glow((0.5, shore), 0.55), haze, 0.42 if dark else 0.2)
    lamps = _lamps(brief)
    depths = (0.35, 1.0) if brief.is_sparse else (0.2, 0.55, 1.0)
    for depth in depths:
        near = mix(parse_hex(light.ground), (10, 12, 24), 0.55)
        wall = mix(haze, brief.parts.get("land", near), 0.3 + 0.62 * depth)
        if brief.colours and not dark:
            wall = mix(wall, brief.colours[0], 0.45 * depth)
        _row(canvas, picture, brief, light, depth, shore, wall, lamps)
    _water(canvas, picture, brief, shore, sky)
    return picture


def _lamps(brief: Brief) -> list[Rgb]:
    named = [mix(one, (255, 246, 224), 0.25) for one in brief.colours[:3]]
    return named or [(255, 214, 140), (255, 236, 190), (180, 214, 255), (255, 184, 104)]


def _row(
    canvas: Canvas,
    picture: Picture,
    brief: Brief,
    light: Light,
    depth: float,
    shore: float,
    wall: Rgb,
    lamps: list[Rgb],
) -> None:
    """One depth of towers, from left to right."""
    x = -0.02
    short = min(1.0, 1 / canvas.ratio)
    while x < 1:
        wide = float(canvas.dice.uniform(0.045, 0.095)) * (0.6 + 0.55 * depth) * short * 1.5
        middle = 1 - 0.7 * abs(x + wide / 2 - (brief.place or 0.5)) * 2
        tall = float(canvas.dice.uniform(0.3, 1)) ** 1.3 * max(middle, 0.2)
        high = (0.12 + 0.5 * tall) * (1.06 - 0.35 * depth) * brief.scale**0.5
        tone = mix(wall, (0, 0, 0), float(canvas.dice.uniform(0, 0.22)))
        span = (x, shore - high, x + wide * 0.94, shore)
        _tower(canvas, picture, brief, light, span, tone, lamps, depth)
        x += wide * float(canvas.dice.uniform(0.92, 1.12))


def _tower(
    canvas: Canvas,
    picture: Picture,
    brief: Brief,
    light: Light,
    span: tuple[float, float, float, float],
    tone: Rgb,
    lamps: list[Rgb],
    depth: float,
) -> None:
    left, top, right, bottom = (
        round(v * side) for v, side in zip(span, (canvas.width, canvas.height) * 2, strict=True)
    )
    crown = int(canvas.dice.integers(4))
    lit = float(canvas.dice.uniform(0.22, 0.6)) * (0.45 + 0.55 * depth)
    seeds = canvas.dice.random((90, 40))
    colour = lamps[int(canvas.dice.integers(len(lamps)))]
    x0, x1, y0 = max(0, left), min(canvas.width, right), max(0, top)
    if x1 - x0 < 2 or bottom - y0 < 2:
        return
    across = np.linspace(1.12, 0.86, x1 - x0, dtype=np.float32)[None, :, None]
    view = picture[y0:bottom, x0:x1]
    view[:] = unit(tone) * across
    _crown(picture, crown, (left, top, right), tone)
    if depth > 0.3 and brief.has("windows", otherwise=True):
        high = canvas.asked[1]
        cell = max(4 / high, 0.011 + 0.007 * depth) * canvas.height
        panes = _panes(view.shape[:2], cell, seeds, lit if light.brightness < 0.85 else 0.85)
        glow = 0.9 if light.brightness < 0.85 else 0.18
        pane = colour if light.brightness < 0.85 else mix(tone, (210, 232, 250), 0.7)
        paint(view, panes, pane, glow)


def _panes(shape: tuple[int, int], cell: float, seeds: np.ndarray, lit: float) -> Mask:
    """Windows in rows and columns; whole floors are dark, and of the others some windows."""
    ys = np.arange(shape[0], dtype=np.float32) / cell
    wide = max(cell * 0.8, shape[1] / max(1, round(shape[1] / (cell * 0.8))))
    xs = np.arange(shape[1], dtype=np.float32) / wide
    inside = [
        ((0.26 - np.abs(at % 1 - 0.5)) * size + 0.5).clip(0, 1)
        for at, size in ((ys, cell), (xs, wide))
    ]
    table = np.where(seeds < lit, 0.45 + 0.55 * (seeds / lit), 0.0)
    rows, columns = ys.astype(int) % 90, xs.astype(int) % 40
    shown = table[rows][:, columns] * inside[0][:, None] * inside[1][None, :]
    shown[: int(cell * 0.6)] = 0
    return np.asarray(shown, np.float32)


def _crown(picture: Picture, kind: int, at: tuple[int, int, int], tone: Rgb) -> None:
    """What some towers carry: a step, a mast."""
    left, top, right = at
    wide, middle = right - left, (left + right) // 2
    if kind == 0:
        step = max(2, wide // 4)
        picture[
            max(0, top - wide // 3) : max(0, top), max(0, left + step) : max(0, right - step)
        ] = unit(mix(tone, (0, 0, 0), 0.08))
    elif kind == 1:
        thin = max(1, wide // 28)
        picture[max(0, top - wide) : max(0, top), max(0, middle - thin) : max(0, middle + thin)] = (
            unit(tone)
        )


def _water(canvas: Canvas, picture: Picture, brief: Brief, shore: float, sky: list[Rgb]) -> None:
    """The mirror image below the shore, drawn out and broken by ripples."""
    line = round(shore * canvas.height)
    deep = canvas.height - line
    above = picture[max(0, line - deep * 2) : line][::-1]
    mirrored = cv2.resize(above, (canvas.width, deep), interpolation=cv2.INTER_AREA)
    mirrored = cv2.GaussianBlur(mirrored, (0, 0), sigmaX=0.8, sigmaY=max(1.0, deep / 45))
    below = np.linspace(0, 1, deep, dtype=np.float32)[:, None]
    ripple = np.sin(90 * below**0.6 + 5 * canvas.noise(4, 2)[:deep]) * below**0.4
    xs = np.arange(canvas.width, dtype=np.float32)[None, :] + ripple * canvas.width * 0.006
    ys = np.repeat(np.arange(deep, dtype=np.float32)[:, None], canvas.width, 1)
    moved = cv2.remap(mirrored, xs.astype(np.float32), ys, cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    water = brief.parts.get("water", mix(sky[0], (8, 14, 30), 0.4))
    moved += (unit(water) - moved) * (0.22 + 0.4 * below)[..., None]
    picture[line:] = moved * (1 + 0.08 * ripple[..., None])
    picture[line : line + max(1, canvas.height // 500)] *= 0.6
