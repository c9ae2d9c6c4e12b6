"""Poster: one bold shape over layers of flat colour, and the prompt's quoted words as headline."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from services.create.providers.local.brief import Brief, Rgb
from services.create.providers.local.canvas import Canvas, Picture, Point, mix, paint, shade
from studio.imaging.colour import contrast_ratio, relative_luminance
from studio.imaging.typesetting import Typeset, fit

_CREAM: Rgb = (255, 248, 232)


def poster(canvas: Canvas, brief: Brief) -> Picture:
    """Rays, rings or stripes, a disc, and hills or peaks; printed with a slight grain."""
    palette = brief.palette(canvas.dice, 5)
    ground = brief.parts.get("background", mix(palette[0], _CREAM, 0.25))
    picture = canvas.gradient([ground, ground])
    centre: Point = (brief.place or 0.5, 0.6 if brief.headline else 0.54)
    if not brief.is_sparse:
        _field(canvas, picture, brief, centre, mix(palette[1], ground, 0.35))
    _disc(canvas, picture, brief, centre, palette)
    _land(canvas, picture, brief, palette)
    if not brief.is_sparse:
        picture += (canvas.noise(90, 1)[..., None] - 0.5) * np.float32(0.03)
    if brief.headline:
        _headline(canvas, picture, brief.headline, palette)
    return picture


def _field(canvas: Canvas, picture: Picture, brief: Brief, centre: Point, ink: Rgb) -> None:
    """What leads the eye to the disc."""
    match int(canvas.dice.integers(3)):
        case 0:
            rays = 14 + int(10 * brief.mood.energy)
            turn = float(canvas.dice.uniform(0, 2 * pi / rays))
            paint(picture, canvas.polygons(_rays(canvas, centre, rays, turn)), ink, 0.9)
        case 1:
            for ring in range(7, 0, -1):
                radius = (0.17 + 0.09 * ring) * min(1.0, 1 / canvas.ratio)
                tone = mix(ink, _CREAM, 0.12 * ring)
                paint(picture, canvas.ellipse(centre, radius), tone, 0.55)
        case _:
            for stripe in range(9):
                top = 0.06 + stripe * 0.075
                thick = 0.008 + 0.0045 * stripe
                bar = [(0, top), (1, top), (1, top + thick), (0, top + thick)]
                paint(picture, canvas.polygons([bar]), ink, 0.9)


def _disc(
    canvas: Canvas, picture: Picture, brief: Brief, centre: Point, palette: list[Rgb]
) -> None:
    radius = 0.25 * brief.scale * min(1.0, 1 / canvas.ratio)
    rim = mix(max(palette, key=_light), _CREAM, 0.5)
    paint(picture, canvas.ellipse(centre, radius * 1.1), rim)
    paint(picture, canvas.ellipse(centre, radius), palette[2])
    if not brief.is_sparse:
        inner = mix(palette[2], rim, 0.28)
        paint(picture, canvas.ellipse((centre[0] - radius * 0.1, centre[1]), radius * 0.78), inner)


def _land(canvas: Canvas, picture: Picture, brief: Brief, palette: list[Rgb]) -> None:
    dark = min(palette, key=_light)
    inks = [mix(palette[3], palette[2], 0.35), palette[3], mix(palette[4], dark, 0.5), dark]
    inks = inks[1::2] if brief.is_sparse else inks
    peaks = brief.motif == "mountains"
    for layer, ink in enumerate(inks):
        base = 0.70 + 0.34 * layer / len(inks)
        if peaks and layer < 2:
            outline = base - canvas.profile(1.6 + layer, 3, ridged=True) ** 1.6 * 0.34
        else:
            outline = base - (canvas.profile(0.9 + 0.4 * layer, 2) - 0.4) * 0.16
        mask = canvas.below(outline.astype(np.float32))
        shade(picture, canvas.soft(mask, 0.02) * (1 - mask), 0.22)
        paint(picture, mask, ink)


def _headline(canvas: Canvas, picture: Picture, words: str, palette: list[Rgb]) -> None:
    """The quoted words in the upper third, in the ink that is most legible there."""
    set_ = headline_set(words, canvas.width, canvas.height)
    left, top = (canvas.width - set_.width) // 2, round(canvas.height * 0.07)
    view = picture[top : top + set_.height, left : left + set_.width]
    red, green, blue = (round(float(c) * 255) for c in view.mean((0, 1)).clip(0, 1))
    inks = [mix(min(palette, key=_light), (12, 12, 20), 0.3), _CREAM, *palette]
    ink = max(inks[:2], key=lambda one: contrast_ratio(one, (red, green, blue)))
    shapes = np.asarray(set_.shapes("centre"), np.float32) / np.float32(255)
    paint(view, shapes[: view.shape[0], : view.shape[1]], ink)


def headline_set(words: str, width: int, height: int) -> Typeset:
    """A headline in capitals, in up to three lines, for a poster of so many px.

    Refused (`text.no_glyph`, `text.does_not_fit`) if it cannot be shown legibly.
    """
    return fit(
        words.upper(),
        round(width * 0.84),
        round(height * 0.27),
        max_size=max(2, height // 5),
        min_size=max(2, height // 40),
        min_size_source="a headline's letters are at least 1/40 of its poster's height",
        max_lines=3,
        line_height=1.05,
        balanced=True,
    )


def _light(colour: Rgb) -> float:
    return float(relative_luminance(colour))


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
