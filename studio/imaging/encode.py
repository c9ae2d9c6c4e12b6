"""Encode: pixels into a file that says nothing but the picture, and how it came to be.

EXIF, GPS and profiles are not written: the pixels are sRGB, which is what readers assume. The
DigitalSourceType of a generated picture is.
"""

from __future__ import annotations

import io
from typing import Any

from PIL import Image as Pillow

from studio.imaging.image import Image
from studio.imaging.provenance import xmp_packet
from studio.problems import Broken

#: Formats by media type, with their extensions.
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/avif": "avif"}

#: zlib's fastest level but one: on photos a third of level 6's time for about 4 % more bytes.
#: Masters are kept losslessly and read back once, so time counts for more.
_PNG_LEVEL = 2

Rgb = tuple[int, int, int]


def encode(
    image: Image,
    media_type: str = "image/png",
    *,
    quality: int | None = None,
    subsampling: str = "4:2:0",
    background: Rgb = (255, 255, 255),
) -> bytes:
    """The picture as a file.

    quality:     1..100 for JPEG (default 88), WebP (85) and AVIF (70); PNG is lossless.
    subsampling: "4:2:0" or "4:4:4", JPEG only.
    background:  what shows through where JPEG cannot keep transparency.
    """
    options = _options(media_type, quality, subsampling)
    pixels = image.pixels
    if media_type == "image/jpeg" and image.has_alpha:
        pixels = flattened(pixels, background)
    if image.source_type:
        packet = xmp_packet(image.source_type)
        options |= _png_xmp(packet) if media_type == "image/png" else {"xmp": packet}
    file = io.BytesIO()
    _bare(pixels).save(file, **options)
    return file.getvalue()


def thumbnail(image: Image, side: int = 512) -> bytes:
    """A WebP that fits into a square of `side` px; small pictures are not enlarged."""
    small = image.pixels.copy()
    small.thumbnail((side, side), Pillow.Resampling.LANCZOS, reducing_gap=3)
    return encode(Image(small, source_type=image.source_type), "image/webp", quality=80)


def flattened(pixels: Pillow.Image, background: Rgb) -> Pillow.Image:
    """RGBA on an opaque background."""
    ground = Pillow.new("RGBA", pixels.size, (*background, 255))
    return Pillow.alpha_composite(ground, pixels.convert("RGBA")).convert("RGB")


def _options(media_type: str, quality: int | None, subsampling: str) -> dict[str, Any]:
    match media_type:
        case "image/png":
            return {"format": "PNG", "compress_level": _PNG_LEVEL}
        case "image/jpeg":
            return {
                "format": "JPEG",
                "quality": quality or 88,
                "progressive": True,
                "optimize": True,
                "subsampling": subsampling,
            }
        case "image/webp":
            return {"format": "WEBP", "quality": quality or 85, "method": 4}
        case "image/avif":
            return {"format": "AVIF", "quality": quality or 70, "speed": 7}
    raise Broken(rule="image.encode", says=f"No encoder is known for {media_type}.")


def _png_xmp(packet: bytes) -> dict[str, Any]:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet.decode())
    return {"pnginfo": info}


def _bare(pixels: Pillow.Image) -> Pillow.Image:
    """The same pixels without what a file brought along (encoders would write it)."""
    if not pixels.info and not getattr(pixels, "_exif", None):
        return pixels
    bare = pixels.copy()
    bare.info = {}
    return bare
