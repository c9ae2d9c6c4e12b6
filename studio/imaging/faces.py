"""Faces: where they are, by BlazeFace (Bazarevsky et al., CVPR workshop 2019).

MediaPipe's short-range net on OpenCV. It sees 128 × 128 px and finds faces of about a sixth of
that and more, so the picture is shown to it as a pyramid: whole, and in ever smaller
overlapping tiles.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from studio.imaging.geometry import Box
from studio.imaging.image import FloatArray, Image
from studio.imaging.weights import weight_file

SIDE = 128  # the net's input

# MediaPipe, face_detection_short_range.pbtxt: min_score_thresh and min_suppression_threshold.
_MIN_SCORE = 0.5
_SAME_FACE = 0.3  # intersection over union
# A tile shows one face many times its size, and texture as large as faces: it has to be surer.
_MIN_SCORE_IN_TILE = 0.65
# Two levels of the pyramid may see one face at different extents.
_NESTED = 0.6  # intersection over the smaller box

_MAX_TILES = 64  # 5 ms each
_STEP = 2 / 3  # of a tile to the next: a face of a third of the tile is whole in one of them


@dataclass(frozen=True, slots=True)
class Face:
    """A face, from the brows to the chin, and how sure the net is (0..1)."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class _Tile:
    """One view for the net: its 128 × 128 × 3 pixels and where it lies in the image."""

    pixels: npt.NDArray[np.uint8]
    x0: float
    y0: float
    width: float
    height: float
    min_score: float

    def cuts(self, box: FloatArray) -> bool:
        """Whether a box (x0, y0, x1, y1, in the tile) leaves it where the image goes on."""
        within = (self.x0 > 0, self.y0 > 0, self.x0 + self.width < 1, self.y0 + self.height < 1)
        leaves = (box[0] < 0, box[1] < 0, box[2] > 1, box[3] > 1)
        return any(a and b for a, b in zip(within, leaves, strict=True))

    def place(self, box: FloatArray) -> Box | None:
        """A box of the tile in the image."""
        x0, x1 = (self.x0 + float(x) * self.width for x in (box[0], box[2]))
        y0, y1 = (self.y0 + float(y) * self.height for y in (box[1], box[3]))
        return Box.clipped(x0, y0, x1, y1)


def faces(image: Image) -> list[Face]:
    """The faces in a picture, surest first; empty if there are none.

    Found from about 20 px and a sixth of the smallest tile upwards. Deterministic; at most 64 runs
    of the net, 5 ms each. Raises Unavailable or Broken if the weights are not in order.
    """
    flat = image.flattened((128, 128, 128))
    seen = [face for tile in _tiles(flat) for face in _faces_in(tile)]
    found: list[Face] = []
    for face in sorted(seen, key=lambda face: (-face.score, face.box.x0, face.box.y0)):
        if not any(_same(face.box, other.box) for other in found):
            found.append(face)
    return found


def _same(one: Box, other: Box) -> bool:
    shared = one.intersection(other)
    if shared is None:
        return False
    return one.overlap(other) > _SAME_FACE or shared.area > _NESTED * min(one.area, other.area)


def _tiles(image: Pillow.Image) -> Iterator[_Tile]:
    """The image whole, then tiles as high as its shorter side, half that, and so on.

    Tiles of less than 128 px would show nothing new; levels beyond the bound are left out.
    """
    yield _whole(image)
    budget = _MAX_TILES - 1
    side = float(min(image.size))
    while side >= SIDE:
        steps = [_starts(length * SIDE / side) for length in image.size]
        count = len(steps[0]) * len(steps[1])
        if count > budget:
            return
        if count > 1:
            budget -= count
            yield from _level(image, steps[0], steps[1], SIDE / side)
        side /= 2


def _starts(length: float) -> list[int]:
    """Where tiles of 128 px begin along a length, evenly, the last one flush with the end."""
    room = round(length) - SIDE
    count = int(np.ceil(room / (SIDE * _STEP))) + 1
    return [round(room * index / max(count - 1, 1)) for index in range(count)]


def _level(image: Pillow.Image, lefts: list[int], tops: list[int], scale: float) -> Iterator[_Tile]:
    width, height = (max(SIDE, round(length * scale)) for length in image.size)
    pixels = _shrunk(image, width, height)
    for top, left in itertools.product(tops, lefts):
        yield _Tile(
            pixels=pixels[top : top + SIDE, left : left + SIDE],
            x0=left / width,
            y0=top / height,
            width=SIDE / width,
            height=SIDE / height,
            min_score=_MIN_SCORE_IN_TILE,
        )


def _whole(image: Pillow.Image) -> _Tile:
    """The whole image on a black square, as MediaPipe's letterboxing does."""
    scale = SIDE / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    left, top = (SIDE - width) // 2, (SIDE - height) // 2
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[top : top + height, left : left + width] = _shrunk(image, width, height)
    return _Tile(
        pixels, -left / width, -top / height, SIDE / width, SIDE / height, min_score=_MIN_SCORE
    )


def _shrunk(image: Pillow.Image, width: int, height: int) -> npt.NDArray[np.uint8]:
    small = image.resize((width, height), Pillow.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(small)


def _faces_in(tile: _Tile) -> Iterator[Face]:
    boxes, scores = _net().detect(tile.pixels)
    likely = np.flatnonzero(scores >= tile.min_score)
    for box, score in _merged(boxes[likely], scores[likely]):
        placed = None if tile.cuts(box) else tile.place(box)
        if placed is not None:
            yield Face(placed, score)


def _merged(boxes: FloatArray, scores: FloatArray) -> Iterator[tuple[FloatArray, float]]:
    """Weighted non-maximum suppression: overlapping boxes become their mean by score."""
    left = list(np.argsort(-scores, kind="stable"))
    while left:
        best = left[0]
        overlaps = _overlaps(boxes[best], boxes[left])
        group = [at for at, overlap in zip(left, overlaps, strict=True) if overlap > _SAME_FACE]
        group = group or [best]
        left = [at for at in left if at not in group]
        yield np.average(boxes[group], axis=0, weights=scores[group]), float(scores[best])


def _overlaps(box: FloatArray, others: FloatArray) -> FloatArray:
    """Intersection over union of one box with each of (n, 4) others."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod((high - low).clip(0), axis=1)
    area = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1)
    return np.asarray(shared / np.maximum(area - shared, 1e-9), np.float32)


class _Net:
    """The loaded net. An OpenCV net keeps its layers' state, so one thread runs it at a time."""

    def __init__(self) -> None:
        # OpenCV 5's new engine offers only one of this graph's two outputs; the classic one both.
        self._net: Any = cv2.dnn.readNetFromTFLite(
            str(weight_file("blazeface-short-range")), cv2.dnn.ENGINE_CLASSIC
        )
        self._lock = threading.Lock()
        self._anchors = _anchors()

    def detect(self, pixels: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
        """Boxes (896, 4) as x0, y0, x1, y1 in units of the tile, and scores (896,)."""
        # MediaPipe: RGB scaled to -1..1.
        blob = (pixels.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
        with self._lock:
            self._net.setInput(blob)
            raw, logits = (
                output.copy() for output in self._net.forward(["regressors", "classificators"])
            )
        centres = raw[0, :, 0:2] / SIDE + self._anchors
        sizes = raw[0, :, 2:4] / SIDE
        # Clipped as MediaPipe does (score_clipping_thresh), lower, so that float32 cannot overflow.
        scores = 1 / (1 + np.exp(-logits[0, :, 0].clip(-80, 80)))
        return np.hstack([centres - sizes / 2, centres + sizes / 2]), scores


def _anchors() -> FloatArray:
    """Centres of the 896 anchors, (x, y) in 0..1, row by row: two a cell of the 16 × 16 grid
    (stride 8), then six a cell of the 8 × 8 grid (three layers of stride 16, two each)."""
    grids = []
    for cells, each in ((16, 2), (8, 6)):
        middle = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        y, x = np.meshgrid(middle, middle, indexing="ij")
        grids.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), each, axis=0))
    return np.concatenate(grids)


@lru_cache(maxsize=1)
def _net() -> _Net:
    return _Net()
