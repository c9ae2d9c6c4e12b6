"""Foreground: the subject's own colours at soft edges, so that no old background shows there.

Blur fusion in two passes, wide then narrow (Forte & Pitié, “Approximate fast foreground colour
estimation”, ICIP 2021). The local means of both passes are smooth, so they are taken at no more
than 1024 px; the last step, which brings the detail back, is done at full size in bands of rows.
A large picture therefore needs 8 bits a channel and one band of floats.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.image import FloatArray

Bytes = npt.NDArray[np.uint8]

_SIDE = 1024  # px, the longer side at which means are taken
_BAND = 256  # rows
_WIDE = 0.06  # of the shorter side: the paper's 90 px suit pictures of 1500
_NARROW = 6  # px, as in the paper


def foreground(colours: Bytes, matte: FloatArray) -> Bytes:
    """Estimate the subject's colours.

    colours: (h, w, 3) sRGB. matte: (h, w) float32, 0 = background, 1 = subject.
    Returns (h, w, 3). Where the matte is 1, colours stay exactly what they are. CPU work.
    """
    height, width = matte.shape
    front, back = _means(colours, matte)
    across, down = front.shape[1] / width, front.shape[0] / height
    made = colours.copy()
    for top in range(0, height, _BAND):
        cover = matte[top : top + _BAND, :, None]
        if cover.min() >= 1:
            continue
        size = width, cover.shape[0]
        # From pixel centres of this band to those of the means.
        place = np.array([[across, 0, across / 2 - 0.5], [0, down, (top + 0.5) * down - 0.5]])
        seen = np.asarray(colours[top : top + _BAND], np.float32) / np.float32(255)
        own = _detailed(seen, _enlarged(front, place, size), _enlarged(back, place, size), cover)
        band = made[top : top + _BAND]
        np.copyto(band, (own.clip(0, 1) * 255 + 0.5).astype(np.uint8), where=cover < 1)
    return made


def _means(colours: Bytes, matte: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The colours around each place of subject and of background: (h, w, 3) float32 0..1."""
    shrink = min(1.0, _SIDE / max(matte.shape))
    size = max(1, round(matte.shape[1] * shrink)), max(1, round(matte.shape[0] * shrink))
    small = cv2.resize(colours, size, interpolation=cv2.INTER_AREA)
    image = np.asarray(small, np.float32) / np.float32(255)
    cover = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)[..., None]
    wide = max(16, round(_WIDE * min(size)))
    front, back = _blurred(image, image, cover, wide)
    return _blurred(_detailed(image, front, back, cover), back, cover, _NARROW)


def _blurred(
    front: FloatArray, back: FloatArray, cover: FloatArray, radius: int
) -> tuple[FloatArray, FloatArray]:
    """Means in a square window, weighted by how much each pixel belongs to either."""
    window = (2 * radius + 1, 2 * radius + 1)
    share = cv2.blur(cover, window)[..., None]
    little = np.float32(1e-5)
    front_mean = cv2.blur(front * cover, window) / (share + little)
    back_mean = cv2.blur(back * (1 - cover), window) / (1 - share + little)
    return np.asarray(front_mean, np.float32), np.asarray(back_mean, np.float32)


def _detailed(
    seen: FloatArray, front: FloatArray, back: FloatArray, cover: FloatArray
) -> FloatArray:
    """What is seen, explained as front over back; the rest goes to the front."""
    rest = seen - cover * front - (1 - cover) * back
    return np.asarray(front + cover * rest, np.float32)


def _enlarged(
    means: FloatArray, place: npt.NDArray[np.float64], size: tuple[int, int]
) -> FloatArray:
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    edge = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(means, place, size, flags=how, borderMode=edge), np.float32)
