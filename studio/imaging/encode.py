"""Encode: an `Image` into the bytes of a file, with nothing in it that nobody asked for.

No EXIF, no GPS, no comments survive: the pixels are upright sRGB and the only statement kept is
the IPTC Digital Source Type. The same image and settings give the same bytes, so a repeated
step stores the same blob.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, Literal

from PIL import Image as Pillow

from studio.imaging.colour import RGB, srgb_icc
from studio.imaging.image import Image
from studio.imaging.png import write_png
from studio.imaging.provenance import xmp_packet
from studio.imaging.shrink import shrunk
from studio.problems import Refused

Subsampling = Literal["4:4:4", "4:2:2", "4:2:0"]
Effort = Literal["none", "fast", "balanced", "small"]

#: What most photos need to look clean; each format has its own scale.
DEFAULT_QUALITY = {"image/jpeg": 85, "image/webp": 82, "image/avif": 60}

#: The longest side that each format can hold, px (libjpeg's JPEG_MAX_DIMENSION, WebP's 14 bits,
#: AV1's 16 bits; PNG's 31 bits are beyond what we decode).
MAX_SIDE = {
    "image/png": 2**31 - 1,
    "image/jpeg": 65_500,
    "image/webp": 16_383,
    "image/avif": 65_535,
}

#: What each effort means to an encoder: libwebp's method, libavif's speed, libdeflate's level (for
#: photographs, and for flat art).
_WEBP_METHOD = {"none": 0, "fast": 1, "balanced": 2, "small": 4}
_AVIF_SPEED = {"none": 10, "fast": 9, "balanced": 8, "small": 6}
_PNG_LEVEL = {"none": 0, "fast": 1, "balanced": 1, "small": 9}
_PNG_FLAT_LEVEL = {"none": 0, "fast": 1, "balanced": 6, "small": 12}

WHITE: RGB = (255, 255, 255)


def encode(
    image: Image,
    media_type: str = "image/png",
    quality: int | None = None,
    *,
    background: RGB = WHITE,
    subsampling: Subsampling = "4:2:0",
    lossless: bool = False,
    effort: Effort = "fast",
    progressive: bool = True,
) -> bytes:
    """The bytes of a file. CPU work: call it through `compute`.

    media_type:  image/png (lossless), image/jpeg, image/webp or image/avif.
    quality:     1..100 for the lossy formats (each its own scale; DEFAULT_QUALITY if None);
                 PNG and lossless WebP have none and ignore it.
    background:  what shows through transparency in JPEG, which has none.
    subsampling: of chroma in JPEG and AVIF; 4:4:4 keeps coloured text and edges crisp.
    lossless:    exact pixels in WebP (also under full transparency).
    effort:      how long to look for a smaller file of the same quality; from "balanced" on, PNG
                 looks for a palette, and "small" computes JPEG's Huffman tables (1.5 % smaller
                 for twice the time); "none" stores.
    progressive: JPEG that sharpens while it loads, and is smaller, for five times the time.
    Raises Refused (encode.format, encode.quality, encode.too_long).
    """
    _check(image, media_type, quality)
    quality = DEFAULT_QUALITY.get(media_type) if quality is None else quality
    xmp = xmp_packet(image.source_type) if image.source_type else b""
    match media_type:
        case "image/png":
            looks = effort in ("balanced", "small")
            level, flat = _PNG_LEVEL[effort], _PNG_FLAT_LEVEL[effort]
            return write_png(image.pixels, level, flat_level=flat, xmp=xmp, palette=looks)
        case "image/jpeg":
            settings: dict[str, Any] = {"quality": quality, "subsampling": subsampling}
            settings |= {"progressive": True} if progressive else {}
            settings |= {"optimize": True} if progressive or effort == "small" else {}
            return _jpeg(image.flattened(background), xmp, settings)
        case "image/webp":
            how = {"lossless": True, "exact": True} if lossless else {"quality": quality}
            return _written(image.pixels, "WEBP", method=_WEBP_METHOD[effort], xmp=xmp, **how)
        case _:
            # max_threads: the number of CPUs must not decide over the bytes.
            return _written(
                image.pixels,
                "AVIF",
                quality=quality,
                subsampling=subsampling,
                speed=_AVIF_SPEED[effort],
                max_threads=1,
                xmp=xmp,
            )


def thumbnail(image: Image, side: int) -> bytes:
    """A small WebP that fits a square of `side` px, ratio kept; never larger than the image."""
    small = shrunk(image.pixels, side, Pillow.Resampling.LANCZOS, gap=3.0)
    return encode(image.with_pixels(small), "image/webp")


def _check(image: Image, media_type: str, quality: int | None) -> None:
    if media_type not in MAX_SIDE:
        raise Refused(
            rule="encode.format",
            says=f"“{media_type[:40]}” is not a format that we write.",
            fix=f"Choose one of {', '.join(MAX_SIDE)}.",
            valid=list(MAX_SIDE),
        )
    if quality is not None and not 1 <= quality <= 100:
        raise Refused(
            rule="encode.quality",
            says=f"Quality {quality} is outside 1 to 100.",
            fix="Choose a quality from 1 (smallest file) to 100 (finest).",
        )
    if max(image.width, image.height) > MAX_SIDE[media_type]:
        raise Refused(
            rule="encode.too_long",
            says=f"{media_type} holds at most {MAX_SIDE[media_type]:,} px a side; this image is "
            f"{image.width:,} × {image.height:,}.",
            fix="Scale it down, or choose image/png.",
        )


def _jpeg(pixels: Pillow.Image, xmp: bytes, settings: dict[str, Any]) -> bytes:
    about: dict[str, Any] = {"icc_profile": srgb_icc()} | ({"xmp": xmp} if xmp else {})
    try:
        return _written(pixels, "JPEG", **settings, **about)
    except OSError:
        # A progressive file must fit Pillow's estimate of its size (1 or 2 bytes a pixel), which
        # fine noise exceeds; a baseline file is written piece by piece.
        plain = {name: settings[name] for name in ("quality", "subsampling")}
        return _written(pixels, "JPEG", **plain, **about)


def _written(pixels: Pillow.Image, form: str, **settings: Any) -> bytes:
    if pixels.info:  # where Pillow would find a profile or comment to copy
        pixels = pixels.copy()
        pixels.info = {}
    file = BytesIO()
    pixels.save(file, form, **settings)
    return file.getvalue()
