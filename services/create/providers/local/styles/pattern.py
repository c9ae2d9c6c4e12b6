"""Pattern: one motif in a half-drop repeat, as printed textiles have it."""

from __future__ import annotations

from math import cos, pi, sin

from services.create.providers.local.brief import Brief
from services.create.providers.local.canvas import Canvas, Picture, Point, mix, paint
from studio.imaging.colour import relative_luminance


def pattern(canvas: Canvas, brief: Brief) -> Picture:
    """Leaves or flowers in two sizes on a quiet ground."""
    palette = sorted(brief.palette(canvas.dice, 5), key=relative_luminance)
    dark_ground = bool(canvas.dice.random() < 0.4)
    ground = palette[0] if dark_ground else mix(palette[-1], (255, 252, 245), 0.55)
    picture = canvas.gradient([ground, mix(ground, palette[2], 0.12)])
    inks = palette[1:] if dark_ground else palette[:4]
    columns = max(3, round((4.2 + 2 * brief.mood.energy) * canvas.ratio**0.5 / brief.scale))
    pitch = 1 / columns
    rows = round(1 / (pitch * canvas.ratio)) + 2
    layers: list[list[list[Point]]] = [[] for _ in inks]
    tilt = float(canvas.dice.uniform(0, 2 * pi))
    for column in range(-1, columns + 1):
        for row in range(-1, rows):
            x = (column + 0.5) * pitch
            y = (row + (0.5 if column % 2 else 0)) * pitch * canvas.ratio
            turn = tilt + (pi / 3) * ((column + 2 * row) % 6)
            which = (column + row) % len(inks)
            size = pitch * (0.46 if (column + row) % 3 else 0.34)
            draw = _flower if brief.motif == "flowers" else _leaf
            for shape in draw((x, y), size, turn, canvas.ratio):
                layers[which].append(shape)
    for ink, shapes in zip(inks, layers, strict=True):
        paint(picture, canvas.polygons(shapes), ink, 0.95)
    heart = mix(palette[-1], palette[-2], 0.5)
    if brief.motif == "flowers":
        for column in range(-1, columns + 1):
            for row in range(-1, rows):
                x, y = (column + 0.5) * pitch, (row + (0.5 if column % 2 else 0)) * pitch
                hearts = [_disc((x, y * canvas.ratio), pitch * 0.09, canvas.ratio)]
                paint_small(canvas, picture, hearts, heart)
    return picture


def paint_small(
    canvas: Canvas, picture: Picture, shapes: list[list[Point]], colour: tuple[int, int, int]
) -> None:
    """Paint small shapes on the part of the picture that they cover."""
    for shape in shapes:
        xs, ys = [x for x, _ in shape], [y for _, y in shape]
        x0, x1 = (round(v * canvas.width) for v in (min(xs), max(xs)))
        y0, y1 = (round(v * canvas.height) for v in (min(ys), max(ys)))
        x0, y0, x1, y1 = (
            max(0, x0 - 1),
            max(0, y0 - 1),
            min(canvas.width, x1 + 2),
            min(canvas.height, y1 + 2),
        )
        if x0 >= x1 or y0 >= y1:
            continue
        part = Canvas(x1 - x0, y1 - y0, canvas.dice, canvas.supersampling)
        moved = [
            ((x * canvas.width - x0) / (x1 - x0), (y * canvas.height - y0) / (y1 - y0))
            for x, y in shape
        ]
        view = picture[y0:y1, x0:x1]
        paint(view, part.polygons([moved]), colour)


def _leaf(centre: Point, size: float, turn: float, ratio: float) -> list[list[Point]]:
    """A sprig: a stem with three pairs of leaves and one at the top."""
    shapes = [_blade(centre, size * 0.62, 0.34, turn, ratio, start=0.32)]
    for along in (0.0, 0.34, 0.66):
        for side in (-1, 1):
            foot = _moved(centre, size * (along - 0.45), turn, ratio)
            shapes.append(_blade(foot, size * 0.52, 0.36, turn + side * 0.85, ratio, start=0.04))
    stem = [_moved(centre, size * -0.75, turn, ratio), _moved(centre, size * 0.4, turn, ratio)]
    shapes.append(_stroke(stem, size * 0.035, turn, ratio))
    return shapes


def _flower(centre: Point, size: float, turn: float, ratio: float) -> list[list[Point]]:
    """Six petals."""
    return [
        _blade(centre, size * 0.95, 0.5, turn + petal * pi / 3, ratio, start=0.08)
        for petal in range(6)
    ]


def _blade(
    foot: Point, length: float, width: float, turn: float, ratio: float, start: float
) -> list[Point]:
    """A leaf shape: pointed at both ends, widest before the middle."""
    points = []
    for side in (1, -1):
        steps = range(17) if side == 1 else range(16, -1, -1)
        for step in steps:
            t = step / 16
            across = side * width * length * 0.5 * sin(pi * t**0.8)
            points.append(_at(foot, start * length + t * length, across, turn, ratio))
    return points


def _disc(centre: Point, radius: float, ratio: float) -> list[Point]:
    return [
        (centre[0] + radius * cos(a * pi / 12), centre[1] + radius * sin(a * pi / 12) * ratio)
        for a in range(24)
    ]


def _stroke(ends: list[Point], width: float, turn: float, ratio: float) -> list[Point]:
    (x0, y0), (x1, y1) = ends
    dx, dy = -sin(turn) * width / 2, cos(turn) * width / 2 * ratio
    return [(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)]


def _moved(point: Point, along: float, turn: float, ratio: float) -> Point:
    return _at(point, along, 0, turn, ratio)


def _at(origin: Point, along: float, across: float, turn: float, ratio: float) -> Point:
    x = along * cos(turn) - across * sin(turn)
    y = along * sin(turn) + across * cos(turn)
    return origin[0] + x, origin[1] + y * ratio
