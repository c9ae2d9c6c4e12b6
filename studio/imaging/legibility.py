"""Legibility: how well text of a colour can be read on the pixels behind it (WCAG 2.2).

A picture has no single background colour. The ratio that counts is the one that all but the least
favourable twentieth of the pixels reach: a few specks do not make a word unreadable, a bright
corner under a letter does.
"""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow

from studio.imaging.colour import RGB, relative_luminance

#: WCAG 2.2, success criterion 1.4.3 (Contrast, Minimum), level AA, for text of any size.
READABLE = 4.5

_BLACK: RGB = (0, 0, 0)
_WHITE: RGB = (255, 255, 255)
_LEAST = 0.05  # the part of the ground that may be less favourable


def contrast_on(ground: Pillow.Image, colour: RGB) -> float:
    """The contrast ratio, 1..21, of text on a ground.

    ground: the pixels behind the text, any size > 0, RGB or RGBA. Behind transparency there may be
            anything, so both black and white are tried there.
    """
    text = float(relative_luminance(colour))
    worst = 21.0
    for behind in _flattened(ground):
        luminance = relative_luminance(np.asarray(behind))
        ratio = (np.maximum(luminance, text) + 0.05) / (np.minimum(luminance, text) + 0.05)
        worst = min(worst, float(np.quantile(ratio, _LEAST)))
    return worst


def scrim_colour(colour: RGB) -> RGB:
    """What to lay under text of a colour: black under light text, white under dark text.

    At full opacity it always suffices: no colour is nearer than 4.58:1 to both black and white.
    """
    is_light = float(relative_luminance(colour)) > 0.179  # √(1.05 · 0.05) − 0.05: equally far
    return _BLACK if is_light else _WHITE


def _flattened(ground: Pillow.Image) -> list[Pillow.Image]:
    if "A" not in ground.getbands() or ground.getchannel("A").getextrema()[0] == 255:
        return [ground.convert("RGB")]
    clear = ground.convert("RGBA")
    return [
        Pillow.alpha_composite(Pillow.new("RGBA", ground.size, beyond), clear).convert("RGB")
        for beyond in (_BLACK, _WHITE)
    ]
