"""Inlay: a picture in the place of what a mask selects."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageOps

from services.edit.fill import ENGINE_VERSION
from services.edit.providers.local import LocalMatting
from services.edit.removal import blended, erased, told
from studio.imaging.image import Image

Bytes = npt.NDArray[np.uint8]


def inlaid(
    image: Image, mask: Bytes, other: Image, matting: LocalMatting
) -> tuple[Image, dict[str, Any]]:
    """The image with another one where the mask is, and what is said of it.

    mask: (h, w), 255 = replaced. A cut-out (with alpha) stands, whole, at the foot of the mask's
    box, where the old thing was erased; any other picture covers the box and shows in the mask's
    shape. Refused: `edit.fill.nothing_left`. CPU work.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    left, top = int(columns[0]), int(rows[0])
    size = int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top
    if other.has_alpha:
        standing = _standing(other, (left, top), size, image.pixels.size)
        ground = erased(image, mask, matting).pixels.convert("RGBA")
        ground.alpha_composite(standing)
        hidden = np.asarray(standing.getchannel("A")) > 127
        details = told(image, np.where(hidden, np.uint8(0), mask))
        details["engine"] += ", inlay"
        return image.with_pixels(ground.convert(image.pixels.mode)).with_part(other), details
    cover = ImageOps.fit(other.pixels, size, Pillow.Resampling.LANCZOS)
    colours = image.pixels.convert("RGB")
    colours.paste(cover, (left, top))
    made = Pillow.fromarray(
        blended(np.asarray(image.pixels.convert("RGB")), np.asarray(colours), mask)
    )
    if image.has_alpha:
        made.putalpha(image.pixels.getchannel("A"))
    details = {"engine": "inlay", "engine_version": ENGINE_VERSION}
    return image.with_pixels(made).with_part(other), details


def _standing(
    other: Image, at: tuple[int, int], room: tuple[int, int], size: tuple[int, int]
) -> Pillow.Image:
    """A cut-out alone on a clear ground of a size: as large as fits the room, in its middle and on
    its lower edge."""
    seen = other.pixels.crop(other.pixels.getchannel("A").getbbox() or (0, 0, *other.pixels.size))
    scale = min(room[0] / seen.width, room[1] / seen.height)
    fitted = max(1, round(seen.width * scale)), max(1, round(seen.height * scale))
    ground = Pillow.new("RGBA", size)
    place = at[0] + (room[0] - fitted[0]) // 2, at[1] + room[1] - fitted[1]
    ground.paste(seen.resize(fitted, Pillow.Resampling.LANCZOS), place)
    return ground
