"""The canvas: float pictures and the few tools that every painter uses.

A picture is (height, width, 3) float32, sRGB 0..1. Coordinates are in units of the width (x) and
of the height (y), 0..1, so that a composition is described once for every size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw

from services.create.providers.local.brief import Rgb

Picture = npt.NDArray[np.float32]
Mask = npt.NDArray[np.float32]
Point = tuple[float, float]
Spots = npt.NDArray[np.float64]
Ink = Rgb | Callable[[Mask, Mask], Picture]


@dataclass(frozen=True, slots=True)
class Canvas:
    """A size, a source of chance, and how finely edges are drawn.

    A draft has fewer pixels than were asked for. What is counted out (cells, strokes, stones) is
    counted for the size that was asked for, and what is drawn by chance for each pixel is drawn
    `apart`: so a seed gives one composition, whatever the quality.
    """

    width: int
    height: int
    dice: np.random.Generator
    supersampling: int  # mask pixels per picture pixel, each way
    asked: tuple[int, int]  # px, width and height

    @property
    def ratio(self) -> float:
        """Width ÷ height."""
        return self.asked[0] / self.asked[1]

    @property
    def apart(self) -> np.random.Generator:
        """A source of chance of its own: however much is drawn from it, `dice` fall as before."""
        return self.dice.spawn(1)[0]

    @property
    def is_tall(self) -> bool:
        """Portrait formats compose from top to bottom."""
        return self.ratio < 0.9

    def gradient(self, stops: Sequence[Rgb], *, power: float = 1.0) -> Picture:
        """From the first colour at the top to the last at the bottom."""
        where = np.linspace(0, 1, self.height, dtype=np.float32) ** power
        column = _between(stops, where)
        return np.repeat(column[:, None, :], self.width, axis=1)

    def noise(self, cells: float, octaves: int = 4, *, gain: float = 0.5) -> Mask:
        """Fractal value noise (Perlin, 1985, with bicubic interpolation), 0..1.

        cells: lattice cells along the shorter side in the first octave.
        """
        wide, high = (side / min(self.asked) for side in self.asked)
        total = np.zeros((self.height, self.width), np.float32)
        weight, amplitude = 0.0, 1.0
        for octave in range(octaves):
            n = cells * 2**octave
            shape = (max(2, math.ceil(n * high) + 2), max(2, math.ceil(n * wide) + 2))
            lattice = self.dice.random(shape, dtype=np.float32)
            total += amplitude * cv2.resize(
                lattice, (self.width, self.height), interpolation=cv2.INTER_CUBIC
            )
            weight += amplitude
            amplitude *= gain
        # the bicubic overshoots, and a power of less than nothing is not a number
        return np.asarray(total / np.float32(weight), np.float32).clip(0, 1)

    def profile(self, cells: float, octaves: int, *, ridged: bool = False) -> Mask:
        """One-dimensional fractal noise along x, 0..1: the outline of a range of hills."""
        total, weight, amplitude = np.zeros(self.width, np.float32), 0.0, 1.0
        for octave in range(octaves):
            n = max(2, math.ceil(cells * max(self.ratio, 0.6) * 2**octave) + 2)
            lattice = self.dice.random((1, n), dtype=np.float32)
            line = cv2.resize(lattice, (self.width, 1), interpolation=cv2.INTER_CUBIC)[0]
            total += amplitude * (1 - np.abs(2 * line - 1) if ridged else line)
            weight += amplitude
            amplitude *= 0.5
        return np.asarray(total / np.float32(weight), np.float32).clip(0, 1)

    def grid(self, pitch: float, jitter: tuple[float, float], start: float = 0.0) -> Spots:
        """Places of a grid, row by row, each moved by chance: (n, 2) as x, y in 0..1.

        pitch:  from place to place, in units of the shorter side.
        jitter: the least and the most that a place is moved each way, in pitches.
        start:  where the first place is, in pitches.
        """
        wide, high = (side / min(self.asked) for side in self.asked)
        ys, xs = np.mgrid[start * pitch : high : pitch, start * pitch : wide : pitch]
        spots = np.stack([xs.ravel(), ys.ravel()], -1)
        spots += self.dice.uniform(*jitter, spots.shape) * pitch
        return np.asarray((spots / (wide, high)).clip(0, 1), np.float64)

    def pixels_of(self, spots: Spots) -> npt.NDArray[np.int64]:
        """The pixels, x and y, in which places of 0..1 lie."""
        size = (self.width, self.height)
        return np.asarray((spots * size).clip(0, (size[0] - 1, size[1] - 1)), np.int64)

    def below(self, outline: Mask) -> Mask:
        """1 under an outline given as y per column, with a soft edge of a pixel."""
        rows = np.arange(self.height, dtype=np.float32)[:, None] / self.height
        return ((rows - outline[None, :]) * self.height + 0.5).clip(0, 1)

    def polygons(self, shapes: Iterable[Sequence[Point]]) -> Mask:
        """1 inside any of the polygons."""
        return self._drawn(lambda draw, at: [draw.polygon(at(s), fill=255) for s in shapes])

    def ellipse(self, centre: Point, rx: float, ry: float | None = None) -> Mask:
        """1 inside; radii in units of the width unless `ry` (of the height) is given."""
        ry = rx * self.ratio if ry is None else ry
        x, y = centre
        return self._drawn(
            lambda draw, at: draw.ellipse([*at([(x - rx, y - ry), (x + rx, y + ry)])], fill=255)
        )

    def glow(self, centre: Point, radius: float) -> Mask:
        """A soft round light: 1 at the centre, Gaussian, `radius` in units of the shorter side."""
        short = min(self.width, self.height) * radius
        x = (np.arange(self.width, dtype=np.float32) - centre[0] * self.width) / short
        y = (np.arange(self.height, dtype=np.float32) - centre[1] * self.height) / short
        light: Mask = np.exp(-(y**2))[:, None] * np.exp(-(x**2))[None, :]
        return light

    def soft(self, mask: Mask, radius: float) -> Mask:
        """Blurred; `radius` is the standard deviation in units of the shorter side."""
        sigma = min(self.width, self.height) * radius
        step = max(1, int(sigma / 4))  # a wide blur needs no more pixels than this
        small = cv2.resize(
            mask,
            (max(2, self.width // step), max(2, self.height // step)),
            interpolation=cv2.INTER_AREA,
        )
        small = cv2.GaussianBlur(small, (0, 0), max(sigma / step, 0.3))
        grown = cv2.resize(small, (self.width, self.height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(grown, np.float32).clip(0, 1)

    def _drawn(self, draw: object) -> Mask:
        k = self.supersampling
        sheet = Pillow.new("L", (self.width * k, self.height * k))

        def at(points: Iterable[Point]) -> list[Point]:
            return [(x * self.width * k, y * self.height * k) for x, y in points]

        draw(ImageDraw.Draw(sheet), at)  # type: ignore[operator]
        if k > 1:
            sheet = sheet.reduce(k)
        return np.asarray(sheet, np.float32) / np.float32(255)


def paint(picture: Picture, mask: Mask, colour: Rgb | Picture, opacity: float = 1.0) -> None:
    """Lay a colour (or another picture) over the picture, in place, where the mask is."""
    cover = (mask * np.float32(opacity))[..., None]
    picture += (unit(colour) - picture) * cover


def dab(
    canvas: Canvas, picture: Picture, shape: Sequence[Point], ink: Ink, opacity: float = 1.0
) -> None:
    """Paint one polygon in place; only the part that it covers is worked on.

    ink: a colour, or a function of the x (w,) and y (h,) there that gives (h, w, 3).
    """
    if not (covered := _pixels_of(canvas, shape)):
        return
    x0, y0, x1, y1 = covered
    part = replace(canvas, width=x1 - x0, height=y1 - y0)
    moved = [
        ((x * canvas.width - x0) / part.width, (y * canvas.height - y0) / part.height)
        for x, y in shape
    ]
    if callable(ink):
        xs = np.arange(x0, x1, dtype=np.float32) / np.float32(canvas.width)
        ys = np.arange(y0, y1, dtype=np.float32) / np.float32(canvas.height)
        paint(picture[y0:y1, x0:x1], part.polygons([moved]), ink(xs, ys), opacity)
    else:
        paint(picture[y0:y1, x0:x1], part.polygons([moved]), ink, opacity)


def _pixels_of(canvas: Canvas, shape: Sequence[Point]) -> tuple[int, int, int, int] | None:
    xs, ys = [x * canvas.width for x, _ in shape], [y * canvas.height for _, y in shape]
    x0, y0 = max(0, math.floor(min(xs)) - 1), max(0, math.floor(min(ys)) - 1)
    x1, y1 = min(canvas.width, math.ceil(max(xs)) + 1), min(canvas.height, math.ceil(max(ys)) + 1)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def oval(centre: Point, rx: float, ry: float, start: float = 0.0, end: float = 1.0) -> list[Point]:
    """Points of an ellipse, clockwise from the right; radii in units of width and height.

    start, end: in turns, for an arc.
    """
    steps = 72
    turns = (start + (end - start) * i / steps for i in range(steps + 1))
    return [
        (centre[0] + rx * math.cos(2 * math.pi * t), centre[1] + ry * math.sin(2 * math.pi * t))
        for t in turns
    ]


def box(left: float, top: float, right: float, bottom: float) -> list[Point]:
    """The corners of an upright rectangle."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def shine(picture: Picture, mask: Mask, colour: Rgb, strength: float = 1.0) -> None:
    """Add light (screen), in place."""
    picture += (1 - picture) * unit(colour) * (mask * np.float32(strength))[..., None]


def shade(picture: Picture, mask: Mask, strength: float) -> None:
    """Take light away (multiply), in place."""
    picture *= (1 - mask * np.float32(strength))[..., None]


def mix(one: Rgb, other: Rgb, amount: float) -> Rgb:
    """`one` at 0, `other` at 1."""
    red, green, blue = (
        round(a + (b - a) * min(max(amount, 0), 1)) for a, b in zip(one, other, strict=True)
    )
    return red, green, blue


def unit(colour: Rgb | Picture) -> Picture:
    """A colour as 0..1; a picture is one already."""
    if isinstance(colour, np.ndarray):
        return colour
    return np.asarray(colour, np.float32) / np.float32(255)


def blurred(picture: Picture, sigma: float) -> Picture:
    """A Gaussian blur, `sigma` in px; a wide one is made on fewer pixels."""
    step = max(1, int(sigma / 3))
    height, width = picture.shape[:2]
    if step == 1:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.3)), np.float32)
    size = (max(2, width // step), max(2, height // step))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def luma(picture: Picture) -> Mask:
    """Rec. 709 luma of gamma-coded values, 0..1: (h, w)."""
    return np.asarray(picture @ np.asarray((0.2126, 0.7152, 0.0722), np.float32), np.float32)


def in_eight_bits(picture: Picture, canvas: Canvas) -> Pillow.Image:
    """A picture of 8 bits; noise of one level dithers away the bands of its gradients."""
    grain = canvas.apart.random((canvas.height, canvas.width, 1), dtype=np.float32)
    return Pillow.fromarray((picture * 255 + grain).clip(0, 255).astype(np.uint8), "RGB")


def _between(stops: Sequence[Rgb], where: Mask) -> Picture:
    """Colours interpolated between stops; the ease keeps bands from showing at the stops."""
    table = np.asarray(stops, np.float32) / np.float32(255)
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(where, at, table[:, c]) for c in range(3)], -1).astype(np.float32)
