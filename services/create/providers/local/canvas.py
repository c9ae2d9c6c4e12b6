"""The canvas: float pictures and the few tools that every painter uses.

A picture is (height, width, 3) float32, sRGB 0..1. Coordinates are in units of the width (x) and
of the height (y), 0..1, so that a composition is described once for every size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw

from services.create.providers.local.brief import Brief, Rgb

Picture = npt.NDArray[np.float32]
Mask = npt.NDArray[np.float32]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Canvas:
    """A size, a source of chance, and how finely edges are drawn."""

    width: int
    height: int
    dice: np.random.Generator
    supersampling: int  # mask pixels per picture pixel, each way

    @property
    def ratio(self) -> float:
        """Width ÷ height."""
        return self.width / self.height

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
        short = min(self.width, self.height)
        total = np.zeros((self.height, self.width), np.float32)
        weight, amplitude = 0.0, 1.0
        for octave in range(octaves):
            n = cells * 2**octave
            shape = (
                max(2, math.ceil(n * self.height / short) + 2),
                max(2, math.ceil(n * self.width / short) + 2),
            )
            lattice = self.dice.random(shape, dtype=np.float32)
            total += amplitude * cv2.resize(
                lattice, (self.width, self.height), interpolation=cv2.INTER_CUBIC
            )
            weight += amplitude
            amplitude *= gain
        return total / np.float32(weight)

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
        return total / np.float32(weight)

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


def finished(picture: Picture, brief: Brief, canvas: Canvas) -> Pillow.Image:
    """Grade by the mood, dither away the banding, and make it a picture of 8 bits."""
    mood = brief.mood
    grey = picture @ np.asarray((0.2126, 0.7152, 0.0722), np.float32)
    picture = grey[..., None] + (picture - grey[..., None]) * np.float32(mood.saturation)
    picture = (picture - 0.5) * np.float32(mood.contrast) + 0.5
    warmth = np.float32(0.07 * mood.warmth)
    picture *= np.asarray((1 + warmth, 1 + warmth * 0.2, 1 - warmth), np.float32)
    picture *= np.float32(mood.brightness)
    grain = canvas.dice.random((canvas.height, canvas.width, 1), dtype=np.float32)
    levels = (picture * 255 + grain).clip(0, 255).astype(np.uint8)
    return Pillow.fromarray(levels, "RGB")


def _between(stops: Sequence[Rgb], where: Mask) -> Picture:
    """Colours interpolated between stops; the ease keeps bands from showing at the stops."""
    table = np.asarray(stops, np.float32) / np.float32(255)
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(where, at, table[:, c]) for c in range(3)], -1).astype(np.float32)
