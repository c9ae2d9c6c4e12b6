"""Formats: which files we read, recognised by their first bytes.

A file's name and declared type prove nothing, so they are not asked. Only the plugins listed
here ever see uploaded bytes; the many others of Pillow are not a surface.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from studio.problems import NotAnImage


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that we read."""

    name: str
    media_type: str
    plugin: type[ImageFile]


# JpegImageFile itself, not Pillow's factory: a multi-picture JPEG (phones' depth maps and HDR gain
# maps) is to everybody the one photo that it shows.
JPEG = Format("JPEG", "image/jpeg", JpegImageFile)
PNG = Format("PNG", "image/png", PngImageFile)
WEBP = Format("WebP", "image/webp", WebPImageFile)
AVIF = Format("AVIF", "image/avif", AvifImageFile)
GIF = Format("GIF", "image/gif", GifImageFile)
TIFF = Format("TIFF", "image/tiff", TiffImageFile)
BMP = Format("BMP", "image/bmp", BmpImageFile)

ACCEPTED = (JPEG, PNG, WEBP, AVIF, GIF, TIFF, BMP)

_SIGNATURES = {
    b"\xff\xd8\xff": JPEG,
    b"\x89PNG\r\n\x1a\n": PNG,
    b"GIF87a": GIF,
    b"GIF89a": GIF,
    b"II*\0": TIFF,
    b"MM\0*": TIFF,
    b"II+\0": TIFF,  # BigTIFF
    b"MM\0+": TIFF,
}

# What people send that we cannot read, by its first bytes, so that the refusal can name it.
_FOREIGN = {
    b"8BPS": "a Photoshop document",
    b"%PDF": "a PDF",
    b"%!PS": "a PostScript file",
    b"\0\0\0\x0cJXL ": "a JPEG XL image",
    b"\xff\x0a": "a JPEG XL image",
    b"\0\0\0\x0cjP  ": "a JPEG 2000 image",
    b"\xff\x4f\xff\x51": "a JPEG 2000 image",
    b"\0\0\1\0": "a Windows icon",
    b"<svg": "an SVG drawing",
    b"<?xml": "an XML or SVG document",
    b"PK\3\4": "a ZIP archive or office document",
    b"\x1a\x45\xdf\xa3": "a video",
    b"FUJIFILMCCD-RAW": "a camera raw file",
    b"qoif": "a QOI image",
}

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_BMP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}  # sizes of all DIB headers there ever were


def recognise(data: bytes) -> Format:
    """The format of a file; NotAnImage (`image.format`, `image.not_an_image`) for all others."""
    for signature, form in _SIGNATURES.items():
        if data.startswith(signature):
            if form is TIFF and data[8:10] == b"CR":
                raise refused("a camera raw file")
            return form
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp":
        return _iso_media(data)
    # "BM" alone also begins plain text; the size of the second header settles it.
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return BMP
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    for signature, kind in _FOREIGN.items():
        if start.startswith(signature):
            raise refused(kind)
    raise NotAnImage(
        rule="image.not_an_image",
        says="The file is not an image: its first bytes belong to no image format.",
        fix=f"Send one of {in_words()}.",
        valid=[form.media_type for form in ACCEPTED],
    )


def refused(kind: str) -> NotAnImage:
    """The refusal of a file that we recognise but do not read. kind: with its article."""
    return NotAnImage(
        rule="image.format",
        says=f"The file is {kind}, which is not an accepted format.",
        fix=f"Convert it to one of {in_words()}.",
        valid=[form.media_type for form in ACCEPTED],
    )


def in_words() -> str:
    """The accepted formats, for a sentence."""
    *first, last = (form.name for form in ACCEPTED)
    return f"{', '.join(first)} or {last}"


def _iso_media(data: bytes) -> Format:
    """ISO base media files (ISO/IEC 14496-12): a box `ftyp` lists the brands that a file obeys."""
    length = min(int.from_bytes(data[:4], "big"), 256)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, length, 4))]
    if brands[0] in _AVIF_BRANDS or (
        brands[0] in {b"mif1", b"msf1"} and not _AVIF_BRANDS.isdisjoint(brands)
    ):
        return AVIF
    if not _HEIC_BRANDS.isdisjoint(brands):
        raise refused("a HEIC/HEIF image")
    raise refused("a video" if brands[0] != b"crx " else "a camera raw file")
