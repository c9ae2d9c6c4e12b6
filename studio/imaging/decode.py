"""Decode: any bytes into an `Image`, or into a sentence that says why not.

What strangers upload is hostile until read: sizes are checked before pixels are, only known
formats are opened, and whatever a parser throws becomes a `Refused` with a rule. What had to be
changed on the way (orientation, colours, animation) is noted in `Image.notes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from PIL import ExifTags
from PIL import Image as Pillow
from PIL.ImageFile import ImageFile

from studio.imaging import formats
from studio.imaging.facts import ImageFacts
from studio.imaging.formats import Format, recognise
from studio.imaging.image import Image
from studio.imaging.modes import normalised
from studio.imaging.provenance import source_type_of
from studio.problems import NotAnImage, StudioError, TooLarge, Unavailable

# EXIF 2.32, 4.6.5: tag 274, as the transposition that undoes it.
_UPRIGHT = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
_LYING = {5, 6, 7, 8}  # width and height change places
_DNG_VERSION = 50_706  # the TIFF tag that makes a TIFF a camera raw file (DNG 1.7, chapter 4)


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """How large an image may be. The defaults hold one decoded picture to 400 MB of RGBA."""

    max_bytes: int = 64 * 1024 * 1024
    max_pixels: int = 100_000_000
    max_side: int = 30_000


DEFAULT_LIMITS = DecodeLimits()


def decode(data: bytes, limits: DecodeLimits = DEFAULT_LIMITS) -> Image:
    """Upright sRGB pixels of an encoded image. CPU work: call it through `compute`.

    Raises NotAnImage (rules image.empty, image.not_an_image, image.format, image.truncated,
    image.damaged) or TooLarge (image.too_many_bytes, image.too_many_pixels, image.too_long).
    """
    stream = BytesIO(data)
    form, opened = _opened(data, limits, stream)
    with _explained(form, data):
        notes = [_only_first(form)] if getattr(opened, "is_animated", False) else []
        turn = _orientation(opened, data) if form is formats.TIFF else 1
        opened.load()
    if form is not formats.TIFF:  # which Pillow has turned upright while loading
        turn = _orientation(opened, data)
    source_type = source_type_of(opened.info.get("xmp"))
    pixels, changes = normalised(opened)
    notes += changes
    if turn in _UPRIGHT:
        if form is not formats.TIFF:
            pixels = pixels.transpose(_UPRIGHT[turn])
        notes.append("Turned upright as its EXIF orientation says.")
    stream.close()  # or a PNG would hold its file as long as its pixels, for frames to come
    return Image(pixels=pixels, notes=tuple(notes), source_type=source_type)


def inspect(data: bytes, limits: DecodeLimits = DEFAULT_LIMITS) -> ImageFacts:
    """Facts from the header alone: size after orientation, the file's own media type.

    `alpha` says that the file can hold transparency; only `decode` knows whether it does.
    Raises as `decode` does, except for damage beyond the header.
    """
    form, opened = _opened(data, limits, BytesIO(data))
    width, height = opened.size
    with _explained(form, data):
        if form is not formats.TIFF and _orientation(opened, data) in _LYING:
            width, height = height, width
        alpha = opened.has_transparency_data
    return ImageFacts(width=width, height=height, media_type=form.media_type, alpha=alpha)


def _opened(data: bytes, limits: DecodeLimits, stream: BytesIO) -> tuple[Format, ImageFile]:
    """A file whose header is read and within the limits; no pixel is decoded yet.

    stream: the same bytes, which the file goes on reading.
    """
    if not data:
        raise NotAnImage(
            rule="image.empty", says="The file is empty.", fix="Send the bytes of an image."
        )
    if len(data) > limits.max_bytes:
        raise TooLarge(
            rule="image.too_many_bytes",
            says=f"The file has {len(data):,} bytes; at most {limits.max_bytes:,} are accepted.",
            fix="Send it in a more compact format, such as JPEG or WebP.",
        )
    form = recognise(data)
    with _explained(form, data):
        # Not through Pillow.open: its bomb check is one global number with a global warning; ours
        # is below, and per call.
        opened = form.plugin(stream)
        if form is formats.TIFF and _DNG_VERSION in getattr(opened, "tag_v2", ()):
            raise formats.refused("a camera raw file")
    _check_size(*opened.size, limits)
    return form, opened


def _check_size(width: int, height: int, limits: DecodeLimits) -> None:
    if max(width, height) > limits.max_side:
        raise TooLarge(
            rule="image.too_long",
            says=f"The image is {width:,} × {height:,} px; a side may have at most "
            f"{limits.max_side:,}.",
            fix="Scale it down, or cut it into parts.",
        )
    if width * height > limits.max_pixels:
        raise TooLarge(
            rule="image.too_many_pixels",
            says=f"The image is {width:,} × {height:,} px, {width * height:,} pixels; at most "
            f"{limits.max_pixels:,} are accepted.",
            fix="Scale it down.",
        )


def _orientation(opened: ImageFile, data: bytes) -> int:
    """The EXIF orientation, 1..8; 1 (upright) where it is absent or unreadable."""
    try:
        if isinstance(opened, formats.PNG.plugin) and b"eXIf" not in data:
            # Its own getexif decodes all pixels to look for an EXIF chunk behind them.
            exif = Pillow.Image.getexif(opened)
        else:
            exif = opened.getexif()
        return int(exif.get(ExifTags.Base.Orientation, 1))
    except Exception:  # EXIF in the wild is often malformed, and never worth refusing a picture for
        return 1


def _only_first(form: Format) -> str:
    if form is formats.TIFF:
        return "The file has several pages; only the first is used."
    return f"Animated {form.name}: only the first frame is used."


@contextmanager
def _explained(form: Format, data: bytes) -> Iterator[None]:
    """Whatever a parser throws at bytes that it cannot read becomes a sentence."""
    try:
        yield
    except StudioError:
        raise
    except Pillow.DecompressionBombError as error:
        raise TooLarge(
            rule="image.too_many_pixels",
            says="The image unpacks to more pixels than are accepted.",
            fix="Scale it down.",
        ) from error
    except MemoryError as error:
        raise Unavailable(
            rule="image.memory",
            says="There is not enough memory to decode this image now.",
            fix="Try again later, or scale it down.",
        ) from error
    except Exception as error:  # decoders of hostile bytes raise nearly every built-in error
        if _ends_early(form, data, error):
            raise NotAnImage(
                rule="image.truncated",
                says=f"The {form.name} file is incomplete: it ends before the image does.",
                fix="Upload it again, completely.",
            ) from error
        raise NotAnImage(
            rule="image.damaged",
            says=f"The {form.name} file cannot be read: it is damaged, or of a rare variant.",
            fix="Open it in an image editor and save it anew.",
        ) from error


def _ends_early(form: Format, data: bytes, error: Exception) -> bool:
    if form is formats.WEBP:  # RIFF states its length
        return len(data) < int.from_bytes(data[4:8], "little") + 8
    if form is formats.PNG and not data.rstrip(b"\0").endswith(b"IEND\xae\x42\x60\x82"):
        return True
    return isinstance(error, EOFError) or "truncated" in str(error).lower()
