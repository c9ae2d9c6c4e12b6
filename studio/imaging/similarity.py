"""Similarity: how alike two pictures look."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image as Pillow

from studio.imaging.image import FloatArray

#: Wang, Bovik, Sheikh, Simoncelli: Image quality assessment (IEEE TIP 13(4), 2004).
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_SIGMA = 1.5


def ssim(one: Pillow.Image, other: Pillow.Image) -> float:
    """Mean structural similarity of luma, 1 = the same. Both of one size; any mode with colour."""
    return ssim_of_luma(luma(one), luma(other))


def luma(pixels: Pillow.Image) -> FloatArray:
    """(height, width) float32, 0..255."""
    return np.asarray(pixels.convert("L"), np.float32)


def ssim_of_luma(a: FloatArray, b: FloatArray) -> float:
    """Mean structural similarity, 1 = the same.

    a, b: (height, width) float32, 0..255; or (height, width, n) for n pictures of one size, none of
    which knows of its neighbours.
    """
    mean_a, mean_b = _blurred(a), _blurred(b)
    var_a = _blurred(a * a) - mean_a**2
    var_b = _blurred(b * b) - mean_b**2
    both = _blurred(a * b) - mean_a * mean_b
    up = (2 * mean_a * mean_b + _C1) * (2 * both + _C2)
    down = (mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2)
    return float((up / down).mean())


def psnr(one: Pillow.Image, other: Pillow.Image) -> float:
    """Peak signal-to-noise ratio of RGB in dB; infinite for equal pictures."""
    a = np.asarray(one.convert("RGB"), np.float32)
    b = np.asarray(other.convert("RGB"), np.float32)
    error = float(((a - b) ** 2).mean())
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def _blurred(values: FloatArray) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(values, (11, 11), _SIGMA))
