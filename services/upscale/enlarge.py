"""Enlarging: to an exact size, by doubling and a last resampling, and how true it stayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image as Pillow

from studio.imaging.image import Image
from studio.imaging.similarity import psnr, ssim

_LANCZOS = Pillow.Resampling.LANCZOS

#: What remains after a pass may be enlarged by Lanczos up to this factor: it shows no softness
#: there, and saves a pass over four times the pixels.
_SMALL_REST = 1.25

#: SSIM of the source and the result shrunk back to it. Faithful enlargements have 0.97 and more
#: on photos; below, something was invented or lost.
FIDELITY_FLOOR = 0.93

Doubler = Callable[[Pillow.Image], Pillow.Image]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How alike the source and the shrunk result are."""

    ssim: float
    psnr: float


def enlarged(image: Image, width: int, height: int, doubler: Doubler | None) -> Image:
    """The picture at exactly that size; `doubler` None: Lanczos alone. CPU work.

    Alpha is enlarged on its own, by Lanczos; colours under full transparency are kept.
    """
    pixels, alpha = image.pixels, None
    if image.has_alpha:
        alpha = pixels.getchannel("A").resize((width, height), _LANCZOS)
        pixels = pixels.convert("RGB")
    while doubler and max(width / pixels.width, height / pixels.height) > _SMALL_REST:
        pixels = doubler(pixels)
    if pixels.size != (width, height):
        pixels = pixels.resize((width, height), _LANCZOS)
    if alpha is not None:
        pixels.putalpha(alpha)
    return image.with_pixels(pixels)


def fidelity(source: Image, result: Image) -> Fidelity:
    """Shrink the result back and compare. CPU work."""
    back = result.pixels.convert("RGB").resize(source.pixels.size, _LANCZOS, reducing_gap=3.0)
    before = source.pixels.convert("RGB")
    return Fidelity(round(ssim(before, back), 4), round(min(psnr(before, back), 99.0), 2))
