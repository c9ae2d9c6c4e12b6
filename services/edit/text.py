"""Text: words on a picture that can be read.

The contrast against what is behind is measured (studio.imaging.legibility); where it is below
4.5:1, a scrim is laid under the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PIL import Image as Pillow
from PIL import ImageDraw

from services.edit.anchor import Anchor, across, down
from studio.imaging.colour import RGB
from studio.imaging.legibility import READABLE, contrast_on, scrim_colour
from studio.imaging.typesetting import Align, Typeset, fit

Scrim = Literal["auto", "always"]
PixelBox = tuple[int, int, int, int]  # left, top, right, bottom

_SCRIMS = (180, 220, 255)  # opacities: no darker than it has to be
_PAD = 0.45  # of the scrim around the text, in font sizes
_LINE_HEIGHT = 1.25  # in font sizes
_SMALLEST = 8  # px; whoever edits by hand sees what is legible


@dataclass(frozen=True, slots=True)
class Lettering:
    """What to write, and where."""

    text: str
    anchor: Anchor
    align: Align
    size: float  # font size as a fraction of the image's height
    colour: RGB
    margin: float  # from the edges, as a fraction of the shorter side
    scrim: Scrim


@dataclass(frozen=True, slots=True)
class Lettered:
    """The picture with its text, and how well it can be read."""

    pixels: Pillow.Image
    contrast: float  # WCAG ratio, 1..21
    has_scrim: bool
    size: int  # px, smaller than asked for where the text would not have fitted


def lettered(pixels: Pillow.Image, lettering: Lettering) -> Lettered:
    """Write on the picture. Refused: text.no_glyph, text.does_not_fit."""
    margin = round(lettering.margin * min(pixels.size))
    width, height = pixels.width - 2 * margin, pixels.height - 2 * margin
    wanted = max(_SMALLEST, round(lettering.size * pixels.height))
    block = fit(
        lettering.text,
        width,
        height,
        max_size=wanted,
        min_size=_SMALLEST,
        line_height=_LINE_HEIGHT,
    )
    left = round(margin + across(lettering.anchor) * (width - block.width))
    top = round(margin + down(lettering.anchor) * (height - block.height))

    # Only the part around the text is worked on: a large picture is not copied for every layer.
    pad = round(block.size * _PAD)
    right, bottom = left + block.width, top + block.height
    part = (
        max(0, left - 2 * pad),
        max(0, top - 2 * pad),
        min(pixels.width, right + 2 * pad),
        min(pixels.height, bottom + 2 * pad),
    )
    box = (left - part[0], top - part[1], right - part[0], bottom - part[1])
    ground, contrast, has_scrim = _readable(pixels.crop(part).convert("RGBA"), box, lettering, pad)
    ground.alpha_composite(_ink(block, lettering), box[:2])
    result = pixels.copy()
    result.paste(ground.convert(pixels.mode), part[:2])
    return Lettered(result, round(contrast, 2), has_scrim, block.size)


def _readable(
    ground: Pillow.Image, box: PixelBox, lettering: Lettering, pad: int
) -> tuple[Pillow.Image, float, bool]:
    """The ground with as much scrim as the text needs, the contrast there, and if there is any."""
    contrast = contrast_on(ground.crop(box), lettering.colour)
    if contrast >= READABLE and lettering.scrim == "auto":
        return ground, contrast, False
    under = ground
    for opacity in _SCRIMS:
        under = _with_scrim(ground, box, lettering.colour, pad, opacity)
        contrast = contrast_on(under.crop(box), lettering.colour)
        if contrast >= READABLE:
            break
    return under, contrast, True


def _with_scrim(
    ground: Pillow.Image, box: PixelBox, colour: RGB, pad: int, opacity: int
) -> Pillow.Image:
    """A rounded panel under the text: dark under light text, light under dark text."""
    panel = Pillow.new("RGBA", ground.size)
    edges = (box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad)
    fill = (*scrim_colour(colour), opacity)
    ImageDraw.Draw(panel).rounded_rectangle(edges, radius=pad, fill=fill)
    return Pillow.alpha_composite(ground, panel)


def _ink(block: Typeset, lettering: Lettering) -> Pillow.Image:
    """The letters alone: one colour, their shapes as alpha."""
    shapes = block.shapes(lettering.align)
    ink = Pillow.new("RGBA", shapes.size, lettering.colour)
    ink.putalpha(shapes)
    return ink
