"""Chroma: whether a file may halve it, as most do, or has to keep it whole."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.encode import Subsampling

Bytes = npt.NDArray[np.uint8]

#: Chroma is kept at full resolution if halving it would change more than this part of the pixels by
#: more than 32 of 255: coloured type has 3 % and more, flat shapes up to 0.7 %, photographs at most
#: 0.08 % (2026-11-26).
_STEP, _PART = 32, 0.003
#: Two neighbouring rows of so many are looked at, since chroma is halved in squares of 2 px; all
#: rows of pictures lower than `_SMALL` px. Which two changes by the golden ratio from one eight to
#: the next, so that no pattern of rows is always missed.
_EVERY, _SMALL = 8, 256
_GOLDEN = (5**0.5 - 1) / 2


def subsampling_for(pixels: Bytes) -> Subsampling:
    """4:4:4 where halving the chroma would be seen (coloured type, sharp flat shapes), else 4:2:0.

    pixels: (height, width, 3) uint8, RGB.
    """
    height, width = pixels.shape[:2]
    upper = _chosen(height)
    pair = [_ycc(pixels[rows]) for rows in (upper, np.minimum(upper + 1, height - 1))]
    halved = cv2.resize(
        cv2.addWeighted(pair[0], 0.5, pair[1], 0.5, 0),
        ((width + 1) // 2, len(upper)),
        interpolation=cv2.INTER_AREA,
    )
    back = cv2.resize(halved, (width, len(upper)), interpolation=cv2.INTER_LINEAR)
    changed = np.mean([_seen(cv2.absdiff(rows, back)) for rows in pair], axis=0)
    return "4:4:4" if changed.max() > _PART else "4:2:0"


def _chosen(height: int) -> npt.NDArray[np.intp]:
    """The upper one of each pair of rows that is looked at; all are even."""
    if height < _SMALL:
        return np.arange(0, height, 2)
    eights = np.arange(height // _EVERY)
    shifts = (eights * _GOLDEN) % 1 * (_EVERY // 2)
    return np.asarray(_EVERY * eights + 2 * shifts.astype(np.intp), np.intp)


def _ycc(rows: Bytes) -> Bytes:
    return np.asarray(cv2.cvtColor(rows, cv2.COLOR_RGB2YCrCb))


def _seen(changes: cv2.typing.MatLike) -> tuple[float, float]:
    """The part of the pixels, 0..1, whose Cr and Cb are seen to change."""
    _, seen = cv2.threshold(changes, _STEP - 1, 1, cv2.THRESH_BINARY)
    _, red, blue, _ = cv2.mean(seen)
    return red, blue
