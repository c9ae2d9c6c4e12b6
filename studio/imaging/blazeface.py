"""BlazeFace: one look of MediaPipe's short-range face detector at a view of 128 pixels and more.

Bazarevsky et al., CVPR workshop 2019; numbers from MediaPipe's face_detection_short_range.pbtxt.
Run on OpenCV. The net was trained on 128 × 128 px, but it only convolves: a larger view is the same
as many overlapping ones of 128 px, for a fraction of the work, and faces are found in it at the
size that they had in those. `faces` decides where to look and what to believe.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.image import FloatArray
from studio.imaging.weights import weight_file

SIDE = 128  # the net's input as it was trained, px
STRIDE = 16  # of the coarser grid, px: sides of a view are multiples of it

_SAME = 0.3  # min_suppression_threshold: intersection over union of two boxes of one face
_CLIP = 80.0  # of the logits; MediaPipe has 100, which overflows float32


def look(pixels: npt.NDArray[np.uint8], min_score: float) -> list[tuple[FloatArray, float]]:
    """The faces in one view, best first, overlapping boxes merged.

    pixels: (h, w, 3) RGB, h and w multiples of 16, from 128 on; 140 CPU ns a pixel.
    Returns boxes (x0, y0, x1, y1) in units of the view, brows to chin, which may reach outside,
    each with its score ≥ min_score. Raises Unavailable or Broken if the weights are not in order.
    """
    boxes, scores = _net().run(pixels)
    likely = np.flatnonzero(scores >= min_score)
    return _merged(boxes[likely], scores[likely])


def _merged(boxes: FloatArray, scores: FloatArray) -> list[tuple[FloatArray, float]]:
    """Weighted non-maximum suppression: the boxes of one face become their mean by score."""
    merged = []
    left = np.argsort(-scores, kind="stable")
    while left.size:
        best = left[0]
        same = _overlaps(boxes[best], boxes[left]) > _SAME
        same[0] = True  # even a box without area is gone after its turn
        group, left = left[same], left[~same]
        mean = np.average(boxes[group], axis=0, weights=scores[group])
        merged.append((mean.astype(np.float32), float(scores[best])))
    return merged


def _overlaps(box: FloatArray, others: FloatArray) -> FloatArray:
    """Intersection over union of one box with each of (n, 4) others."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod((high - low).clip(0), axis=1)
    area = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1)
    return np.asarray(shared / np.maximum(area - shared, 1e-9), np.float32)


class _Net:
    """The loaded net. An OpenCV net keeps state while it runs, so one thread has it at a time."""

    def __init__(self) -> None:
        # OpenCV 5's new engine offers only one of this graph's two outputs, the classic one both.
        self._net: Any = cv2.dnn.readNetFromTFLite(
            str(weight_file("blazeface-short-range")), cv2.dnn.ENGINE_CLASSIC
        )
        self._lock = threading.Lock()

    def run(self, pixels: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
        """All n boxes, (n, 4) in units of the view, and their scores, (n,), 0..1.

        One net serves every size: to change between 128, 256 and 512 px costs 3 ms in all (of 48),
        and the buffers of the largest view, 50 MB at 512 px, are shared.
        """
        blob = (pixels.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
        with self._lock:
            self._net.setInput(blob)
            raw, logits = self._net.forward(["regressors", "classificators"])
            raw, logits = raw[0].copy(), logits[0, :, 0].copy()
        size = np.array(pixels.shape[1::-1], np.float32)
        centres = raw[:, 0:2] / size + _anchors(*pixels.shape[1::-1])
        halves = raw[:, 2:4] / (2 * size)
        return np.hstack([centres - halves, centres + halves]), 1 / (
            1 + np.exp(-logits.clip(-_CLIP, _CLIP))
        )


@lru_cache(maxsize=16)
def _anchors(width: int, height: int) -> FloatArray:
    """Centres of a view's anchors, (n, 2) as (x, y) in 0..1, row by row: two a cell of stride 8,
    then six a cell of stride 16 (three layers of two each); 896 for 128 × 128 px."""
    grids = []
    for stride, each in ((STRIDE // 2, 2), (STRIDE, 6)):
        x, y = (
            (np.arange(length // stride, dtype=np.float32) + 0.5) * stride / length
            for length in (width, height)
        )
        cells = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        grids.append(np.repeat(cells, each, axis=0))
    return np.concatenate(grids)


@lru_cache(maxsize=1)
def _net() -> _Net:
    return _Net()
