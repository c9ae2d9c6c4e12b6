"""Text: words on a picture that can be read.

The contrast against what is behind is measured (WCAG 2.2) at the least favourable tenth of the
text's ground; where it is below 4.5:1, a scrim is laid under the text. Behind transparency there
may be anything, so both black and white are tried there.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from services.edit.anchor import Anchor, across, down
from studio.imaging.colour import RGB, relative_luminance
from studio.problems import Refused

Align = Literal["left", "centre", "right"]
Scrim = Literal["auto", "always"]
PixelBox = tuple[int, int, int, int]  # left, top, right, bottom

_FONT = Path(__file__).parent / "fonts" / "SourceSansPro-Semibold.ttf"  # OFL 1.1, Adobe

READABLE = 4.5  # WCAG 2.2, success criterion 1.4.3
_SCRIMS = (180, 220, 255)  # opacities: no darker than it has to be
_PAD = 0.45  # of the scrim around the text, in font sizes
_LINE = 1.25  # line height, in font sizes
_SMALLEST = 8  # px


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


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines set in a font; its box goes from the capitals' tops to the last descender."""

    font: ImageFont.FreeTypeFont
    lines: list[str]

    @property
    def ascent(self) -> float:
        return -self.font.getbbox("H", anchor="ls")[1]

    @property
    def leading(self) -> float:
        return self.font.size * _LINE

    @property
    def width(self) -> float:
        return max(self.font.getlength(line) for line in self.lines)

    @property
    def height(self) -> float:
        descent = self.font.getbbox("p", anchor="ls")[3]
        return self.ascent + self.leading * (len(self.lines) - 1) + descent


def lettered(pixels: Pillow.Image, lettering: Lettering) -> Lettered:
    """Write on the picture. Refused: edit.text.glyphs, edit.text.too_long."""
    text = unicodedata.normalize("NFC", lettering.text)
    _check_glyphs(text)
    margin = round(lettering.margin * min(pixels.size))
    wanted = max(_SMALLEST, round(lettering.size * pixels.height))
    block = _fitted(text, wanted, pixels.width - 2 * margin, pixels.height - 2 * margin)
    left = round(margin + across(lettering.anchor) * (pixels.width - 2 * margin - block.width))
    top = round(margin + down(lettering.anchor) * (pixels.height - 2 * margin - block.height))

    # Only the part around the text is worked on: a large picture is not copied for every layer.
    pad = round(block.font.size * _PAD)
    right, bottom = left + max(1, round(block.width)), top + max(1, round(block.height))
    part = (
        max(0, left - 2 * pad),
        max(0, top - 2 * pad),
        min(pixels.width, right + 2 * pad),
        min(pixels.height, bottom + 2 * pad),
    )
    box = (left - part[0], top - part[1], right - part[0], bottom - part[1])
    ground, contrast, has_scrim = _readable(pixels.crop(part).convert("RGBA"), box, lettering, pad)
    ground.alpha_composite(_ink(ground.size, block, box, lettering))
    result = pixels.copy()
    result.paste(ground.convert(pixels.mode), part[:2])
    return Lettered(result, round(contrast, 2), has_scrim, round(block.font.size))


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONT, size)


def _check_glyphs(text: str) -> None:
    """No boxes instead of letters: every character must have a shape of its own."""
    font = _font(32)
    tofu = bytes(font.getmask("\U000f0000"))
    missing = sorted(
        letter
        for letter in set(text)
        if not letter.isspace()
        and (not font.getmask(letter).getbbox() or bytes(font.getmask(letter)) == tofu)
    )
    if missing:
        named = ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in missing[:20])
        raise Refused(
            rule="edit.text.glyphs",
            says=f"The font has no shapes for: {named}.",
            fix="Use Latin letters, digits and common punctuation.",
        )


def _fitted(text: str, wanted: int, width: int, height: int) -> _Block:
    """The wanted size, or the largest below it at which the text fits."""
    size = wanted
    while size >= _SMALLEST:
        lines = _wrapped(text, _font(size), width)
        if lines and (block := _Block(_font(size), lines)).height <= height:
            return block
        size = round(size * 0.95) if size > _SMALLEST * 4 else size - 1
    raise Refused(
        rule="edit.text.too_long",
        says="The text does not fit into the picture, even in small letters.",
        fix="Shorten it, or enlarge the picture first.",
    )


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str] | None:
    """Lines no wider than `width`; None if a single word is."""
    lines = []
    for paragraph in text.strip().splitlines():
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if font.getlength(longer) <= width:
                line = longer
            elif line and font.getlength(word) <= width:
                lines.append(line)
                line = word
            else:
                return None
        lines.append(line)
    return lines


def _readable(
    ground: Pillow.Image, box: PixelBox, lettering: Lettering, pad: int
) -> tuple[Pillow.Image, float, bool]:
    """The ground with as much scrim as the text needs, the contrast there, and if there is any."""
    contrast = _contrast(ground, box, lettering.colour)
    if contrast >= READABLE and lettering.scrim == "auto":
        return ground, contrast, False
    under = ground
    for opacity in _SCRIMS:
        under = _with_scrim(ground, box, lettering.colour, pad, opacity)
        contrast = _contrast(under, box, lettering.colour)
        if contrast >= READABLE:
            break
    return under, contrast, True


def _contrast(ground: Pillow.Image, box: PixelBox, colour: RGB) -> float:
    """The WCAG ratio that nine tenths of the ground reach or exceed."""
    part = ground.crop(box)
    text = float(relative_luminance(colour))
    worst = 21.0
    for beyond in ("black", "white"):
        flat = Pillow.alpha_composite(Pillow.new("RGBA", part.size, beyond), part)
        behind = relative_luminance(np.asarray(flat.convert("RGB")))
        ratio = (np.maximum(behind, text) + 0.05) / (np.minimum(behind, text) + 0.05)
        worst = min(worst, float(np.quantile(ratio, 0.1)))
    return worst


def _with_scrim(
    ground: Pillow.Image, box: PixelBox, colour: RGB, pad: int, opacity: int
) -> Pillow.Image:
    """A rounded panel under the text: dark under light text, light under dark text."""
    is_light = float(relative_luminance(colour)) > 0.18  # where both serve equally well
    shade = 0 if is_light else 255
    panel = Pillow.new("RGBA", ground.size)
    edges = (box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad)
    ImageDraw.Draw(panel).rounded_rectangle(edges, radius=pad, fill=(*[shade] * 3, opacity))
    return Pillow.alpha_composite(ground, panel)


def _ink(size: tuple[int, int], block: _Block, box: PixelBox, lettering: Lettering) -> Pillow.Image:
    """The letters alone: one colour, their shapes as alpha."""
    shapes = Pillow.new("L", size)
    draw = ImageDraw.Draw(shapes)
    share = {"left": 0.0, "centre": 0.5, "right": 1.0}[lettering.align]
    for number, line in enumerate(block.lines):
        x = box[0] + share * (block.width - block.font.getlength(line))
        y = box[1] + block.ascent + number * block.leading
        draw.text((x, y), line, font=block.font, fill=255, anchor="ls")
    ink = Pillow.new("RGBA", size, lettering.colour)
    ink.putalpha(shapes)
    return ink
