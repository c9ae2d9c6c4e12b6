"""Faces: where they are in a picture of any size.

BlazeFace knows faces of about a sixth of 128 px and more. So the picture is searched as a pyramid,
whole and in ever larger levels, and every suspicion gets a second look from close up, which is
what tells faces from textures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from studio.imaging.blazeface import SIDE, STRIDE, look
from studio.imaging.geometry import Box
from studio.imaging.image import FloatArray, Image

# Searching: low, as the second look decides, and a level is looked at once, where overlapping tiles
# saw a face two or three times: at 0.4 it lost one that they found. (MediaPipe alone takes 0.5.)
_SUSPECTED = 0.3
_MAX_PIXELS = 700_000  # of the levels: as much as 64 tiles showed that overlap by a third; 0.05 s
_MAX_SUSPECTS = 24

# The second look: mean score of three views, so many boxes wide. Measured 2026-11-26 on the LFW
# subset and the photos of scikit-image: 99 of 100 faces (25 px originals, at 200 px) have 0.70 and
# more, none of 100 other patches has, nor has any of 72 random parts of its photos without a person
# (of 144 on the day before one had: 0.72, a motorcycle).
_CLOSE_UP = (2.0, 2.5, 3.0)
_CONFIRMED = 0.70
_SEEN = 0.4  # in a close-up: less is no face at all
# Of the close-up that finds the middle. Of the LFW faces, put at 48 to 330 px into 400 pictures of
# 1500 and 2048 px a side, 346 were found, all with 0.65 and more here (2026-11-26).
_PROMISING = 0.6
_OFF_CENTRE = 0.15  # how far, in views, the close-up's face may lie from the middle

# Two findings are one face if this much of their union, or of the smaller one, is shared.
_SAME_UNION = 0.3
_SAME_SMALLER = 0.6

# A head is its face, brows to chin, and so much of it more.
_ABOVE, _BELOW, _ASIDE = 0.55, 0.20, 0.20


@dataclass(frozen=True, slots=True)
class Face:
    """A face, from the brows to the chin, and how sure the net is (0.7..1)."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class _View:
    """A part of the image as the net sees it; coordinates normalised to the image."""

    pixels: npt.NDArray[np.uint8]
    x0: float
    y0: float
    width: float
    height: float

    def placed(self, box: FloatArray) -> Box | None:
        """A box of the view in the image."""
        x0, x1 = (self.x0 + float(x) * self.width for x in (box[0], box[2]))
        y0, y1 = (self.y0 + float(y) * self.height for y in (box[1], box[3]))
        return Box.clipped(x0, y0, x1, y1)


def faces(image: Image) -> list[Face]:
    """The faces in a picture, surest first; empty if there are none.

    Finds faces of at least about 20 px that fill a sixth of 128 px in the largest level, which is
    512 px high and wide for squares and 512 px high for 16:9: a twenty-fourth of that at best.
    Deterministic; the search takes some 0.04 s of CPU time, a suspect that is none 2 ms, and one
    that is a face 7 ms; at most 24 are looked at. Raises Unavailable or Broken if the weights are
    not in order.
    """
    picture = _Halvings(image.flattened((128, 128, 128)))
    found: list[Face] = []
    for place in _suspects(picture):
        if _is_new(place, found):
            face = _confirmed(picture, place)
            if face and _is_new(face.box, found):
                found.append(face)
    return sorted(found, key=lambda face: (-face.score, face.box.x0, face.box.y0))


def head(face: Box) -> Box:
    """The whole head of a face, hair and chin with it."""
    high, wide = face.height, face.width
    left, right = face.x0 - _ASIDE * wide, face.x1 + _ASIDE * wide
    return Box.clipped(left, face.y0 - _ABOVE * high, right, face.y1 + _BELOW * high) or face


def _is_new(box: Box, found: list[Face]) -> bool:
    return not any(_is_same(box, other.box) for other in found)


def _is_same(one: Box, other: Box) -> bool:
    shared = one.intersection(other)
    if shared is None:
        return False
    smaller = min(one.area, other.area)
    return one.overlap(other) > _SAME_UNION or shared.area > _SAME_SMALLER * smaller


def _suspects(picture: _Halvings) -> list[Box]:
    """Where faces may be, the likeliest first; each place once, whichever levels show it.

    What lies inside a larger suspect stays: the larger one may be no face.
    """
    seen = [
        (score, placed)
        for view in _pyramid(picture)
        for box, score in look(view.pixels, _SUSPECTED)
        if (placed := view.placed(box))
    ]
    seen.sort(key=lambda one: -one[0])
    places: list[Box] = []
    for _, box in seen:
        if not any(box.overlap(other) > _SAME_UNION for other in places):
            places.append(box)
    return places[:_MAX_SUSPECTS]


def _confirmed(picture: _Halvings, suspect: Box) -> Face | None:
    """The face at a suspected place, seen from close up; None if there is none."""
    first = _close_up(picture, suspect, _CLOSE_UP[1])
    if first is None or first.score < _PROMISING:
        return None
    looks: list[Face | None] = []
    for span in _CLOSE_UP:
        looks.append(_close_up(picture, first.box, span))
        score = sum(face.score for face in looks if face) / len(_CLOSE_UP)
        if score + 1 - len(looks) / len(_CLOSE_UP) < _CONFIRMED:
            return None  # even if the looks that are left were sure
    nearest = looks[1]
    return Face(nearest.box, score) if nearest else None


def _close_up(picture: _Halvings, box: Box, span: float) -> Face | None:
    """What a view around a box, `span` boxes wide, shows in its middle."""
    width, height = picture.size
    side = span * max(box.width * width, box.height * height)
    view = picture.square(box.centre, side)
    for seen, score in look(view.pixels, _SEEN):
        middle = (seen[:2] + seen[2:]) / 2
        if np.abs(middle - 0.5).max() <= _OFF_CENTRE and (placed := view.placed(seen)):
            return Face(placed, score)
    return None


def _pyramid(picture: _Halvings) -> Iterator[_View]:
    """The picture whole, then 128, 256, 512, … px on its shorter side.

    Larger than itself it would show nothing new; levels beyond the bound are left out.
    """
    yield _whole(picture)
    shorter, longer = sorted(picture.size)
    budget, side = _MAX_PIXELS, SIDE
    while side <= shorter:
        width, height = (round(length * side / shorter) for length in picture.size)
        budget -= width * height
        if budget < 0:
            return
        if longer * side > SIDE * shorter:  # else this is the whole once more
            yield _level(picture, width, height)
        side *= 2


def _level(picture: _Halvings, width: int, height: int) -> _View:
    """The whole picture, black to the right and below up to a multiple of the net's stride."""
    right, below = -width % STRIDE, -height % STRIDE
    pixels = np.pad(picture.shrunk(width, height), ((0, below), (0, right), (0, 0)))
    return _View(pixels, 0.0, 0.0, (width + right) / width, (height + below) / height)


def _whole(picture: _Halvings) -> _View:
    """The whole picture on a black square, as MediaPipe letterboxes it."""
    longer = max(picture.size)
    width, height = (max(1, round(length * SIDE / longer)) for length in picture.size)
    left, top = (SIDE - width) // 2, (SIDE - height) // 2
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[top : top + height, left : left + width] = picture.shrunk(width, height)
    return _View(pixels, -left / width, -top / height, SIDE / width, SIDE / height)


class _Halvings:
    """A picture with its half, its quarter and so on, made once and when they are asked for.

    Every view is shrunk from the smallest of them that has its pixels: to twice as many a side, as
    it was, takes twice the time and finds no more faces (346 of 400 either way, see _PROMISING).
    """

    def __init__(self, picture: Pillow.Image) -> None:
        self._pictures = [picture]
        self.size = picture.size  # px

    def shrunk(self, width: int, height: int) -> npt.NDArray[np.uint8]:
        """All of the picture, (height, width, 3)."""
        small, _ = self._for(max(self.size) / max(width, height))
        return np.asarray(small.resize((width, height), Pillow.Resampling.BILINEAR))

    def square(self, centre: tuple[float, float], side: float) -> _View:
        """What lies around a centre (x, y in 0..1), side px wide; black outside the picture."""
        small, times = self._for(side / SIDE)
        reach = max(2, round(side / times))
        left, top = (
            round(c * length / times - reach / 2)
            for c, length in zip(centre, self.size, strict=True)
        )
        area = small.crop((left, top, left + reach, top + reach))
        pixels = np.asarray(area.resize((SIDE, SIDE), Pillow.Resampling.BILINEAR))
        wide, high = (length / times for length in self.size)
        return _View(pixels, left / wide, top / high, reach / wide, reach / high)

    def _for(self, shrinking: float) -> tuple[Pillow.Image, int]:
        """The picture to shrink from, and how many times smaller than the original it is."""
        halvings = max(0, math.floor(math.log2(shrinking)))
        while len(self._pictures) <= halvings:
            self._pictures.append(self._pictures[-1].reduce(2))
        return self._pictures[halvings], 2**halvings
