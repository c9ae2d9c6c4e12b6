"""Decode: bytes from anywhere into an upright sRGB picture, or a reason why not.

The size is checked against the limits before any pixel is decoded, so a decompression bomb costs
a header. Whatever had to be changed is noted.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from studio.imaging.colour import to_srgb
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.imaging.provenance import source_type_in
from studio.problems import NotAnImage, Refused, TooLarge

#: Pillow's name of each format that we read, and its media type.
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # a JPEG with further pictures behind it, as phones write
    "PNG": "image/png",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
}

_READ = [name for name in MEDIA_TYPES if name != "MPO"]  # Pillow's JPEG reader finds these

_ORIENTATION = 0x0112  # EXIF tag
_TRANSPOSING = {5, 6, 7, 8}  # orientations that swap width and height
_16_BIT = {"I;16", "I;16L", "I;16B", "I;16N", "I"}


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What is too much for one picture."""

    max_bytes: int = 64 * 1024 * 1024
    max_pixels: int = 100_000_000
    max_side: int = 30_000


DEFAULT_LIMITS = DecodeLimits()


def inspect(data: bytes, limits: DecodeLimits = DEFAULT_LIMITS) -> ImageFacts:
    """Size and kind from the header alone, orientation applied. Refused as in `decode`."""
    with _opened(data, limits) as picture:
        width, height = picture.size
        if picture.getexif().get(_ORIENTATION, 1) in _TRANSPOSING:
            width, height = height, width
        return ImageFacts(
            width=width,
            height=height,
            media_type=MEDIA_TYPES[picture.format or ""],
            alpha=picture.has_transparency_data,
        )


def decode(data: bytes, limits: DecodeLimits = DEFAULT_LIMITS) -> Image:
    """Read a picture: first frame, upright, sRGB, 8 bits, RGB or RGBA.

    Refused (`image.empty`, `image.not_an_image`, `image.truncated`), NotAnImage
    (`image.format`), TooLarge (`image.max_bytes`, `image.max_pixels`, `image.max_side`).
    """
    with _opened(data, limits) as picture:
        notes = []
        if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
            notes.append(f"It has {picture.n_frames} frames; the first is used.")  # type: ignore[attr-defined]
        pixels = _loaded(picture)
        source_type = source_type_in(_xmp(picture))
        profile = picture.info.get("icc_profile")
        orientation = picture.getexif().get(_ORIENTATION, 1)
    pixels = _upright(pixels, orientation, notes)
    pixels = _eight_bits(pixels, notes)
    pixels, changed = to_srgb(pixels, profile)
    notes += changed
    return Image(_plain(pixels), tuple(notes), source_type)


@contextmanager
def _opened(data: bytes, limits: DecodeLimits) -> Iterator[Pillow.Image]:
    """The picture with its header read and its size allowed."""
    if not data:
        raise Refused(rule="image.empty", says="The file has no bytes.", fix="Send the picture.")
    if len(data) > limits.max_bytes:
        raise TooLarge(
            rule="image.max_bytes",
            says=f"The file has {len(data):,} bytes; at most {limits.max_bytes:,} are accepted.",
            fix="Compress it or make it smaller.",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limits follow, and they are errors
            Pillow.init()  # registers every format; Pillow does it once
            picture = Pillow.open(io.BytesIO(data), formats=_READ)
    except UnidentifiedImageError:
        raise NotAnImage(
            rule="image.format",
            says="The bytes are not a picture in a format that is read here.",
            fix="Send one of the valid formats.",
            valid=sorted(set(MEDIA_TYPES.values())),
        ) from None
    except Exception as error:  # decoders raise whatever they like on damaged headers
        raise _damaged(error) from error
    with picture:
        _check_size(picture, limits)
        yield picture


def _check_size(picture: Pillow.Image, limits: DecodeLimits) -> None:
    width, height = picture.size
    if max(width, height) > limits.max_side:
        raise TooLarge(
            rule="image.max_side",
            says=f"The picture is {width:,}×{height:,} px; a side has at most "
            f"{limits.max_side:,} px.",
            fix="Make it smaller.",
        )
    if width * height > limits.max_pixels:
        raise TooLarge(
            rule="image.max_pixels",
            says=f"The picture has {width * height:,} pixels; at most {limits.max_pixels:,} "
            "are accepted.",
            fix="Make it smaller.",
        )


def _loaded(picture: Pillow.Image) -> Pillow.Image:
    try:
        picture.seek(0)
        picture.load()
        return picture.copy()
    except Exception as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> Refused:
    if isinstance(error, MemoryError):
        raise error
    return Refused(
        rule="image.truncated",
        says="The picture is damaged or cut off; not all of it can be read.",
        fix="Export or upload it again.",
    )


def _xmp(picture: Pillow.Image) -> bytes:
    packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    return packet.encode() if isinstance(packet, str) else bytes(packet)


def _upright(pixels: Pillow.Image, orientation: int, notes: list[str]) -> Pillow.Image:
    if orientation not in range(2, 9):
        return pixels
    notes.append("Turned upright as its EXIF orientation says.")
    return ImageOps.exif_transpose(pixels)


def _eight_bits(pixels: Pillow.Image, notes: list[str]) -> Pillow.Image:
    """16-bit and float pictures scaled to 8 bits, rounded; Pillow's own conversion clips."""
    if pixels.mode in _16_BIT:
        notes.append("Reduced from 16 to 8 bits a channel.")
        values = np.asarray(pixels, np.float32).clip(0, 65_535)
        return Pillow.fromarray((values / 257 + 0.5).astype(np.uint8))
    if pixels.mode == "F":
        notes.append("Reduced from floating point to 8 bits a channel.")
        values = np.nan_to_num(np.asarray(pixels, np.float32))
        top = max(float(values.max()), 1e-6)
        scale = 255 / top if top <= 1 or top > 255 else 1
        return Pillow.fromarray((values.clip(0) * scale + 0.5).clip(0, 255).astype(np.uint8))
    return pixels


def _plain(pixels: Pillow.Image) -> Pillow.Image:
    """RGB, or RGBA if any pixel is not opaque."""
    if not pixels.has_transparency_data:
        return pixels.convert("RGB")
    pixels = pixels.convert("RGBA")
    low, _ = pixels.getchannel("A").getextrema()
    return pixels.convert("RGB") if low == 255 else pixels
