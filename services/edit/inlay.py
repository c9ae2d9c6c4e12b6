"""Inlay: a picture in the place of what a mask selects."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageOps

from services.edit.fill import ENGINE
from services.edit.providers.local import LocalMatting
from services.edit.removal import blended, erased
from studio.imaging.image import Image

Bytes = npt.NDArray[np.uint8]


def inlaid(image: Image, mask: Bytes, other: Image, matting: LocalMatting) -> tuple[Image, str]:
    """The image with another one where the mask is, and the engines that did it.

    mask: (h, w), 255 = replaced. A cut-out (with alpha) stands, whole, at the foot of the mask's
    box, where the old thing was erased; any other picture covers the box and shows in the mask's
    shape. Refused: `edit.fill.nothing_left`. CPU work.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    left, top = int(columns[0]), int(rows[0])
    size = int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top
    if other.has_alpha:
        return _standing(erased(image, mask, matting), other, (left, top), size), f"{ENGINE}, inlay"
    cover = ImageOps.fit(other.pixels, size, Pillow.Resampling.LANCZOS)
    colours = image.pixels.convert("RGB")
    colours.paste(cover, (left, top))
    made = Pillow.fromarray(
        blended(np.asarray(image.pixels.convert("RGB")), np.asarray(colours), mask)
    )
    if image.has_alpha:
        made.putalpha(image.pixels.getchannel("A"))
    return image.with_pixels(made), "inlay"


def _standing(image: Image, other: Image, at: tuple[int, int], size: tuple[int, int]) -> Image:
    """A cut-out, as large as fits the box, in its middle and on its lower edge."""
    seen = other.pixels.crop(other.pixels.getchannel("A").getbbox() or (0, 0, *other.pixels.size))
    scale = min(size[0] / seen.width, size[1] / seen.height)
    fitted = max(1, round(seen.width * scale)), max(1, round(seen.height * scale))
    seen = seen.resize(fitted, Pillow.Resampling.LANCZOS)
    place = at[0] + (size[0] - fitted[0]) // 2, at[1] + size[1] - fitted[1]
    ground = image.pixels.convert("RGBA")
    ground.alpha_composite(seen, place)
    return image.with_pixels(ground.convert(image.pixels.mode))
