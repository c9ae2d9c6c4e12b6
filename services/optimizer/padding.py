"""Padding: what fills a placement around a picture that is shown whole."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageFilter

from studio.imaging.image import Image

Padding = Literal["blur", "mirror", "colour", "brand", "transparent"]
Rgb = tuple[int, int, int]
Size = tuple[int, int]

_DARKER = 0.85  # so that the picture stands out from its own blurred copy
_SMALL = 8  # a blurred ground is made at this fraction of the size: nobody sees the difference


def padded(
    image: Image, scaled: Pillow.Image, size: Size, corner: Size, padding: Padding, colour: Rgb
) -> Pillow.Image:
    """The scaled picture on a ground of `size`, its upper left at `corner` (px).

    image:  the master, of which `scaled` is a smaller copy.
    colour: of the ground for "colour" and "brand", and under transparency for the others.
    Returns RGB, or RGBA for "transparent".
    """
    if padding == "transparent":
        ground = Pillow.new("RGBA", size)
        ground.paste(scaled.convert("RGBA"), corner)
        return ground
    if padding in ("colour", "brand"):
        ground = Pillow.new("RGB", size, colour)
    elif padding == "mirror":
        return _mirrored(image.with_pixels(scaled).flattened(colour), size, corner)
    else:
        ground = _blurred(image.with_pixels(scaled).flattened(colour), size)
    ground.paste(scaled, corner, scaled if scaled.mode == "RGBA" else None)
    return ground


def _mirrored(scaled: Pillow.Image, size: Size, corner: Size) -> Pillow.Image:
    left, top = corner
    right, bottom = size[0] - left - scaled.width, size[1] - top - scaled.height
    how = cv2.BORDER_REFLECT
    return Pillow.fromarray(cv2.copyMakeBorder(np.asarray(scaled), top, bottom, left, right, how))


def _blurred(pixels: Pillow.Image, size: Size) -> Pillow.Image:
    """The picture itself, covering everything, far out of focus and a little darker."""
    scale = max(size[0] / pixels.width, size[1] / pixels.height)
    wide, tall = size[0] / scale, size[1] / scale
    left, top = (pixels.width - wide) / 2, (pixels.height - tall) / 2
    edges = (
        max(left, 0),
        max(top, 0),
        min(left + wide, pixels.width),
        min(top + tall, pixels.height),
    )
    small = (max(1, size[0] // _SMALL), max(1, size[1] // _SMALL))
    cover = pixels.resize(small, Pillow.Resampling.BILINEAR, box=edges)
    cover = cover.filter(ImageFilter.GaussianBlur(max(small) / 24))
    return cover.point(lambda value: value * _DARKER).resize(size, Pillow.Resampling.BICUBIC)
