"""Removal: a masked place of an image filled from around, with what may not be copied found."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from services.edit.fill import ENGINE, ENGINE_VERSION, fill
from services.edit.providers.local import LocalMatting
from services.edit.risk import fill_risk
from studio.imaging.faces import faces
from studio.imaging.image import Image
from studio.problems import Refused

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

_MOST = 0.9  # of the picture; what is left must be enough to go on with
_SUBJECT = 0.2  # of the matte, and more: fringes of a subject are no background
_HEAD = 0.35  # of a face's size around it: hair and chin


def erased(image: Image, mask: Bytes, matting: LocalMatting) -> Image:
    """The image with the masked place filled; soft edges of the mask blend old and new.

    mask: (h, w), 255 = filled, 0 = exactly as it was. Alpha stays. Refused:
    `edit.fill.nothing_left`. CPU work.
    """
    if float((mask > 0).mean()) > _MOST:
        raise Refused(
            rule="edit.fill.nothing_left",
            says="The mask covers more than nine tenths of the picture: nothing is left to go on "
            "from.",
            fix="Select less, or use edit.replace_background.",
        )
    colours = np.asarray(image.pixels.convert("RGB"))
    made = fill(colours, mask > 0, not_to_copy(image, matting))
    return image.with_pixels(_restored(image, blended(colours, made, mask)))


def told(image: Image, mask: Bytes) -> dict[str, Any]:
    """What an output says of a fill: what made it, its risk, and whether a person should look.

    image: before the fill. mask: (h, w), 255 = filled. CPU work.
    """
    risk = fill_risk(np.asarray(image.pixels.convert("RGB")), mask > 0)
    return {"engine": ENGINE, "engine_version": ENGINE_VERSION, **risk.details}


def blended(before: Bytes, after: Bytes, mask: Bytes) -> Bytes:
    """Pixels of one picture where the mask is 0, of the other where it is 255."""
    share = np.asarray(mask, np.uint16)[..., None]
    return np.asarray((before * (255 - share) + after * share + 127) // 255, np.uint8)


def _restored(image: Image, colours: Bytes) -> Pillow.Image:
    pixels = Pillow.fromarray(colours)
    if image.has_alpha:
        pixels.putalpha(image.pixels.getchannel("A"))
    return pixels


def not_to_copy(image: Image, matting: LocalMatting) -> list[Bools]:
    """Places that a fill must not copy: the subject, each head, and what is transparent."""
    barred = [matting.matte(image) > _SUBJECT]
    for face in faces(image):
        barred.append(np.zeros((image.height, image.width), np.bool_))
        left, top, right, bottom = face.box.pixels(image.width, image.height)
        aside, above = round(_HEAD * (right - left)), round(_HEAD * (bottom - top))
        barred[-1][max(0, top - above) : bottom + above, max(0, left - aside) : right + aside] = (
            True
        )
    if image.has_alpha:
        barred.append(np.asarray(image.pixels.getchannel("A")) < 255)
    return [one for one in barred if one.any()]
