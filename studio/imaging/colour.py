"""Colour: profiles into sRGB, and the colour arithmetic that operations share.

Everything downstream works in sRGB (IEC 61966-2-1), the colour space of the web.
"""

from __future__ import annotations

import re
from functools import lru_cache
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageCms

from studio.imaging.image import FloatArray
from studio.problems import Refused

RGB = tuple[int, int, int]

# The modes whose pixels a profile of a colour space can describe. A grey picture may carry the
# RGB profile of the document that it came from.
_DESCRIBES = {
    "RGB": {"RGB": "RGB", "L": "RGB"},
    "GRAY": {"L": "L"},
    "CMYK": {"CMYK": "CMYK"},
    "Lab": {"LAB": "LAB"},
}

# sRGB to XYZ under D65, and D65 itself: IEC 61966-2-1, as tabulated by Lindbloom.
_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ],
    np.float32,
)
_D65 = _TO_XYZ.sum(axis=1)


@lru_cache(maxsize=1)
def srgb_icc() -> bytes:
    """The sRGB profile as ICC bytes, the same on every machine and day."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # Bytes 24..35 of an ICC header are its creation time (ICC.1:2022, 7.2.8). Left in, encoding one
    # picture twice would give two blobs.
    profile[24:36] = bytes.fromhex("07E80001 00010000 00000000")
    return _without_last_tag(profile, b"chrm")


def _without_last_tag(profile: bytearray, name: bytes) -> bytes:
    """A profile without the tag that ends both its table and its data, if that is the named one.

    Every file carries the profile, and `chrm` only repeats the primaries (ICC.1:2022, 9.2.16).
    """
    count = int.from_bytes(profile[128:132], "big")
    entry = 132 + 12 * (count - 1)
    offset = int.from_bytes(profile[entry + 4 : entry + 8], "big")
    if profile[entry : entry + 4] != name or offset != max(_offsets(profile, count)):
        return bytes(profile)
    del profile[offset:], profile[entry : entry + 12]
    for index, old in enumerate(_offsets(profile, count - 1)):
        at = 136 + 12 * index
        profile[at : at + 4] = (old - 12).to_bytes(4, "big")
    profile[128:132] = (count - 1).to_bytes(4, "big")
    profile[0:4] = len(profile).to_bytes(4, "big")
    return bytes(profile)


def _offsets(profile: bytearray, count: int) -> list[int]:
    """Where the data of each tag begins (7.3.4)."""
    ends = range(136, 136 + 12 * count, 12)
    return [int.from_bytes(profile[at : at + 4], "big") for at in ends]


def to_srgb(image: Pillow.Image, icc: bytes | None) -> tuple[Pillow.Image, str | None]:
    """Convert pixels without alpha to sRGB.

    image: mode L, RGB, CMYK or LAB.
    icc:   the profile that its pixels are in, if it came with one.
    Returns mode RGB, and a note for people if colours were changed or had to be guessed.
    """
    if icc:
        try:
            return _through_profile(image, icc)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError):
            note = "The embedded colour profile is broken or of another kind of picture; ignored."
            return in_rgb(image), note
    if image.mode == "CMYK":
        return image.convert("RGB"), "CMYK without a colour profile: colours are approximate."
    return in_rgb(image), None


def in_rgb(image: Pillow.Image) -> Pillow.Image:
    """The picture in mode RGB: itself if it is (`convert` would copy it)."""
    return image if image.mode == "RGB" else image.convert("RGB")


def _through_profile(image: Pillow.Image, icc: bytes) -> tuple[Pillow.Image, str | None]:
    """Relative colorimetric with black point compensation: in-gamut colours stay what they are."""
    profile = ImageCms.ImageCmsProfile(BytesIO(icc))
    mode = _DESCRIBES[profile.profile.xcolor_space.strip()][image.mode]
    if mode in ("L", "RGB") and _is_srgb(icc, mode):
        return in_rgb(image), None
    transform = _transform(profile, mode)
    name = " ".join((profile.profile.profile_description or "unnamed").split())[:60]
    converted = transform.apply(image if image.mode == mode else image.convert(mode))
    return converted, f"Converted from the embedded colour profile “{name}” to sRGB."


def _transform(profile: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        profile,
        ImageCms.ImageCmsProfile(BytesIO(srgb_icc())),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


@lru_cache(maxsize=8)  # most pictures come with one of a few profiles, our own files with one
def _is_srgb(icc: bytes, mode: str) -> bool:
    """Whether the profile is sRGB in effect: then pixels stay exact instead of moving by rounding.

    Probed with a 9×9×9 grid of the cube and all greys.
    """
    transform = _transform(ImageCms.ImageCmsProfile(BytesIO(icc)), mode)
    grey = np.arange(256, dtype=np.uint8)
    if mode == "L":
        probe = Pillow.fromarray(grey[None])
    else:
        steps = np.linspace(0, 255, 9).astype(np.uint8)
        cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
        probe = Pillow.fromarray(np.concatenate([cube, np.stack([grey] * 3, axis=1)])[None])
    before = np.asarray(probe.convert("RGB"), np.int16)
    after = np.asarray(transform.apply(probe), np.int16)
    return bool(np.abs(after - before).max() <= 1)


def parse_hex(text: str) -> RGB:
    """“#rrggbb” as (red, green, blue), each 0..255. Refused (`colour.hex`) for anything else."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise Refused(
            rule="colour.hex",
            says=f"“{text[:40]}” is not a colour.",
            fix="Write it as # and six hexadecimal digits, red, green, blue: #1a2b3c.",
        )
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def to_hex(colour: RGB) -> str:
    """(red, green, blue), each 0..255, as “#rrggbb”."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def srgb_to_linear(srgb: npt.ArrayLike) -> FloatArray:
    """Light intensity from sRGB values, both 0..1, any shape (IEC 61966-2-1)."""
    value = np.asarray(srgb, np.float32)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def linear_to_srgb(linear: npt.ArrayLike) -> FloatArray:
    """sRGB values from light intensity, both 0..1, any shape; the inverse of `srgb_to_linear`."""
    value = np.asarray(linear, np.float32).clip(0, 1)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055).astype(
        np.float32
    )


def srgb_to_lab(srgb: npt.ArrayLike) -> FloatArray:
    """CIE L*a*b* under D65 from sRGB.

    srgb: (..., 3), 0..255.
    Returns (..., 3) float32: L* 0..100, a* and b* about -110..110. The Euclidean distance
    of two colours is CIE76 ΔE; 2.3 is just noticeable (Mahy et al., 1994).
    """
    xyz = srgb_to_linear(np.asarray(srgb, np.float32) / 255) @ _TO_XYZ.T / _D65
    # CIE 15:2004 with the exact fractions: ε = (6/29)³, κ/116 = (29/6)²/3.
    bent = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * ((29 / 6) ** 2 / 3) + 4 / 29)
    x, y, z = bent[..., 0], bent[..., 1], bent[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def relative_luminance(srgb: npt.ArrayLike) -> FloatArray:
    """WCAG 2.2 relative luminance, 0 (black) .. 1 (white), of sRGB (..., 3), 0..255."""
    linear = srgb_to_linear(np.asarray(srgb, np.float32) / 255)
    weights = np.array([0.2126, 0.7152, 0.0722], np.float32)
    return np.asarray(linear @ weights, np.float32)


def contrast_ratio(one: RGB, other: RGB) -> float:
    """WCAG 2.2 contrast ratio of two colours, 1..21; text is legible from 4.5, large from 3."""
    darker, lighter = sorted((float(relative_luminance(one)), float(relative_luminance(other))))
    return (lighter + 0.05) / (darker + 0.05)
