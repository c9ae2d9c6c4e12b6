"""Palette: every colour a little nearer to the brand's, and tones from black to white."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image as Pillow

from services.edit.colours import Bytes, in_lab, rgb_to_lab
from studio.imaging.colour import RGB, srgb_to_lab
from studio.imaging.image import FloatArray
from studio.imaging.shrink import shrunk

# Which palette colour a pixel goes to is judged by its hue above all: light and shadow change
# lightness and chroma of one surface, and must not break it in two.
_HUES = 60.0  # two opposite, full hues are twice so far apart
_FULL = 12.0  # chroma at which a hue counts half; greys have none
_LIGHTNESS = 0.25  # of its weight when nearness is judged
_SOFT = 18.0  # within which several palette colours share a pixel, so that no borders appear
_CALM, _GRAIN = 6, 6.0  # px around, and ΔE: what is finer and fainter has no say

_HUE_MOVES, _LIGHT_MOVES = 0.8, 0.2  # of the way, at full strength
_NEUTRAL = 14.0  # chroma below which a pixel is grey and mostly stays so
_MOST_CHROMA = 1.6  # times its own, and
_SOME_CHROMA = 6.0  # more: surfaces keep their play of colour
_TAIL = 0.5  # per cent at either end that may become black or white
_MOST_GAIN = 3.0  # of contrast: more would show noise
_SAMPLE = 512  # px, the side at which tones are counted


def matched(pixels: Pillow.Image, palette: list[RGB], strength: float) -> Pillow.Image:
    """Move each colour gently towards the nearest of a palette, in CIE L*a*b*.

    pixels: RGB or RGBA, alpha stays. strength: 0..1. Hues move most, lightness a fifth as far,
    greys hardly: a picture in brand colours, not a poster of them. Gradients stay gradients: every
    pixel goes to a mean of the palette by nearness, judged without grain (guided filter: He, Sun &
    Tang, “Guided image filtering”, ECCV 2010).
    """
    goals = srgb_to_lab(np.array(palette))
    colours = np.asarray(pixels.convert("RGB"))

    def change(lab: FloatArray, rows: slice) -> FloatArray:
        share = _shares(_calm(colours, rows), goals)
        goal = np.asarray(share @ goals, np.float32)
        chroma = np.hypot(lab[..., 1], lab[..., 2])[..., None]
        reached = np.hypot(goal[..., 1], goal[..., 2])[..., None]
        most = _MOST_CHROMA * chroma + _SOME_CHROMA
        goal[..., 1:] *= np.minimum(1, most / np.maximum(reached, 1e-3))
        colourful = np.minimum(1, chroma / _NEUTRAL)
        moves = np.array([_LIGHT_MOVES, _HUE_MOVES, _HUE_MOVES], np.float32)
        return np.asarray(lab + (goal - lab) * moves * colourful * np.float32(strength), np.float32)

    return _with_alpha_of(pixels, colours=in_lab(colours, change))


def _calm(colours: Bytes, rows: slice) -> FloatArray:
    """Some rows in Lab without their grain; edges stay where they are."""
    top = max(0, rows.start - 2 * _CALM)
    part = rgb_to_lab(colours[top : rows.stop + 2 * _CALM])
    mean = _around(part)
    spread = (_around(part * part) - mean * mean).max(axis=-1, keepdims=True)
    edge = spread / (spread + np.float32(_GRAIN**2))
    calm = _around(edge) * part + _around(mean * (1 - edge))
    return np.asarray(calm[rows.start - top :][: len(colours[rows])], np.float32)


def _around(values: FloatArray) -> FloatArray:
    """The mean of every place's surroundings."""
    side = 2 * _CALM + 1
    return np.asarray(cv2.blur(values, (side, side)), np.float32).reshape(values.shape)


def _shares(lab: FloatArray, goals: FloatArray) -> FloatArray:
    """How much each of p palette colours has of every pixel, (h, w, p); 1 in all."""
    seen, known = _nearness_features(lab), _nearness_features(goals)
    apart = np.stack([np.sqrt(((seen - one) ** 2).sum(-1)) for one in known], axis=-1)
    share = np.exp((apart.min(axis=-1, keepdims=True) - apart) / np.float32(_SOFT))
    return np.asarray(share / share.sum(axis=-1, keepdims=True), np.float32)


def _nearness_features(lab: FloatArray) -> FloatArray:
    """Lab values as what nearness is judged by: hue, where there is any, and a little lightness."""
    chroma = np.hypot(lab[..., 1:2], lab[..., 2:])
    hue = lab[..., 1:] * (np.float32(_HUES) / (chroma + _FULL))
    return np.concatenate([lab[..., :1] * np.float32(_LIGHTNESS), hue], axis=-1)


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
    small = shrunk(pixels, _SAMPLE)
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
