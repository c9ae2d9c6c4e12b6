"""Detail: what is there made more visible. Local contrast, edges and grain; nothing is invented.

Luma is taken apart by guided filters (He, Sun, Tang, IEEE TPAMI 2013), which keep edges, so that
fine and middle detail can be raised without halos. Edges are sharpened only as far as their
neighbourhood reaches. The grain has no form: shrunk back it averages out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image as Pillow

from services.upscale.bands import filter_in_bands
from studio.imaging.image import FloatArray

#: At creativity 1; all are in proportion to it.
_FINE = 0.5  # added, of the detail up to some pixels of the source
_MIDDLE = 0.6  # added, of the detail up to a dozen
_EDGES = 0.8  # added, of what a Gaussian of half a source pixel takes away
_OVERSHOOT = 6.0  # levels that luma may leave the range of its neighbourhood by
_GRAIN = 4.0  # levels, standard deviation in middle tones

_NOISE = 3.0  # levels: weaker detail is taken for noise and less and less raised
_FLAT = 12.0, 30.0  # levels: fine and middle differences that count as detail, not as edges
_RADII = 2, 8  # of the guided filters, px of the source
_MOST_RADIUS = 40  # px of the result


@dataclass(frozen=True, slots=True)
class Detail:
    """How much, how fine, and which grain."""

    creativity: float  # 0..1; 0 changes nothing
    scale: float  # px of the result for one of the source, ≥ 1
    seed: int  # of the grain; ≥ 0

    @property
    def reach(self) -> int:
        """Rows above and below that a row depends on: two windows for each guided filter."""
        return 2 * sum(self.radii) + 2

    @property
    def radii(self) -> tuple[int, int]:
        """Of the guided filters for fine and middle detail, px of the result."""
        fine, middle = (min(round(one * self.scale), _MOST_RADIUS) for one in _RADII)
        return fine, middle


def enhance(pixels: Pillow.Image, detail: Detail, rows: int | None = None) -> None:
    """Raise the detail of RGB or RGBA pixels in place; alpha stays. CPU work, deterministic.

    rows: of the bands that it works on (see `filter_in_bands`); the result does not depend on it.
    """
    if detail.creativity:
        filter_in_bands(pixels, detail.reach, lambda band, top: _enhanced(band, top, detail), rows)


def _enhanced(band: Pillow.Image, top: int, detail: Detail) -> Pillow.Image:
    luma = np.asarray(band.convert("L"), np.float32)
    change = _raised(luma, detail)
    change -= luma
    change += _grain(luma, top, detail)
    channels = list(band.split())
    for at in range(3):
        values = np.asarray(channels[at], np.float32) + change
        channels[at] = Pillow.fromarray((values + np.float32(0.5)).clip(0, 255).astype(np.uint8))
    return Pillow.merge(band.mode, channels)


def _raised(luma: FloatArray, detail: Detail) -> FloatArray:
    """(h, w) luma, 0..255, small contrasts raised, within the range of its neighbourhood."""
    smooth = _guided(luma, detail.radii[0], _FLAT[0])
    fine = luma - smooth
    middle = smooth - _guided(smooth, detail.radii[1], _FLAT[1])
    edges = luma - cv2.GaussianBlur(luma, (0, 0), detail.scale / 2)
    added = _FINE * _cored(fine) + _MIDDLE * _cored(middle) + _EDGES * _cored(edges)
    window = np.ones((2 * round(detail.scale) + 1,) * 2, np.uint8)
    spare = np.float32(_OVERSHOOT * detail.creativity)
    lowest, highest = cv2.erode(luma, window) - spare, cv2.dilate(luma, window) + spare
    raised = luma + np.float32(detail.creativity) * added
    return np.asarray(raised.clip(lowest, highest), np.float32)


def _guided(luma: FloatArray, radius: int, flat: float) -> FloatArray:
    """Smooth where the standard deviation is below `flat`, unchanged where it is far above."""
    side = (2 * radius + 1, 2 * radius + 1)
    mean = cv2.blur(luma, side)
    variance = np.maximum(cv2.blur(luma * luma, side) - mean * mean, 0)
    slope = variance / (variance + np.float32(flat**2))
    offset = mean - slope * mean
    return np.asarray(cv2.blur(slope, side) * luma + cv2.blur(offset, side), np.float32)


def _cored(values: FloatArray) -> FloatArray:
    """Differences with those that are as weak as noise made weaker."""
    square = values * values
    return np.asarray(values * square / (square + np.float32(_NOISE**2)), np.float32)


def _grain(luma: FloatArray, top: int, detail: Detail) -> FloatArray:
    """Gaussian noise, strongest in middle tones; that of a row depends on its number alone."""
    height, width = luma.shape
    noise = np.stack(
        [
            np.random.default_rng((detail.seed, row)).standard_normal(width, np.float32)
            for row in range(top, top + height)
        ]
    )
    tone = luma / np.float32(255)
    strength = np.float32(0.25) + np.float32(3) * tone * (1 - tone)  # 1 in the middle, 0.25 outside
    return np.asarray(np.float32(_GRAIN * detail.creativity) * strength * noise, np.float32)
