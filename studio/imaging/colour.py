"""Colour: everything is sRGB (IEC 61966-2-1) inside; what arrives otherwise is converted."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageCms

FloatArray = npt.NDArray[np.float32]

_DIRECT = {"RGB", "RGBA", "CMYK", "L", "LAB"}  # modes that LittleCMS transforms as they are


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def to_srgb(pixels: Pillow.Image, profile: bytes | None) -> tuple[Pillow.Image, list[str]]:
    """Convert by the embedded ICC profile; also CMYK without one. Returns notes on what changed.

    Relative colorimetric with black point compensation: colours inside sRGB stay as they are.
    """
    alpha = None
    if pixels.has_transparency_data:
        pixels = pixels.convert("RGBA")
        alpha = pixels.getchannel("A")
    elif pixels.mode not in _DIRECT:
        pixels = pixels.convert("RGB")
    notes: list[str] = []
    converted = _by_profile(pixels, profile, notes) if profile else None
    if converted is None:
        if pixels.mode == "CMYK":
            notes.append("Converted from CMYK without a profile; colours are approximate.")
        converted = pixels if pixels.mode in ("RGB", "RGBA") else pixels.convert("RGB")
    if alpha is not None:
        converted = converted.convert("RGB")
        converted.putalpha(alpha)
    return converted, notes


def _by_profile(pixels: Pillow.Image, profile: bytes, notes: list[str]) -> Pillow.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(source).strip()
        if name.startswith("sRGB"):
            return None
        space = source.profile.xcolor_space.strip()
        expected = {"RGBA": "RGB", "L": "GRAY", "LAB": "Lab"}.get(pixels.mode, pixels.mode)
        if space == "RGB" and pixels.mode == "L":
            pixels, expected = pixels.convert("RGB"), "RGB"
        if space != expected:
            raise ImageCms.PyCMSError(f"a {space} profile on {expected} pixels")
        if pixels.mode == "RGBA":
            pixels = pixels.convert("RGB")
        converted = ImageCms.profileToProfile(
            pixels,
            source,
            _srgb(),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        notes.append("Its colour profile is damaged; taken as sRGB.")
        return None
    notes.append(f"Converted to sRGB from {name or 'its profile'}.")
    return converted


def parse_hex(text: str) -> tuple[int, int, int]:
    """ "#rrggbb" as three numbers 0..255. ValueError if it is not that."""
    if len(text) != 7 or text[0] != "#":
        raise ValueError("a colour is written #rrggbb")
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def linear(srgb: FloatArray) -> FloatArray:
    """sRGB 0..1 to linear light 0..1 (IEC 61966-2-1)."""
    low = srgb / np.float32(12.92)
    high = ((srgb + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(srgb <= 0.04045, low, high).astype(np.float32)


def relative_luminance(rgb: tuple[int, int, int]) -> float:
    """0 (black) .. 1 (white), WCAG 2.2."""
    red, green, blue = linear(np.asarray(rgb, np.float32) / np.float32(255))
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def contrast_ratio(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """1 (none) .. 21 (black on white), WCAG 2.2; text needs 4.5."""
    lighter, darker = sorted((relative_luminance(one), relative_luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
