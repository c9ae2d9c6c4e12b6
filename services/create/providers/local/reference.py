"""References: what the local engine takes from another picture, its colours and its tones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow

from services.create.providers.local.brief import Rgb
from studio.imaging.colour import srgb_to_lab
from studio.imaging.shrink import shrunk

_SIDE = 160  # px of the longer side that is looked at; colours need no more
_TONES = 33


@dataclass(frozen=True, slots=True)
class Look:
    """The look of a picture."""

    palette: tuple[Rgb, ...]  # up to six main colours, the most common first
    tones: tuple[float, ...]  # L* 0..100 at 33 evenly spaced quantiles, rising
    strength: float  # 0..1, how closely it is followed


def look_at(picture: Pillow.Image, strength: float) -> Look:
    """The look of a picture, mode RGB. Deterministic: median cut (Heckbert, 1982)."""
    small = shrunk(picture, _SIDE, Pillow.Resampling.BICUBIC)
    lightness = srgb_to_lab(np.asarray(small, np.float32))[..., 0]
    tones = np.quantile(lightness, np.linspace(0, 1, _TONES))
    return Look(main_colours(small, 6), tuple(float(one) for one in tones), strength)


def main_colours(picture: Pillow.Image, count: int) -> tuple[Rgb, ...]:
    """The main colours of a picture, mode RGB, the most common first; at most `count`."""
    cut = picture.quantize(count, method=Pillow.Quantize.MEDIANCUT, kmeans=2)
    table = np.asarray(cut.getpalette() or [], np.uint8).reshape(-1, 3)
    found = sorted(cut.getcolors() or [], reverse=True)
    return tuple(
        (int(table[i][0]), int(table[i][1]), int(table[i][2]))
        for _, i in found
        if isinstance(i, int)
    )
