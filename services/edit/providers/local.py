"""The local engine: a salient-object net cuts the subject out, and its colours are cleaned."""

from __future__ import annotations

import cv2
import numpy as np

from studio.imaging.image import FloatArray, Image
from studio.imaging.saliency import matte as salient_matte

ENGINE = "u2netp"

#: The net is sure below and above these; between them the matte is stretched to 0..1, which
#: removes the veil that it leaves over the background.
_CLEAR, _OPAQUE = 0.08, 0.88


class LocalMatting:
    """Mattes from saliency (U²-Net, Qin et al., 2020)."""

    def matte(self, image: Image) -> FloatArray:
        """(height, width) float32, 0 = background, 1 = subject; all 0 if nothing stands out."""
        found = salient_matte(image)
        stretched = (found - _CLEAR) / (_OPAQUE - _CLEAR)
        return np.asarray(stretched.clip(0, 1), np.float32)


def foreground(image: FloatArray, matte: FloatArray) -> FloatArray:
    """The subject's own colours at soft edges, so that no old background shows there.

    Blur fusion in two passes, wide then narrow (Forte & Pitié, “Approximate fast foreground colour
    estimation”, ICIP 2021). image: (h, w, 3) float32 0..1, matte: (h, w) 0..1.
    """
    radius = max(16, round(0.06 * min(matte.shape)))  # the paper's 90 px suit pictures of 1500
    wide = _fused(image, image, image, matte, radius)
    return _fused(image, *wide, matte, 6)[0].clip(0, 1)


def _fused(
    image: FloatArray, front: FloatArray, back: FloatArray, matte: FloatArray, radius: int
) -> tuple[FloatArray, FloatArray]:
    size = (2 * radius + 1, 2 * radius + 1)
    cover = matte[..., None]
    blurred_cover = cv2.blur(matte, size)[..., None]
    front_mean = cv2.blur(front * cover, size) / (blurred_cover + np.float32(1e-5))
    back_mean = cv2.blur(back * (1 - cover), size) / (1 - blurred_cover + np.float32(1e-5))
    left = image - cover * front_mean - (1 - cover) * back_mean
    return (front_mean + cover * left).astype(np.float32), back_mean.astype(np.float32)
