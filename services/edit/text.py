"""Text: words on a picture that can be read.

They stand at an anchor, or where they cover least of heads and of what stands out. The contrast
against what is behind is measured (studio.imaging.legibility); where it is below 4.5:1, a scrim is
laid under the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image as Pillow
from PIL import ImageDraw

from services.edit.anchor import Anchor, across, down
from services.edit.clearance import ORDER, Sight
from studio.imaging.colour import RGB
from studio.imaging.geometry import Box
from studio.imaging.legibility import READABLE, contrast_on, scrim_colour
from studio.imaging.typesetting import Align, Typeset, fit

Scrim = Literal["auto", "always"]
TextAnchor = Anchor | Literal["auto"]
PixelBox = tuple[int, int, int, int]  # left, top, right, bottom

_SCRIMS = (180, 220, 255)  # opacities: no darker than it has to be
_PAD = 0.45  # of the scrim around the text, in font sizes
_LINE_HEIGHT = 1.25  # in font sizes
_SMALLEST = 8  # px; whoever edits by hand sees what is legible
_ALIGN: dict[float, Align] = {0: "left", 0.5: "centre", 1: "right"}  # by how far to the right


@dataclass(frozen=True, slots=True)
class Lettering:
    """What to write, and where."""

    text: str
    anchor: TextAnchor
    align: Align | None  # None: as the anchor
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
    anchor: Anchor  # where it stands
    box: Box  # around the letters, normalised
    review: str | None  # why a person should look at where it stands

    @property
    def details(self) -> dict[str, Any]:
        """What an output says of it."""
        return {
            "text_contrast": self.contrast,
            "text_scrim": self.has_scrim,
            "text_size_px": self.size,
            "text_anchor": self.anchor,
            "text_box": {name: round(side, 4) for name, side in self.box.model_dump().items()},
            "needs_review": self.review,
        }


def lettered(pixels: Pillow.Image, lettering: Lettering, sight: Sight | None = None) -> Lettered:
    """Write on the picture. Refused: text.no_glyph, text.does_not_fit.

    sight: what the picture is of; None: nobody knows, then “auto” is the first of all anchors.
    """
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
    pad = round(block.size * _PAD)
    places = {one: _placed(block, pixels.size, margin, one) for one in ORDER}
    panels = {one: _normalised(place, pixels.size, pad) for one, place in places.items()}
    anchor = lettering.anchor
    if anchor == "auto":
        anchor = sight.freest(panels) if sight else ORDER[0]
    left, top, right, bottom = places[anchor]

    # Only the part around the text is worked on: a large picture is not copied for every layer.
    part = (
        max(0, left - 2 * pad),
        max(0, top - 2 * pad),
        min(pixels.width, right + 2 * pad),
        min(pixels.height, bottom + 2 * pad),
    )
    box = (left - part[0], top - part[1], right - part[0], bottom - part[1])
    ground, contrast, has_scrim = _readable(pixels.crop(part).convert("RGBA"), box, lettering, pad)
    align = lettering.align or _ALIGN[across(anchor)]
    ground.alpha_composite(_ink(block, align, lettering.colour), box[:2])
    result = pixels.copy()
    result.paste(ground.convert(pixels.mode), part[:2])
    at = _normalised(places[anchor], pixels.size)
    review = sight.review(panels[anchor] if has_scrim else at) if sight else None
    return Lettered(result, round(contrast, 2), has_scrim, block.size, anchor, at, review)


def _placed(block: Typeset, size: tuple[int, int], margin: int, anchor: Anchor) -> PixelBox:
    """Where a block of text stands at an anchor, px."""
    left = round(margin + across(anchor) * (size[0] - 2 * margin - block.width))
    top = round(margin + down(anchor) * (size[1] - 2 * margin - block.height))
    return left, top, left + block.width, top + block.height


def _normalised(place: PixelBox, size: tuple[int, int], more: int = 0) -> Box:
    """A place, and so many px around it, in the picture."""
    left, top, right, bottom = place
    return Box(
        x0=max(0, left - more) / size[0],
        y0=max(0, top - more) / size[1],
        x1=min(size[0], right + more) / size[0],
        y1=min(size[1], bottom + more) / size[1],
    )


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


def _ink(block: Typeset, align: Align, colour: RGB) -> Pillow.Image:
    """The letters alone: one colour, their shapes as alpha."""
    shapes = block.shapes(align)
    ink = Pillow.new("RGBA", shapes.size, colour)
    ink.putalpha(shapes)
    return ink
