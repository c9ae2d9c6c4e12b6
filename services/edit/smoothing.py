"""Smoothing: values that are known here and there, spread over all places between.

Pull-push (Gortler et al., “The lumigraph”, SIGGRAPH 1996) with a few relaxations a level: nearly
the membrane that is spanned by what is known, in time linear in the pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.image import FloatArray

_RELAXATIONS = 8  # a level


def smoothly_filled(values: FloatArray, known: npt.NDArray[np.bool_]) -> FloatArray:
    """Spread known values.

    values: (h, w, c) float32. known: (h, w); where it is False, values do not matter.
    Returns (h, w, c): known values exactly, smooth transitions between. All 0 if none is known.
    """
    return _spread(np.where(known[..., None], values, np.float32(0)), known.astype(np.float32))


def _spread(values: FloatArray, share: FloatArray) -> FloatArray:
    """values are weighted by share, 0..1; returns them spread and unweighted."""
    height, width = share.shape
    here = share[..., None]
    if min(height, width) <= 2:
        mean = values.sum((0, 1)) / max(float(share.sum()), 1e-6)
        own = values / np.maximum(here, 1e-6)
        return np.asarray(here * own + (1 - here) * mean, np.float32)
    half = (width + 1) // 2, (height + 1) // 2
    below = _shrunk(values, half)
    weight = _shrunk(here, half)[..., 0]
    scale = np.where(weight > 0, np.minimum(weight * 4, 1) / np.maximum(weight, 1e-12), 0)
    coarse = _spread(
        below * scale[..., None].astype(np.float32), (weight * scale).astype(np.float32)
    )
    made = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))
    made = made.reshape(values.shape)
    own = values / np.maximum(here, 1e-6)
    for _ in range(_RELAXATIONS):
        made = here * own + (1 - here) * cv2.blur(made, (3, 3)).reshape(values.shape)
    return np.asarray(here * own + (1 - here) * made, np.float32)


def _shrunk(values: FloatArray, size: tuple[int, int]) -> FloatArray:
    small = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32).reshape(size[1], size[0], -1)
