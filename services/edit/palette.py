"""Palette: every colour a little nearer to the brand's, and tones from black to white."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image as Pillow

from services.edit.colours import Bytes, in_lab
from studio.imaging.colour import RGB, srgb_to_lab
from studio.imaging.image import FloatArray

_REACH = 18.0  # ΔE within which several palette colours share a pixel, so that no borders appear
_LIGHTNESS = 0.5  # of its weight when nearness is judged
_HUE_MOVES, _LIGHT_MOVES = 0.8, 0.25  # of the way, at full strength
_NEUTRAL = 14.0  # chroma below which a pixel is grey and mostly stays so
_TAIL = 0.5  # per cent at either end that may become black or white
_MOST_GAIN = 3.0  # of contrast: more would show noise
_SAMPLE = 512  # px, the side at which tones are counted


def matched(pixels: Pillow.Image, palette: list[RGB], strength: float) -> Pillow.Image:
    """Move each colour gently towards the nearest of a palette, in CIE L*a*b*.

    pixels: RGB or RGBA, alpha stays. strength: 0..1. Hues move most, lightness a quarter as far,
    greys hardly: a picture in brand colours, not a poster of them.
    """
    goals = srgb_to_lab(np.array(palette))
    weight = np.array([_LIGHTNESS, 1, 1], np.float32)

    def change(lab: FloatArray, rows: slice) -> FloatArray:
        del rows
        apart = np.stack([(((lab - goal) * weight) ** 2).sum(-1) for goal in goals])
        share = np.exp((apart.min(axis=0) - apart) / (2 * _REACH**2))
        share /= share.sum(axis=0)
        goal = np.einsum("phw,pc->hwc", share, goals)
        chroma = np.hypot(lab[..., 1], lab[..., 2])[..., None]
        colourful = np.minimum(1, chroma / _NEUTRAL)
        moves = np.array([_LIGHT_MOVES, _HUE_MOVES, _HUE_MOVES], np.float32)
        return np.asarray(lab + (goal - lab) * moves * colourful * np.float32(strength), np.float32)

    return _with_alpha_of(pixels, colours=in_lab(np.asarray(pixels.convert("RGB")), change))


def stretched(pixels: Pillow.Image, strength: float) -> Pillow.Image:
    """Stretch lightness so that the darkest half per cent is black and the lightest white.

    pixels: RGB or RGBA; what is clear is not counted, alpha stays. strength: 0..1. Contrast grows
    threefold at most; hues stay.
    """
    low, high = _tones(pixels)
    gain = min(_MOST_GAIN, 100 / max(high - low, 1.0))
    middle = (low + high) / 2
    # Where contrast is at its most, the mean stays as light as it was.
    to = 50.0 if gain < _MOST_GAIN else middle

    def change(lab: FloatArray, rows: slice) -> FloatArray:
        del rows
        made = lab.copy()
        light = ((lab[..., 0] - middle) * gain + to).clip(0, 100)
        made[..., 0] += (light - lab[..., 0]) * np.float32(strength)
        return made

    return _with_alpha_of(pixels, colours=in_lab(np.asarray(pixels.convert("RGB")), change))


def _tones(pixels: Pillow.Image) -> tuple[float, float]:
    """The lightness, 0..100, of the darkest and the lightest half per cent that can be seen."""
    small = pixels.copy()
    small.thumbnail((_SAMPLE, _SAMPLE), Pillow.Resampling.BOX)
    light = cv2.cvtColor(np.asarray(small.convert("RGB"), np.float32) / 255, cv2.COLOR_RGB2Lab)
    seen = light[..., 0]
    if pixels.mode == "RGBA":
        seen = seen[np.asarray(small.getchannel("A")) > 127]
    if not seen.size:
        return 0.0, 100.0
    low, high = np.percentile(seen, (_TAIL, 100 - _TAIL))
    return float(low), float(high)


def _with_alpha_of(pixels: Pillow.Image, *, colours: Bytes) -> Pillow.Image:
    made = Pillow.fromarray(colours)
    if pixels.mode == "RGBA":
        made.putalpha(pixels.getchannel("A"))
    return made
