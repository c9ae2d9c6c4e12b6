"""Holes: places inside a subject that a net was unsure of are subject; what it saw through stays.

A nose or a reflection that puzzles the net gets middling values and is enclosed by what it is
sure of. A cup's handle encloses a place too, but there the net sees background: near zero.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.image import FloatArray

_SURE = (0.9, 0.98)  # of the net: subject. The second pass closes the rims of the first
_SEMI = 0.3  # from here on an enclosed place is subject that the net was unsure of
_LARGEST = 0.05  # of the subject: what is larger is not a doubt but a part of the picture
_FEW = 16  # px: specks inside the subject are closed whatever they are


def without_doubts(matte: FloatArray) -> FloatArray:
    """Close the doubtful places that the subject encloses.

    matte: (h, w) float32, 0 = background, 1 = subject.
    Returns the same with enclosed places at 1 whose mean is at least 0.3 and which are smaller than
    a twentieth of the subject. Everything else, soft outer edges above all, stays as it is.
    """
    for sure in _SURE:
        matte = _closed(matte, sure)
    return matte


def _closed(matte: FloatArray, sure: float) -> FloatArray:
    unsure = (matte < sure).astype(np.uint8)
    count, label, boxes, _ = cv2.connectedComponentsWithStats(unsure, connectivity=4)
    area = np.maximum(boxes[:, 4], 1)
    total = np.bincount(label.ravel(), weights=matte.ravel(), minlength=count)
    closed = _enclosed(np.asarray(boxes, np.int32), matte.shape)
    closed &= area <= _LARGEST * float(matte.sum())
    closed &= (total / area >= _SEMI) | (area <= _FEW)
    closed[0] = False  # label 0 is what is sure
    return np.where(closed[label], np.float32(1), matte)


def _enclosed(boxes: npt.NDArray[np.int32], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Which components touch no edge of the picture."""
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    return np.asarray((left > 0) & (top > 0) & (right < shape[1]) & (bottom < shape[0]))
