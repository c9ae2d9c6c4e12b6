"""Pattern: one motif in a half-drop repeat, as printed textiles have it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi, sin, sqrt

from services.create.providers.local.brief import Brief, Rgb
from services.create.providers.local.canvas import Canvas, Picture, Point, dab, mix, oval
from studio.imaging.colour import relative_luminance


@dataclass(frozen=True, slots=True)
class _Cloth:
    """What is printed on, and with what."""

    canvas: Canvas
    picture: Picture
    ground: Rgb
    inks: list[Rgb]
    pitch: float  # of the width, between motifs

    def print(self, shape: list[Point], ink: Rgb) -> None:
        """Print one shape."""
        dab(self.canvas, self.picture, shape, ink)


def pattern(canvas: Canvas, brief: Brief) -> Picture:
    """Sprigs, flowers, scallops or chips on a quiet ground."""
    palette = sorted(brief.palette(canvas.dice, 5), key=relative_luminance)
    dark_ground = bool(canvas.dice.random() < 0.4)
    quiet = (
        palette[0]
        if dark_ground
        else mix(palette[-1], (255, 252, 245), 0.0 if brief.brand else 0.55)
    )
    ground = brief.parts.get("background", quiet)
    picture = canvas.gradient([ground, ground])
    inks = [one for one in palette if abs(_light(one) - _light(ground)) > 0.05] or palette
    columns = max(3, round((3.4 + 2.6 * brief.mood.energy) * canvas.ratio**0.5 / brief.scale))
    cloth = _Cloth(canvas, picture, ground, inks, 1 / columns)
    {"flowers": _flowers, "waves": _scallops, "dots": _chips}.get(brief.motif, _sprigs)(cloth)
    return picture


def _light(colour: Rgb) -> float:
    return sqrt(float(relative_luminance(colour)))


def _places(cloth: _Cloth) -> Iterator[tuple[int, Point]]:
    """The half-drop: every other column is moved by half a step; with a number for variety."""
    columns = round(1 / cloth.pitch)
    rows = round(1 / (cloth.pitch * cloth.canvas.ratio)) + 2
    for column in range(-1, columns + 1):
        for row in range(-1, rows):
            y = (row + (0.5 if column % 2 else 0)) * cloth.pitch * cloth.canvas.ratio
            yield column + 2 * row, ((column + 0.5) * cloth.pitch, y)


def _sprigs(cloth: _Cloth) -> None:
    """Branches that turn by a sixth from place to place, with berries between."""
    tilt = float(cloth.canvas.dice.uniform(0, 2 * pi))
    for number, centre in _places(cloth):
        turn = tilt + (pi / 3) * (number % 6)
        size = cloth.pitch * (0.56 if number % 3 else 0.44)
        ink = cloth.inks[number % len(cloth.inks)]
        _sprig(cloth, centre, size, turn, ink)
        berry = _at(centre, cloth.pitch * 0.48, cloth.pitch * 0.1, turn + 1.1, cloth.canvas.ratio)
        small = cloth.pitch * 0.045
        cloth.print(
            oval(berry, small, small * cloth.canvas.ratio),
            cloth.inks[(number + 1) % len(cloth.inks)],
        )


def _sprig(cloth: _Cloth, centre: Point, size: float, turn: float, ink: Rgb) -> None:
    """A bent stem with four pairs of leaves and one at the top, each with its vein."""
    ratio = cloth.canvas.ratio
    vein = mix(ink, cloth.ground, 0.45)
    stem = [
        (size * (-0.85 + 1.3 * t), size * 0.12 * sin(pi * t)) for t in (i / 16 for i in range(17))
    ]
    strip = [_at(centre, x, y - size * 0.014, turn, ratio) for x, y in stem]
    strip += [_at(centre, x, y + size * 0.014, turn, ratio) for x, y in reversed(stem)]
    cloth.print(strip, ink)
    for step, length in ((3, 0.46), (7, 0.5), (11, 0.42), (14, 0.3)):
        foot = _at(centre, *stem[step], turn, ratio)
        for side in (-1, 1):
            cloth.print(_blade(foot, size * length, 0.42, turn + side * 0.82, ratio), ink)
            cloth.print(_blade(foot, size * length * 0.86, 0.035, turn + side * 0.82, ratio), vein)
    cloth.print(_blade(_at(centre, *stem[16], turn, ratio), size * 0.4, 0.45, turn, ratio), ink)


def _flowers(cloth: _Cloth) -> None:
    """Flowers of two rings of round petals, with leaves behind and buds between."""
    ratio = cloth.canvas.ratio
    leaf = min(cloth.inks, key=lambda one: abs(one[1] - one[0] - 30))
    for number, centre in _places(cloth):
        turn = float(cloth.canvas.dice.uniform(0, 2 * pi))
        size = cloth.pitch * (0.44 if number % 3 else 0.32)
        for side in (0.0, 2.2, 4.1):
            foot = _at(centre, size * 0.5, 0, turn + side, ratio)
            cloth.print(
                _blade(foot, size * 0.95, 0.42, turn + side, ratio), mix(leaf, cloth.ground, 0.35)
            )
        ink = cloth.inks[number % len(cloth.inks)]
        _flower(cloth, centre, size, turn, ink)


def _flower(cloth: _Cloth, centre: Point, size: float, turn: float, ink: Rgb) -> None:
    ratio = cloth.canvas.ratio
    for reach, tone, shift in ((1.0, 0.0, 0.0), (0.66, 0.35, pi / 6)):
        for petal in range(6):
            angle = turn + shift + petal * pi / 3
            colour = mix(mix(ink, (255, 255, 255), tone), (40, 10, 30), 0.1 * (petal % 2))
            cloth.print(_petal(centre, size * reach, angle, ratio), colour)
    heart = cloth.inks[-1] if cloth.inks[-1] != ink else mix(ink, (250, 200, 60), 0.7)
    cloth.print(oval(centre, size * 0.2, size * 0.2 * ratio), mix(heart, (90, 60, 10), 0.15))
    for dot in range(6):
        spot = _at(centre, size * 0.27, 0, turn + dot * pi / 3, ratio)
        cloth.print(oval(spot, size * 0.035, size * 0.035 * ratio), mix(heart, (60, 40, 10), 0.45))


def _scallops(cloth: _Cloth) -> None:
    """Seigaiha: overlapping fans of concentric rings, row over row."""
    ratio, pitch = cloth.canvas.ratio, cloth.pitch
    rows = round(4 / (pitch * ratio)) + 4
    for row in range(-1, rows):
        for column in range(-1, round(1 / pitch) + 2):
            x = (column + (0.5 if row % 2 else 0)) * pitch
            y = row * pitch * 0.25 * ratio
            ink = cloth.inks[(row // 2 + column * 2) % len(cloth.inks)]
            for ring, share in enumerate((0.5, 0.41, 0.32, 0.23, 0.13)):
                colour = cloth.ground if ring % 2 else ink
                cloth.print(oval((x, y), pitch * share, pitch * share * ratio), colour)


def _chips(cloth: _Cloth) -> None:
    """Terrazzo: angular chips of several sizes, scattered without touching."""
    dice, ratio = cloth.canvas.dice, cloth.canvas.ratio
    taken: list[tuple[float, float, float]] = []
    for attempt in range(900):
        radius = (
            cloth.pitch * (0.26, 0.15, 0.07)[min(2, attempt // 150)] * float(dice.uniform(0.7, 1))
        )
        x, y = float(dice.uniform(0, 1)), float(dice.uniform(0, 1 / ratio))
        if any((x - a) ** 2 + (y - b) ** 2 < (radius + r) ** 2 * 1.15 for a, b, r in taken):
            continue
        taken.append((x, y, radius))
        corners = sorted(dice.uniform(0, 2 * pi, 6))
        reach = dice.uniform(0.65, 1, 6) * radius
        chip = [
            (x + r * cos(a), (y + r * sin(a)) * ratio) for a, r in zip(corners, reach, strict=True)
        ]
        cloth.print([(px, py) for px, py in chip], cloth.inks[len(taken) % len(cloth.inks)])


def _blade(foot: Point, length: float, width: float, turn: float, ratio: float) -> list[Point]:
    """A leaf: pointed at both ends, widest before the middle."""
    ahead = [(length * t, width * length * 0.5 * sin(pi * t**0.8)) for t in _STEPS]
    sides = ahead + [(x, -y) for x, y in reversed(ahead)]
    return [_at(foot, x, y, turn, ratio) for x, y in sides]


def _petal(foot: Point, length: float, turn: float, ratio: float) -> list[Point]:
    """A petal: narrow at its foot, round and slightly notched at its end."""
    ahead = [
        (length * (t - 0.06 * t**8), length * 0.33 * max(0.0, sin(pi * t**1.6)) ** 0.7)
        for t in _STEPS
    ]
    sides = ahead + [(x, -y) for x, y in reversed(ahead)]
    return [_at(foot, x, y, turn, ratio) for x, y in sides]


_STEPS = [i / 16 for i in range(17)]


def _at(origin: Point, along: float, across: float, turn: float, ratio: float) -> Point:
    x = along * cos(turn) - across * sin(turn)
    y = along * sin(turn) + across * cos(turn)
    return origin[0] + x, origin[1] + y * ratio
