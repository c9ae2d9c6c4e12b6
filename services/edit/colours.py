"""Colours by name: what people call a colour, as sRGB, and which pixels they would call so.

The eleven words that every language grows (Berlin & Kay, “Basic Color Terms”, 1969) compete: a
pixel is red where no other of them is nearer. Every other name, CSS's or ours, is one colour, and
a pixel has it where it lies near.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.colour import parse_hex, srgb_to_lab, to_hex
from studio.imaging.colour_names import Colour, colour_words, parse_colour, said_for
from studio.imaging.image import FloatArray

__all__ = [
    "Bytes",
    "Colour",
    "colour_words",
    "in_lab",
    "lab_to_rgb",
    "likeness",
    "parse_colour",
    "rgb_to_lab",
]

Bytes = npt.NDArray[np.uint8]

#: Examples of each basic colour, from light and from shade, as photographs show them.
_BASIC = {
    "black": ("#000000", "#141414", "#1c1a1e"),
    "white": ("#ffffff", "#f2f0ec", "#e8e4e0"),
    "grey": ("#808080", "#b0b0b0", "#585858", "#383838", "#c8c8c8", "#9a948e"),
    "red": ("#ff0000", "#c8201c", "#8b1410", "#b03030", "#e04848", "#5a1010", "#a52a20", "#781a10",
            "#400c08", "#2e0806", "#981e0c", "#b43414"),
    "orange": ("#ff8c00", "#e8641a", "#f49a48", "#d8562a", "#e87840", "#ff6a20", "#c85018"),
    "yellow": ("#ffff00", "#f0d020", "#e8cc60", "#fff080", "#c8b020"),
    "green": ("#00a000", "#2e8b57", "#7cb342", "#1e5a28", "#90c890", "#556b2f", "#a8d820",
              "#889050"),
    "blue": ("#0000ff", "#1e66d0", "#4a90d9", "#1f3a6e", "#87b8e8", "#3c5078", "#10204a",
             "#00a8e0"),
    "purple": ("#800080", "#6a3fa0", "#a060c8", "#4b2a6e", "#c8a2e0", "#5a2a5a"),
    "pink": ("#ffc0cb", "#ff69b4", "#e07898", "#f0a8b0", "#ff1493", "#d88a98"),
    "brown": ("#8b5a2b", "#6b4020", "#a07848", "#4a2c18", "#c09a70", "#5c3a2a", "#7a5040"),
}  # fmt: skip

_NEAR, _FAR = 18.0, 34.0  # ΔE, lightness at half weight: from “that colour” to “another one”
_LIGHTNESS = 0.5  # shadows and lights do not make another colour
_UNDECIDED = 6.0  # ΔE between two basic colours in which a pixel is both in part
_BAND = 256  # rows
_TABLE = 32  # steps a channel: a pixel's name is looked up, not computed


def likeness(pixels: Bytes, word: str) -> FloatArray:
    """How much each pixel is what people call so.

    pixels: (h, w, 3) sRGB. word: one of `colour_words`, lower case, spaces left out.
    Returns (h, w) float32, 0 = another colour, 1 = this one.
    """
    level = np.asarray(pixels, np.uint16) * _TABLE >> 8
    table = _table(said_for(word))
    return np.asarray(table[level[..., 0], level[..., 1], level[..., 2]], np.float32)


@lru_cache(maxsize=64)
def _table(word: str) -> FloatArray:
    """The likeness of every colour, (32, 32, 32) by red, green, blue."""
    step = (np.arange(_TABLE, dtype=np.float32) + 0.5) * (256 / _TABLE)
    cube = np.stack(np.meshgrid(step, step, step, indexing="ij"), -1).reshape(-1, 3)
    if word in _BASIC:
        own = _distance(cube, _BASIC[word])
        others = tuple(one for name, hues in _BASIC.items() if name != word for one in hues)
        like = 0.5 + (_distance(cube, others) - own) / (2 * _UNDECIDED)
    else:
        like = (_FAR - _distance(cube, (_hex_of(word),))) / (_FAR - _NEAR)
    return np.asarray(like.clip(0, 1), np.float32).reshape(_TABLE, _TABLE, _TABLE)


def _hex_of(word: str) -> str:
    return to_hex(parse_colour(word))


def _distance(colours: FloatArray, examples: tuple[str, ...]) -> FloatArray:
    """ΔE from each of (n, 3) colours to the nearest example."""
    weight = np.array([_LIGHTNESS, 1, 1], np.float32)
    seen = srgb_to_lab(colours) * weight
    known = srgb_to_lab(np.array([parse_hex(one) for one in examples])) * weight
    return np.asarray(np.sqrt(_squares(seen, known)).min(axis=1), np.float32)


def _squares(one: FloatArray, other: FloatArray) -> FloatArray:
    """Squared distances, (n, m)."""
    return np.asarray(((one[:, None] - other[None]) ** 2).sum(-1), np.float32)


def in_lab(pixels: Bytes, change: Callable[[FloatArray, slice], FloatArray]) -> Bytes:
    """Change a picture's colours in L*a*b*, a band of rows at a time.

    pixels: (h, w, 3) sRGB. change: of the Lab values (n, w, 3) of some rows, and which rows.
    Returns (h, w, 3); a large picture needs floats for one band only.
    """
    made = np.empty_like(pixels)
    for top in range(0, len(pixels), _BAND):
        rows = slice(top, top + _BAND)
        made[rows] = lab_to_rgb(change(rgb_to_lab(pixels[rows]), rows))
    return made


def rgb_to_lab(pixels: Bytes) -> FloatArray:
    """CIE L*a*b* under D65, (h, w, 3) float32, of sRGB bytes: `srgb_to_lab` for whole pictures."""
    return np.asarray(cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), np.float32)


def lab_to_rgb(lab: FloatArray) -> Bytes:
    """The sRGB bytes of CIE L*a*b*, (h, w, 3); what sRGB cannot show is clipped."""
    rgb = cv2.cvtColor(np.asarray(lab, np.float32), cv2.COLOR_Lab2RGB)
    return np.asarray((rgb.clip(0, 1) * 255 + 0.5).astype(np.uint8))
