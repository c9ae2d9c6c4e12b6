"""Text: words on a picture that can be read.

The contrast against what is behind is measured (WCAG 2.2) at the least favourable tenth of the
text's ground; where it is below 4.5:1, a scrim is laid under the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from studio.imaging.colour import RGB, relative_luminance
from studio.problems import Refused

Anchor = Literal[
    "top-left", "top", "top-right", "left", "centre", "right",
    "bottom-left", "bottom", "bottom-right",
]  # fmt: skip

_FONT = Path(__file__).parent / "fonts" / "SourceSansPro-Semibold.ttf"  # OFL 1.1, Adobe

READABLE = 4.5  # WCAG 2.2, success criterion 1.4.3
_SCRIMS = (180, 220, 255)  # opacities: no darker than it has to be
_LINE = 1.25  # line height, in font sizes
_SMALLEST = 8  # px


@dataclass(frozen=True, slots=True)
class Lettering:
    """What to write, and where."""

    text: str
    anchor: Anchor
    size: float  # font size as a fraction of the height
    colour: RGB
    margin: float  # from the edges, as a fraction of the shorter side


@dataclass(frozen=True, slots=True)
class Lettered:
    """The picture with its text, and how well it can be read."""

    pixels: Pillow.Image
    contrast: float
    has_scrim: bool


def lettered(pixels: Pillow.Image, lettering: Lettering) -> Lettered:
    """Write on the picture. Refused: edit.text.glyphs, edit.text.too_long."""
    _check_glyphs(lettering.text)
    margin = round(lettering.margin * min(pixels.size))
    font, lines = _fitted(lettering, pixels.width - 2 * margin, pixels.height - 2 * margin)
    box = _placed(pixels, font, lines, lettering.anchor, margin)
    contrast = _contrast(pixels, box, lettering.colour)
    has_scrim = contrast < READABLE
    canvas = pixels.convert("RGBA")
    for opacity in _SCRIMS if has_scrim else ():
        canvas = _with_scrim(pixels, box, lettering.colour, round(font.size * 0.45), opacity)
        contrast = _contrast(canvas, box, lettering.colour)
        if contrast >= READABLE:
            break
    draw = ImageDraw.Draw(canvas)
    align = _align(lettering.anchor)
    for number, line in enumerate(lines):
        wide = font.getlength(line)
        x = box[0] + {"left": 0.0, "center": 0.5, "right": 1.0}[align] * (box[2] - box[0] - wide)
        y = box[1] + number * font.size * _LINE
        draw.text((x, y), line, font=font, fill=(*lettering.colour, 255))
    result = canvas if pixels.mode == "RGBA" else canvas.convert("RGB")
    return Lettered(result, round(contrast, 2), has_scrim)


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONT, size)


def _check_glyphs(text: str) -> None:
    """No boxes instead of letters: every character must have a shape of its own."""
    font = _font(32)
    tofu = font.getmask("\U000f0000").getbbox(), bytes(font.getmask("\U000f0000"))
    missing = sorted(
        {
            letter
            for letter in text
            if not letter.isspace()
            and (font.getmask(letter).getbbox(), bytes(font.getmask(letter))) == tofu
        }
    )
    if missing:
        raise Refused(
            rule="edit.text.glyphs",
            says=f"The font has no shapes for: {' '.join(missing)}",
            fix="Use Latin letters, digits and common punctuation.",
        )


def _fitted(
    lettering: Lettering, width: int, height: int
) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """The wanted size, or the largest below it at which the text fits."""
    size = max(_SMALLEST, round(lettering.size * height))
    while size >= _SMALLEST:
        font = _font(size)
        lines = _wrapped(lettering.text, font, width)
        if lines and len(lines) * size * _LINE <= height:
            return font, lines
        size = round(size * 0.9) if size > _SMALLEST * 2 else size - 1
    raise Refused(
        rule="edit.text.too_long",
        says="The text does not fit into the picture, even in small letters.",
        fix="Shorten it, or enlarge the picture first.",
    )


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str] | None:
    """Lines no wider than `width`; None if a single word is."""
    lines = []
    for paragraph in text.splitlines():
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


def _placed(
    pixels: Pillow.Image,
    font: ImageFont.FreeTypeFont,
    lines: list[str],
    anchor: Anchor,
    margin: int,
) -> tuple[int, int, int, int]:
    wide = max(font.getlength(line) for line in lines)
    tall = font.size * (_LINE * (len(lines) - 1) + 1.1)
    across = {"left": 0.0, "center": 0.5, "right": 1.0}[_align(anchor)]
    down = 0.0 if anchor.startswith("top") else 1.0 if anchor.startswith("bottom") else 0.5
    x = margin + across * (pixels.width - 2 * margin - wide)
    y = margin + down * (pixels.height - 2 * margin - tall)
    return round(x), round(y), round(x + wide), round(y + tall)


def _align(anchor: Anchor) -> str:
    if anchor.endswith("left"):
        return "left"
    return "right" if anchor.endswith("right") else "center"


def _contrast(pixels: Pillow.Image, box: tuple[int, int, int, int], colour: RGB) -> float:
    """The WCAG ratio that nine tenths of the ground reach or exceed."""
    behind = relative_luminance(np.asarray(pixels.convert("RGB").crop(box)))
    text = float(relative_luminance(colour))
    ratio = (np.maximum(behind, text) + 0.05) / (np.minimum(behind, text) + 0.05)
    return float(np.quantile(ratio, 0.1))


def _with_scrim(
    pixels: Pillow.Image, box: tuple[int, int, int, int], colour: RGB, pad: int, opacity: int
) -> Pillow.Image:
    """A rounded panel under the text: dark under light text, light under dark text."""
    is_light = float(relative_luminance(colour)) > 0.18  # where both serve equally well
    shade = 0 if is_light else 255
    panel = Pillow.new("RGBA", pixels.size)
    edges = (box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad)
    ImageDraw.Draw(panel).rounded_rectangle(edges, radius=pad, fill=(*[shade] * 3, opacity))
    return Pillow.alpha_composite(pixels.convert("RGBA"), panel)
