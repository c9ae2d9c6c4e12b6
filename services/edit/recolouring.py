"""Recolouring: another hue for a material, with its light, its shadows and its texture.

Only a* and b* are replaced. How much colour a pixel has, measured against the mean of what was
selected, stays its own: highlights stay white, shadows dark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.edit.colours import in_lab, rgb_to_lab
from studio.imaging.colour import RGB, srgb_to_lab
from studio.imaging.image import FloatArray

Bytes = npt.NDArray[np.uint8]

_GREY = 12.0  # chroma below which a material has no hue of its own to measure by
_MOST = 1.5  # times the mean chroma
_OWN_HUE = 0.4  # how much of a pixel's deviation from the mean hue stays


@dataclass(frozen=True, slots=True)
class Recoloured:
    """The picture, and how near it came."""

    colours: Bytes
    delta_e: float  # mean CIE76 ΔE of what was selected to the target
    delta_hue: float  # the same without lightness, which stays


def recoloured(
    colours: Bytes, mask: Bytes, target: RGB, *, strength: float, lightness: float
) -> Recoloured:
    """Give what is masked another colour.

    colours: (h, w, 3) sRGB. mask: (h, w), 255 = recoloured, 0 = exactly as it was.
    strength: 0..1 of the way. lightness: 0 = every pixel keeps its own, 1 = their mean becomes the
    target's. CPU work.
    """
    goal = srgb_to_lab(np.array(target))
    mean = _mean(colours, mask)
    bend = _bend(float(mean[0]), float(goal[0]), lightness)

    def change(lab: FloatArray, rows: slice) -> FloatArray:
        share = mask[rows, :, None].astype(np.float32) * np.float32(strength / 255)
        made = np.concatenate([_lit(lab[..., :1], bend), _tinted(lab, mean, goal)], axis=-1)
        return np.asarray(lab + (made - lab) * share, np.float32)

    made = np.where(mask[..., None] > 0, in_lab(colours, change), colours)
    apart = _mean_distance(made, mask, goal)
    return Recoloured(made, *apart)


def _mean(colours: Bytes, mask: Bytes) -> FloatArray:
    """The weighted mean Lab of what is masked, (3,)."""
    total, weight = np.zeros(3), 0.0
    for top in range(0, len(mask), 256):
        share = mask[top : top + 256, :, None].astype(np.float32)
        total += (rgb_to_lab(colours[top : top + 256]) * share).sum((0, 1))
        weight += float(share.sum())
    return np.asarray(total / max(weight, 1), np.float32)


def _tinted(lab: FloatArray, mean: FloatArray, goal: FloatArray) -> FloatArray:
    """New a* and b*, (h, w, 2)."""
    own, chroma = mean[1:], float(np.hypot(*mean[1:]))
    if chroma < _GREY:
        # White and black take no colour; what lies between takes most in the middle.
        light = (lab[..., :1] / 100).clip(0, 1)
        return np.asarray(goal[1:] * np.minimum(1, 5 * light * (1 - light)), np.float32)
    along = own / chroma
    amount = ((lab[..., 1:] @ along) / chroma).clip(0, _MOST)[..., None]
    aside = (lab[..., 1:] - amount * own) * _OWN_HUE
    return np.asarray(goal[1:] * amount + aside, np.float32)


def _bend(mean: float, goal: float, lightness: float) -> float:
    """The exponent that moves the mean lightness, 0..100, this far towards the goal."""
    start = min(max(mean / 100, 0.02), 0.98)
    end = min(max((mean + (goal - mean) * lightness) / 100, 0.02), 0.98)
    return float(np.log(end) / np.log(start))


def _lit(light: FloatArray, bend: float) -> FloatArray:
    return np.asarray(100 * (light / 100).clip(0, 1) ** np.float32(bend), np.float32)


def _mean_distance(colours: Bytes, mask: Bytes, goal: FloatArray) -> tuple[float, float]:
    total, hue, count = 0.0, 0.0, 0
    for top in range(0, len(mask), 256):
        chosen = mask[top : top + 256] >= 128
        apart = rgb_to_lab(colours[top : top + 256])[chosen] - goal
        total += float(np.sqrt((apart**2).sum(-1)).sum())
        hue += float(np.sqrt((apart[:, 1:] ** 2).sum(-1)).sum())
        count += len(apart)
    return total / max(count, 1), hue / max(count, 1)
