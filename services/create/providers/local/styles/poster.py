"""Poster: a sunburst, a bold disc and hills of flat colour; room for words above."""

from __future__ import annotations

from math import cos, pi, sin

from services.create.providers.local.brief import Brief
from services.create.providers.local.canvas import Canvas, Picture, Point, mix, paint, shade
from studio.imaging.colour import relative_luminance


def poster(canvas: Canvas, brief: Brief) -> Picture:
    """Flat shapes in few colours, printed with a slight grain."""
    palette = brief.palette(canvas.dice, 5)
    by_light = sorted(palette, key=relative_luminance)
    ground = mix(palette[0], (255, 246, 228), 0.25)
    picture = canvas.gradient([ground, ground])
    x = brief.place or 0.5
    centre: Point = (x, 0.56 if canvas.is_tall else 0.6)
    rays = 14 + int(10 * brief.mood.energy)
    ray = mix(palette[1], (255, 250, 240), 0.35)
    turn = float(canvas.dice.uniform(0, 2 * pi / rays))
    paint(picture, canvas.polygons(_rays(canvas, centre, rays, turn)), ray, 0.9)
    radius = 0.24 * brief.scale * min(1.0, 1 / canvas.ratio)
    rim = mix(by_light[-1], (255, 252, 240), 0.5)
    paint(picture, canvas.ellipse(centre, radius * 1.13), rim)
    paint(picture, canvas.ellipse(centre, radius), palette[2])
    paint(picture, canvas.ellipse(centre, radius * 0.80), mix(palette[2], rim, 0.25))
    inks = [mix(palette[3], rim, 0.15), palette[3], by_light[0]]
    for layer, ink in enumerate(inks):
        base = 0.72 + 0.095 * layer
        outline = base - (canvas.profile(0.9 + 0.4 * layer, 2) - 0.4) * 0.16
        mask = canvas.below(outline)
        shade(picture, canvas.soft(mask, 0.02) * (1 - mask), 0.22)
        paint(picture, mask, ink)
    grain = (canvas.noise(90, 1) - 0.5) * 0.03
    picture += grain[..., None]
    return picture


def _rays(canvas: Canvas, centre: Point, count: int, turn: float) -> list[list[Point]]:
    """Every other sector of a circle that reaches past the corners."""
    reach, x, y = 2.0, *centre
    shapes = []
    for ray in range(count):
        start, end = turn + 2 * pi * ray / count, turn + 2 * pi * (ray + 0.5) / count
        shapes.append(
            [
                (x, y),
                (x + reach * cos(start), y + reach * sin(start) * canvas.ratio),
                (x + reach * cos(end), y + reach * sin(end) * canvas.ratio),
            ]
        )
    return shapes
