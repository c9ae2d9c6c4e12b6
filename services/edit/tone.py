"""Tone: brightness, contrast, temperature, saturation and sharpness, each -1..1, 0 = as it is.

Applied in this order, to sRGB values 0..1:

brightness   v^(2^-brightness), a gamma curve: black and white stay, nothing clips
contrast     above 0 towards the S-curve 3v² - 2v³ (smoothstep); the slope in the middle is
             1 + c - c²/2. Below 0 towards middle grey: slope 1 + c
temperature  red × (1 + 0.18 t), blue × (1 - 0.18 t), then all three scaled so that the luma of grey
             stays. sRGB is nearly a power law, so this is a white balance in light, ±43 %
saturation   luma + (1 + s)(v - luma), luma as in ITU-R BT.709
sharpness    above 0 an unsharp mask of 1.6 s, below 0 a blur; colours of clear pixels stay out

The first three are one table per channel, rounded once. No copy is wider than 8 bits a channel.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageFilter

_LUMA = (0.2126, 0.7152, 0.0722)
_GAIN = 0.18
_FINE = 1.6  # px, σ of the unsharp mask
_SOFTEST = 3.0  # px, σ of the blur at -1


def toned(
    pixels: Pillow.Image,
    *,
    brightness: float,
    contrast: float,
    temperature: float,
    saturation: float,
    sharpness: float,
) -> Pillow.Image:
    """Apply what is not zero. RGB or RGBA; alpha stays exactly."""
    rgb = pixels.convert("RGB")
    if brightness or contrast or temperature:
        rgb = rgb.point(_tables(brightness, contrast, temperature))
    if saturation:
        rgb = rgb.convert("RGB", _saturating(1 + saturation))
    if pixels.mode == "RGBA":
        rgb.putalpha(pixels.getchannel("A"))
    return _sharpened(rgb, sharpness) if sharpness else rgb


def _tables(brightness: float, contrast: float, temperature: float) -> list[int]:
    """256 output levels for red, green and blue."""
    level = _contrasted(np.linspace(0, 1, 256) ** (2.0**-brightness), contrast)
    red, blue = 1 + _GAIN * temperature, 1 - _GAIN * temperature
    keep = 1 / (_LUMA[0] * red + _LUMA[1] + _LUMA[2] * blue)
    gains = np.array([red, 1.0, blue])[:, None] * keep
    rounded = (level[None] * gains * 255 + 0.5).clip(0, 255).astype(int)
    return [int(value) for value in rounded.ravel()]


def _contrasted(level: npt.NDArray[np.float64], contrast: float) -> npt.NDArray[np.float64]:
    if contrast < 0:
        return 0.5 + (level - 0.5) * (1 + contrast)
    s_shaped = level * level * (3 - 2 * level)
    return level + (s_shaped - level) * contrast * (2 - contrast)


def _saturating(amount: float) -> tuple[float, ...]:
    """The 3×4 matrix that scales the distance from luma."""
    rows = np.zeros((3, 4))
    rows[:, :3] = np.array(_LUMA) * (1 - amount) + np.eye(3) * amount
    return tuple(float(value) for value in rows.ravel())


def _sharpened(pixels: Pillow.Image, sharpness: float) -> Pillow.Image:
    radius = _FINE if sharpness > 0 else -_SOFTEST * sharpness
    # RGBa is premultiplied: what is clear weighs nothing, whatever colour hides there.
    premultiplied = pixels.convert("RGBa") if pixels.mode == "RGBA" else pixels
    soft = premultiplied.filter(ImageFilter.GaussianBlur(radius)).convert(pixels.mode)
    if sharpness > 0:
        made = Pillow.blend(soft.convert("RGB"), pixels.convert("RGB"), 1 + 1.6 * sharpness)
    else:
        made = soft.convert("RGB")
    if pixels.mode == "RGBA":
        made.putalpha(pixels.getchannel("A"))
    return made
