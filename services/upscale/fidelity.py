"""Fidelity: how true a result stayed. Shrunk back, it must match its source.

Whatever an enlargement adds finer than a source pixel is free; what remains after shrinking was
changed. The floors are data (`fidelity.yaml`), one pair a mode.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import yaml
from PIL import Image as Pillow
from pydantic import BaseModel, ConfigDict, Field

from studio.imaging.image import Image
from studio.imaging.similarity import psnr, ssim

Mode = Literal["fast", "conservative", "creative"]

_STRIP = 4_000_000  # pixels of source and result that are compared at a time: 60 MB at most
_GREY = (128, 128, 128)  # behind transparency
_LOBES = 3  # of Lanczos: how far it looks, in pixels of the smaller picture
_BEST = 99.0  # dB; equal pictures have infinitely many, which JSON cannot say


class Floor(BaseModel):
    """The least that passes unseen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ssim: float = Field(ge=0, le=1)
    psnr_db: float = Field(ge=0, le=_BEST)


class _Floors(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    checked_on: date
    floors: dict[Mode, Floor]


@lru_cache(maxsize=1)
def floors() -> dict[Mode, Floor]:
    """By mode."""
    text = Path(__file__).with_name("fidelity.yaml").read_text(encoding="utf-8")
    return _Floors.model_validate(yaml.safe_load(text)).floors


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How alike the source and the shrunk result are."""

    ssim: float
    psnr: float  # dB, at most 99


def judged(source: Image, result: Image, mode: Mode) -> Mapping[str, Any]:
    """What the details say of it: the scores, and why a person should look, or null. CPU work."""
    score, floor = fidelity(source, result), floors()[mode]
    review = None
    if score.ssim < floor.ssim:
        review = f"Shrunk back it matches its source by {score.ssim:.2f} only (SSIM)"
        review += f"; {mode} asks for {floor.ssim:.2f}."
    elif score.psnr < floor.psnr_db:
        review = f"Shrunk back it is {score.psnr:.1f} dB from its source (PSNR)"
        review += f"; {mode} asks for {floor.psnr_db:.0f} dB: look at its colours."
    return {"fidelity": {"ssim": score.ssim, "psnr_db": score.psnr}, "needs_review": review}


def fidelity(source: Image, result: Image) -> Fidelity:
    """Shrink the result back and compare what can be seen, strip by strip. CPU work."""
    structure = error = 0.0
    pixels = source.width * source.height * 4 + result.width * result.height
    for top, bottom in _strips(source.height, math.ceil(pixels / _STRIP)):
        share = (bottom - top) / source.height
        strip = source.pixels.crop((0, top, source.width, bottom))
        one = source.with_pixels(strip).flattened(_GREY)
        other = _shrunk(result, source, top, bottom)
        structure += share * ssim(one, other)
        error += share * 255**2 / 10 ** (psnr(one, other) / 10)
    decibels = 10 * math.log10(255**2 / error) if error else math.inf
    return Fidelity(round(structure, 4), round(min(decibels, _BEST), 2))


def _shrunk(result: Image, source: Image, top: int, bottom: int) -> Pillow.Image:
    """Rows top..bottom of the result at the source's size, RGB."""
    rows = result.height / source.height  # of the result, for one of the source
    first = max(0, math.floor((top - _LOBES) * rows))
    last = min(result.height, math.ceil((bottom + _LOBES) * rows))
    strip = result.pixels.crop((0, first, result.width, last))
    return (
        result.with_pixels(strip)
        .flattened(_GREY)
        .resize(
            (source.width, bottom - top),
            Pillow.Resampling.LANCZOS,
            box=(0, top * rows - first, result.width, min(bottom * rows - first, strip.height)),
            reducing_gap=3.0,
        )
    )


def _strips(height: int, count: int) -> Iterator[tuple[int, int]]:
    """Their first rows and those after their last, as equal in height as can be, 32 at least."""
    count = min(count, max(1, height // 32))
    return pairwise(round(height * number / count) for number in range(count + 1))
