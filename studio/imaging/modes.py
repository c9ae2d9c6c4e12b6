"""Modes: whatever way a file stores its pixels, made 8-bit RGB or RGBA in sRGB."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from studio.imaging.colour import in_rgb, to_srgb

# 16 bits to 8 by scaling and rounding, as a table: fast, and no wide copy of a large picture.
_SIXTEEN_TO_EIGHT = ((np.arange(65_536, dtype=np.uint32) * 255 + 32_767) // 65_535).astype(np.uint8)

_GREY = {"1", "L", "LA", "La"}


def normalised(image: Pillow.Image) -> tuple[Pillow.Image, list[str]]:
    """Loaded pixels of any mode, with the `info` of their file, as plain sRGB pixels.

    Returns a picture without `info`, RGBA if some pixel is not opaque and RGB otherwise (straight
    alpha), and notes for people on what had to be changed or guessed. Where nothing had to be, it
    is the very picture that was given: a second copy of a large one would double the memory.
    """
    notes: list[str] = []
    icc = image.info.get("icc_profile")
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        image, note = _eight_bits(image)
        notes += note
    if image.mode == "RGBA" and not icc and image.getchannel("A").getextrema() != (255, 255):
        image.info = {}
        return image, notes
    alpha, colours = _parted(image)
    rgb, remark = to_srgb(colours, icc)
    if remark:
        notes.append(remark)
    if alpha is not None:
        rgb.putalpha(alpha)
    rgb.info = {}  # Pillow writes what it finds there (profile, EXIF, XMP) into the next file
    return rgb, notes


def _parted(image: Pillow.Image) -> tuple[Pillow.Image | None, Pillow.Image]:
    """Alpha (mode L; None if all is opaque) and the colours as L, RGB, CMYK or LAB."""
    grey = image.mode in _GREY
    alpha = None
    if image.has_transparency_data:
        image = _with_alpha(image)
        alpha = image.getchannel("A")
        if alpha.getextrema() == (255, 255):
            alpha = None
    if grey:
        return alpha, image.convert("L")
    return alpha, image if image.mode in ("CMYK", "LAB") else in_rgb(image)


def _with_alpha(image: Pillow.Image) -> Pillow.Image:
    clear = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(clear, tuple) and max(clear) > 255:
        # The clear colour of a 16-bit PNG, whose pixels Pillow has already brought to 8 bits.
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    return image.convert("RGBA")


def _eight_bits(image: Pillow.Image) -> tuple[Pillow.Image, list[str]]:
    """Grey pixels of 16 or 32 bits or floats as L, or LA where one value means clear."""
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        clear = image.info.get("transparency")
        scaled = Pillow.fromarray(_SIXTEEN_TO_EIGHT[values])
        if clear is not None:
            scaled.putalpha(Pillow.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
        return scaled, []
    scaled = Pillow.fromarray(_stretched(np.nan_to_num(values.astype(np.float32), copy=False)))
    return scaled, ["Pixels without a known white: stretched from darkest to brightest."]


def _stretched(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Minimum to 0, maximum to 255: what viewers of scientific images do. All equal: black."""
    low, high = float(values.min()), float(values.max())
    scale = 255 / (high - low) if high > low else 0.0
    return ((values - low) * scale + 0.5).astype(np.uint8)
