"""Enlarging: colours by an engine, transparency on its own, and how true it all stayed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image as Pillow

from services.upscale.engine import Engine
from studio.imaging.image import Image
from studio.imaging.similarity import psnr, ssim

_LANCZOS = Pillow.Resampling.LANCZOS

#: SSIM of the source and the result shrunk back to it. Faithful enlargements have 0.97 and more
#: on photos; below, something was invented or lost.
FIDELITY_FLOOR = 0.93

_STRIP = 1_000_000  # pixels that are compared at a time: 60 MB of floats
_GREY = (128, 128, 128)


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How alike the source and the shrunk result are."""

    ssim: float
    psnr: float  # dB, at most 99


def enlarged(image: Image, width: int, height: int, engine: Engine) -> Image:
    """The picture at exactly that size. CPU work. Raises as the engine does.

    Alpha is enlarged by Lanczos. Colours that hide under full transparency are replaced by the
    nearest visible ones first, so that they cannot seep into the visible edge.
    """
    if not image.has_alpha:
        return image.with_pixels(engine.enlarged(image.pixels, width, height))
    pixels = engine.enlarged(bled(image.pixels), width, height)
    pixels.putalpha(image.pixels.getchannel("A").resize((width, height), _LANCZOS))
    return image.with_pixels(pixels)


def bled(pixels: Pillow.Image) -> Pillow.Image:
    """RGBA to RGB, clear pixels taking the colours around them.

    Pull-push (Gortler et al., The Lumigraph, SIGGRAPH 1996): halve until all is covered, then
    fill the holes of each level from the one below.
    """
    rgb = pixels.convert("RGB")
    covered = pixels.getchannel("A").point(lambda alpha: 255 if alpha else 0)
    if covered.getextrema()[0] == 255 or max(pixels.size) == 1:
        return rgb
    flat = rgb.copy()
    flat.putalpha(covered)
    ground = bled(flat.reduce(2)).resize(pixels.size, Pillow.Resampling.BILINEAR)
    ground.paste(rgb, mask=covered)
    return ground


def fidelity(source: Image, result: Image) -> Fidelity:
    """Shrink the result back and compare what can be seen, strip by strip. CPU work."""
    before = source.flattened(_GREY)
    back = result.flattened(_GREY).resize(before.size, _LANCZOS, reducing_gap=3.0)
    structure = error = 0.0
    for box in _strips(*before.size):
        share = (box[3] - box[1]) / before.height
        one, other = before.crop(box), back.crop(box)
        structure += share * ssim(one, other)
        error += share * 255**2 / 10 ** (psnr(one, other) / 10)
    decibels = 10 * math.log10(255**2 / error) if error else math.inf
    return Fidelity(round(structure, 4), round(min(decibels, 99.0), 2))


def _strips(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Boxes of full width, as equal in height as can be."""
    count = min(height, math.ceil(width * height / _STRIP))
    edges = [round(height * number / count) for number in range(count + 1)]
    return ((0, top, width, bottom) for top, bottom in pairwise(edges))
