"""Geometric: Bauhaus on a grid, one large circle that leads, few shapes that answer."""

from __future__ import annotations

from math import cos, pi, sin

from services.create.providers.local.brief import Brief, Rgb
from services.create.providers.local.canvas import Canvas, Mask, Picture, Point, mix, paint
from studio.imaging.colour import relative_luminance


def geometric(canvas: Canvas, brief: Brief) -> Picture:
    """Cells of the grid get a shape each; calm pictures leave more of them empty."""
    palette = sorted(brief.palette(canvas.dice, 5), key=relative_luminance)
    ground = brief.parts.get(
        "background", mix(palette[-1], (250, 246, 236), 0.1 if brief.brand else 0.75)
    )
    picture = canvas.gradient([ground, mix(ground, palette[-1], 0.2)])
    across, down = _cells(canvas)
    shown = 0.2 + 0.7 * brief.mood.energy
    for row in range(down):
        for column in range(across):
            if canvas.dice.random() > shown:
                continue
            colour = palette[int(canvas.dice.integers(len(palette)))]
            box = (column / across, row / down, (column + 1) / across, (row + 1) / down)
            paint(picture, _shape(canvas, box), colour)
    lead = brief.place if brief.place is not None else float(canvas.dice.choice([1 / 3, 2 / 3]))
    _leader(canvas, picture, brief, lead, palette)
    return picture


def _cells(canvas: Canvas) -> tuple[int, int]:
    """Square cells, four along the shorter side."""
    if canvas.ratio >= 1:
        return max(4, round(4 * canvas.ratio)), 4
    return 4, max(4, round(4 / canvas.ratio))


def _leader(canvas: Canvas, picture: Picture, brief: Brief, x: float, palette: list[Rgb]) -> None:
    radius = 0.27 * brief.scale * min(1, 1 / canvas.ratio)
    centre = (x, 0.5)
    colour = brief.colours[0] if brief.colours else palette[1]
    paint(picture, canvas.ellipse(centre, radius * 1.16), mix(palette[-1], (255, 255, 255), 0.6))
    paint(picture, canvas.ellipse(centre, radius), colour)
    dark = palette[0]
    paint(picture, canvas.polygons([_wedge(canvas, centre, radius, -pi / 2, pi / 2)]), dark, 0.92)
    paint(picture, canvas.ellipse(centre, radius * 0.36), palette[-2])


def _shape(canvas: Canvas, box: tuple[float, float, float, float]) -> Mask:
    left, top, right, bottom = box
    middle: Point = ((left + right) / 2, (top + bottom) / 2)
    half, wide = (right - left) / 2, right - left
    corner = [(left, top), (right, top), (right, bottom), (left, bottom)]
    turn = int(canvas.dice.integers(4))
    match int(canvas.dice.integers(6)):
        case 0:
            return canvas.ellipse(middle, half * 0.96)
        case 1:
            start = turn * pi / 2
            return canvas.polygons([_wedge(canvas, corner[turn], wide, start, start + pi / 2)])
        case 2:
            return canvas.polygons([[corner[turn - 2], corner[turn - 1], corner[turn]]])
        case 3:
            return canvas.polygons([corner])
        case 4:
            step = (bottom - top) / 8
            return canvas.polygons(
                [
                    [(left, top + i * step), (right, top + i * step),
                     (right, top + (i + 1) * step), (left, top + (i + 1) * step)]
                    for i in (0, 2, 4, 6)
                ]
            )  # fmt: skip
        case _:
            start = turn * pi / 2
            return canvas.polygons([_wedge(canvas, middle, half * 0.96, start, start + pi)])


def _wedge(canvas: Canvas, centre: Point, radius: float, start: float, end: float) -> list[Point]:
    """A sector of a circle; the radius is in units of the width."""
    steps = 48
    angles = [start + (end - start) * i / steps for i in range(steps + 1)]
    x, y = centre
    arc = [(x + radius * cos(a), y + radius * sin(a) * canvas.ratio) for a in angles]
    return [centre, *arc]
