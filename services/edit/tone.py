"""Tone: brightness, contrast, saturation, temperature and sharpness, each -1..1, 0 = as it is.

brightness   a gamma curve, 2^-brightness on sRGB values: no clipping at either end
contrast     an S-curve around the middle: slope 1 + contrast (towards grey below 0)
saturation   distance from luma (ITU-R BT.709) times 1 + saturation
temperature  red and blue gains of ±18 %, towards warm above 0, luma kept
sharpness    above 0 an unsharp mask of that strength, below 0 a blur
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageEnhance, ImageFilter

_LUMA = (0.2126, 0.7152, 0.0722)
_GAIN = 0.18


def toned(
    pixels: Pillow.Image,
    *,
    brightness: float,
    contrast: float,
    saturation: float,
    temperature: float,
    sharpness: float,
) -> Pillow.Image:
    """Apply what is not zero, in that order. RGB or RGBA; alpha stays."""
    alpha = pixels.getchannel("A") if pixels.mode == "RGBA" else None
    rgb = pixels.convert("RGB") if alpha else pixels
    if brightness or contrast:
        rgb = rgb.point(_curve(brightness, contrast).tolist() * 3)
    if saturation:
        rgb = ImageEnhance.Color(rgb).enhance(1 + saturation)
    if temperature:
        rgb = _warmed(rgb, temperature)
    if sharpness > 0:
        rgb = rgb.filter(ImageFilter.UnsharpMask(1.6, round(160 * sharpness), 2))
    elif sharpness < 0:
        rgb = rgb.filter(ImageFilter.GaussianBlur(-3 * sharpness))
    if alpha:
        rgb.putalpha(alpha)
    return rgb


def _curve(brightness: float, contrast: float) -> npt.NDArray[np.uint8]:
    """The 256 output levels of brightness and contrast together: rounded once."""
    level = np.linspace(0, 1, 256) ** (2.0**-brightness)
    if contrast >= 0:
        s_shaped = level * level * (3 - 2 * level)  # smoothstep: slope 1.5 in the middle
        level = level + (s_shaped - level) * contrast * 2 * (1 - contrast / 2)
    else:
        level = 0.5 + (level - 0.5) * (1 + contrast)
    return np.asarray((level * 255 + 0.5).clip(0, 255), np.uint8)


def _warmed(rgb: Pillow.Image, temperature: float) -> Pillow.Image:
    red, blue = 1 + _GAIN * temperature, 1 - _GAIN * temperature
    keep = 1 / (_LUMA[0] * red + _LUMA[1] + _LUMA[2] * blue)
    levels = np.arange(256)
    tables = [(levels * gain * keep + 0.5).clip(0, 255).astype(int) for gain in (red, 1.0, blue)]
    return rgb.point([int(value) for table in tables for value in table])
