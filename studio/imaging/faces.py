"""Faces: where they are in a picture of any size.

BlazeFace sees 128 × 128 px and knows faces of about a sixth of that and more. So the picture is
searched as a pyramid, whole and in ever smaller overlapping tiles, and every suspicion gets a
second look from close up, which is what tells faces from textures.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from studio.imaging.blazeface import SIDE, look
from studio.imaging.geometry import Box
from studio.imaging.image import FloatArray, Image

# Searching: low, as the second look decides. (MediaPipe alone takes 0.5.)
_SUSPECTED = 0.4
_MAX_TILES = 64
_MAX_SUSPECTS = 24
_STEP = 2 / 3  # of a tile to the next: a face of a third of a tile is whole in one of them

# The second look: mean score of three views, so many boxes wide. Measured 2026-11-23 on the LFW
# subset and the photos of scikit-image: 97 of 100 faces (25 px originals) have 0.70 and more, none
# of 100 other patches has, and the best of 13 photos without a person has 0.66 (a motorcycle).
_CLOSE_UP = (2.0, 2.5, 3.0)
_CONFIRMED = 0.70
_OFF_CENTRE = 0.15  # how far, in views, the close-up's face may lie from the middle

# Two findings are one face if this much of their union, or of the smaller one, is shared.
_SAME_UNION = 0.3
_SAME_SMALLER = 0.6


@dataclass(frozen=True, slots=True)
class Face:
    """A face, from the brows to the chin, and how sure the net is (0.7..1)."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class _View:
    """A square of the image as the net sees it; coordinates normalised to the image."""

    pixels: npt.NDArray[np.uint8]
    x0: float
    y0: float
    width: float
    height: float

    def cuts(self, box: FloatArray) -> bool:
        """Whether a box (x0, y0, x1, y1, in the view) leaves it where the image goes on."""
        goes_on = (self.x0 > 0, self.y0 > 0, self.x0 + self.width < 1, self.y0 + self.height < 1)
        leaves = (box[0] < 0, box[1] < 0, box[2] > 1, box[3] > 1)
        return any(on and out for on, out in zip(goes_on, leaves, strict=True))

    def placed(self, box: FloatArray) -> Box | None:
        """A box of the view in the image."""
        x0, x1 = (self.x0 + float(x) * self.width for x in (box[0], box[2]))
        y0, y1 = (self.y0 + float(y) * self.height for y in (box[1], box[3]))
        return Box.clipped(x0, y0, x1, y1)


def faces(image: Image) -> list[Face]:
    """The faces in a picture, surest first; empty if there are none.

    Finds faces of at least about 20 px that fill a sixth of the smallest tile (at the bound of
    64 tiles: a fortieth of a square picture's side). Deterministic; a look takes some 5 ms, at
    most 160 are taken. Raises Unavailable or Broken if the weights are not in order.
    """
    flat = image.flattened((128, 128, 128))
    confirmed = [face for box in _suspects(flat) if (face := _confirmed(flat, box))]
    found: list[Face] = []
    for face in sorted(confirmed, key=lambda face: (-face.score, face.box.x0, face.box.y0)):
        if not any(_is_same(face.box, other.box) for other in found):
            found.append(face)
    return found


def _is_same(one: Box, other: Box) -> bool:
    shared = one.intersection(other)
    if shared is None:
        return False
    smaller = min(one.area, other.area)
    return one.overlap(other) > _SAME_UNION or shared.area > _SAME_SMALLER * smaller


def _suspects(image: Pillow.Image) -> list[Box]:
    """Where faces may be, the likeliest first."""
    seen = [
        (score, placed)
        for view in _pyramid(image)
        for box, score in look(view.pixels, _SUSPECTED)
        if not view.cuts(box) and (placed := view.placed(box))
    ]
    seen.sort(key=lambda one: -one[0])
    return [box for _, box in seen[:_MAX_SUSPECTS]]


def _confirmed(image: Pillow.Image, suspect: Box) -> Face | None:
    """The face at a suspected place, seen from close up; None if there is none."""
    first = _close_up(image, suspect, _CLOSE_UP[1])
    if first is None:
        return None
    looks = [_close_up(image, first.box, span) for span in _CLOSE_UP]
    score = sum(face.score for face in looks if face) / len(looks)
    nearest = looks[1]
    return Face(nearest.box, score) if nearest and score >= _CONFIRMED else None


def _close_up(image: Pillow.Image, box: Box, span: float) -> Face | None:
    """What a view around a box, `span` boxes wide, shows in its middle."""
    width, height = image.size
    side = max(2, round(span * max(box.width * width, box.height * height)))
    left, top = (
        round(c * length - side / 2) for c, length in zip(box.centre, image.size, strict=True)
    )
    area = image.crop((left, top, left + side, top + side))  # black outside the image
    view = _View(_shrunk(area, SIDE, SIDE), left / width, top / height, side / width, side / height)
    for seen, score in look(view.pixels, _SUSPECTED):
        middle = (seen[:2] + seen[2:]) / 2
        if np.abs(middle - 0.5).max() <= _OFF_CENTRE and (placed := view.placed(seen)):
            return Face(placed, score)
    return None


def _pyramid(image: Pillow.Image) -> Iterator[_View]:
    """The image whole, then in tiles as high as its shorter side, half that, and so on.

    Tiles of less than 128 px would show nothing new; levels beyond the bound are left out.
    """
    yield _whole(image)
    budget = _MAX_TILES - 1
    side = float(min(image.size))
    while side >= SIDE:
        lefts, tops = (_starts(length * SIDE / side) for length in image.size)
        count = len(lefts) * len(tops)
        if count > budget:
            return
        if count > 1:
            budget -= count
            yield from _level(image, lefts, tops, SIDE / side)
        side /= 2


def _starts(length: float) -> list[int]:
    """Where tiles of 128 px begin along a length, evenly, the last one flush with the end."""
    room = round(length) - SIDE
    gaps = max(1, int(np.ceil(room / (SIDE * _STEP))))
    return [round(room * index / gaps) for index in range(gaps + 1)] if room else [0]


def _level(image: Pillow.Image, lefts: list[int], tops: list[int], scale: float) -> Iterator[_View]:
    width, height = (max(SIDE, round(length * scale)) for length in image.size)
    pixels = _shrunk(image, width, height)
    for top, left in itertools.product(tops, lefts):
        yield _View(
            pixels=pixels[top : top + SIDE, left : left + SIDE],
            x0=left / width,
            y0=top / height,
            width=SIDE / width,
            height=SIDE / height,
        )


def _whole(image: Pillow.Image) -> _View:
    """The whole image on a black square, as MediaPipe letterboxes it."""
    width, height = (max(1, round(length * SIDE / max(image.size))) for length in image.size)
    left, top = (SIDE - width) // 2, (SIDE - height) // 2
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[top : top + height, left : left + width] = _shrunk(image, width, height)
    return _View(pixels, -left / width, -top / height, SIDE / width, SIDE / height)


def _shrunk(image: Pillow.Image, width: int, height: int) -> npt.NDArray[np.uint8]:
    small = image.resize((width, height), Pillow.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(small)
