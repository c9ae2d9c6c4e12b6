"""Encoding: the best file that a placement accepts."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image as Pillow

from services.optimizer.placements import Format, Placement
from studio.imaging.decode import decode
from studio.imaging.encode import encode
from studio.imaging.image import Image
from studio.imaging.similarity import ssim
from studio.problems import Refused

START_QUALITY = 88
LEAST_QUALITY = 30
BEST_QUALITY = 97
DEFAULT_FLOOR = 0.92  # SSIM; below it the artefacts are seen at arm's length

_MEDIA = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


@dataclass(frozen=True, slots=True)
class Encoded:
    """A file, and the settings that made it."""

    data: bytes
    media_type: str
    quality: int | None


def encode_for(
    image: Image,
    placement: Placement,
    *,
    wanted: Format | None = None,
    floor: float = DEFAULT_FLOOR,
    background: tuple[int, int, int] = (255, 255, 255),
) -> Encoded:
    """Encode within the placement's limits of bytes, never under the SSIM floor.

    Refused: optimizer.format (it does not take the wanted one), optimizer.max_bytes.
    """
    format_ = _format(image, placement, wanted)
    media = _MEDIA[format_]
    if format_ == "png":
        data = encode(image, media)
        if len(data) <= placement.max_bytes:
            return Encoded(data, media, None)
        if "jpeg" not in placement.formats or wanted == "png":
            raise _too_large(placement, len(data), None)
        media = _MEDIA["jpeg"]
    data = encode(image, media, START_QUALITY, background=background)
    if len(data) > placement.max_bytes:
        return _smaller(image, placement, media, floor, background)
    if len(data) < placement.min_bytes:
        return Encoded(
            encode(image, media, BEST_QUALITY, background=background), media, BEST_QUALITY
        )
    return Encoded(data, media, START_QUALITY)


def _format(image: Image, placement: Placement, wanted: Format | None) -> Format:
    if wanted is not None:
        if wanted not in placement.formats:
            raise Refused(
                rule="optimizer.format",
                says=f"{placement.id} does not accept {wanted.upper()}.",
                fix="Leave the format to the optimizer, or use one of the valid ones.",
                valid=list(placement.formats),
            )
        return wanted
    if image.has_alpha:
        for format_ in ("png", "webp"):
            if format_ in placement.formats:
                return "png" if format_ == "png" else "webp"
    return placement.formats[0]


def _smaller(
    image: Image,
    placement: Placement,
    media: str,
    floor: float,
    background: tuple[int, int, int],
) -> Encoded:
    """The highest quality that fits, by bisection: at most seven trial encodes."""
    low, high = LEAST_QUALITY, START_QUALITY
    best: Encoded | None = None
    smallest = 0
    while low < high - 1:
        quality = (low + high) // 2
        data = encode(image, media, quality, background=background)
        smallest = len(data)
        if smallest <= placement.max_bytes:
            best, low = Encoded(data, media, quality), quality
        else:
            high = quality
    if best is None:
        raise _too_large(placement, smallest, None)
    reached = ssim(_flat(image, background), decode(best.data).pixels)
    if reached < floor:
        raise _too_large(placement, len(best.data), reached)
    return best


def _flat(image: Image, background: tuple[int, int, int]) -> Pillow.Image:
    return image.flattened(background)


def _too_large(placement: Placement, size: int, reached: float | None) -> Refused:
    found = f"{size:,} bytes" if reached is None else f"an SSIM of {reached:.3f} at {size:,} bytes"
    return Refused(
        rule="optimizer.max_bytes",
        says=f"{placement.id} takes at most {placement.max_bytes:,} bytes; the best that was "
        f"reached is {found}.",
        fix="Use another format, a lower quality_floor, or a picture with less fine detail.",
    )
