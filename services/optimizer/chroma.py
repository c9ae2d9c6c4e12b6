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
#: rows of pictures lower than `_SMALL` px. On 47 pictures, 16 of them photographs, all rows say
#: otherwise once, of flat shapes near the border (0.16 % and 0.35 %).
_EVERY, _SMALL = 8, 256


def subsampling_for(pixels: Bytes) -> Subsampling:
    """4:4:4 where halving the chroma would be seen (coloured type, sharp flat shapes), else 4:2:0.

    pixels: (height, width, 3) uint8, RGB.
    """
    height, width = pixels.shape[:2]
    step = _EVERY if height >= _SMALL else 2
    upper, lower = (pixels[first:height:step] for first in (0, min(1, height - 1)))
    pair = [_ycc(rows) for rows in (upper[: len(lower)], lower)]
    halved = cv2.resize(
        cv2.addWeighted(pair[0], 0.5, pair[1], 0.5, 0),
        ((width + 1) // 2, len(lower)),
        interpolation=cv2.INTER_AREA,
    )
    back = cv2.resize(halved, (width, len(lower)), interpolation=cv2.INTER_LINEAR)
    changed = np.mean([_seen(cv2.absdiff(rows, back)) for rows in pair], axis=0)
    return "4:4:4" if changed.max() > _PART else "4:2:0"


def _ycc(rows: Bytes) -> Bytes:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(rows), cv2.COLOR_RGB2YCrCb))


def _seen(changes: cv2.typing.MatLike) -> tuple[float, float]:
    """The part of the pixels, 0..1, whose Cr and Cb are seen to change."""
    _, seen = cv2.threshold(changes, _STEP - 1, 1, cv2.THRESH_BINARY)
    _, red, blue, _ = cv2.mean(seen)
    return red, blue
