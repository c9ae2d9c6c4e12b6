"""Sweep: a product alone, before paper that bends from floor to wall without a line.

As studios take what is to be cut out: an even ground that is lighter or darker than the product,
light from a large soft box, and no more than the shadow where it touches the ground.
"""

from __future__ import annotations

import numpy as np

from services.create.providers.local.brief import Brief, Rgb
from services.create.providers.local.canvas import Canvas, Picture, mix, shade, shine
from services.create.providers.local.painters.flora import blooms
from services.create.providers.local.painters.objects import Stand
from services.create.providers.local.painters.things import CLAY, EXTENTS, OBJECTS, OWN, WIDTHS
from studio.imaging.colour import relative_luminance

_FILL = 0.62  # of the frame, in whichever direction the product is the longer
_PAPER: tuple[Rgb, ...] = ((238, 240, 242), (241, 238, 233), (236, 240, 238))
_SLATE: tuple[Rgb, ...] = ((112, 122, 134), (126, 118, 112), (110, 126, 122))
_PALE_IN_PARTS = frozenset({"wine", "books"})  # glass and pages, whatever the rest is
_PALE = 0.42  # relative luminance from which a product needs a darker ground


def sweep(canvas: Canvas, brief: Brief) -> Picture:
    """The product, as often as it is asked for. Chance decides tints and the side of the light."""
    palette = brief.palette(canvas.dice, 4)
    from_right = bool(canvas.dice.random() < 0.5)  # the light; all is mirrored at the end
    shown = [colour for kind, colour in brief.things if kind == brief.motif][:4] or [None]
    first = shown[0] or _unnamed(brief, palette)
    is_pale = brief.motif in _PALE_IN_PARTS or relative_luminance(first) > _PALE
    papers = _SLATE if is_pale else _PAPER
    paper = papers[int(canvas.dice.integers(len(papers)))]
    picture = _paper(canvas, brief.parts.get("background") or paper)
    left, right, high = _extent(brief)
    step = (left + right) * 1.12
    wide = step * (len(shown) - 1) + left + right
    unit = _FILL * brief.scale * min(1 / wide, 1 / (high * canvas.ratio))
    foot = 0.5 + high * unit * canvas.ratio * 0.5 + 0.02
    x = (brief.place or 0.5) - (wide / 2 - left) * unit
    x += (1 - 2 * brief.place) if from_right and brief.place else 0.0
    for number, colour in enumerate(shown):
        at = x + number * step * unit
        accent = brief.parts.get("accent", palette[3])
        stand = Stand(canvas, picture, brief, at, foot, unit, colour or first, accent)
        if brief.has("shadows", otherwise=True):
            _contact(stand, min(0.5, WIDTHS.get(brief.motif, 0.5)))
        OBJECTS[brief.motif](stand)
    return np.ascontiguousarray(picture[:, ::-1]) if from_right else picture


def _unnamed(brief: Brief, palette: list[Rgb]) -> Rgb:
    if brief.motif == "vase" and "petals" in brief.parts:
        return CLAY
    if brief.colours:
        return brief.colours[0]
    return OWN.get(brief.motif, palette[0])


def _extent(brief: Brief) -> tuple[float, float, float]:
    if brief.motif == "vase" and blooms(brief):
        return 1.2, 1.2, 2.2
    return EXTENTS[brief.motif]


def _paper(canvas: Canvas, colour: Rgb) -> Picture:
    """Lit from above and a little from the left; lighter where the paper bends."""
    picture = canvas.gradient(
        [mix(colour, (20, 20, 24), 0.05), colour, mix(colour, (255, 255, 255), 0.1), colour]
    )
    shine(picture, canvas.glow((0.35, 0.42), 0.8), (255, 255, 255), 0.06)
    return picture


def _contact(stand: Stand, half: float) -> None:
    """The shadow under the product: dark and narrow where it stands, gone a little further."""
    stand.shadow(0.04, -0.01, half * 0.75, 0.05, 0.3)
    mask = stand.canvas.polygons([stand.oval(0.08, -0.03, half * 0.95, 0.09)])
    shade(stand.picture, stand.canvas.soft(mask, stand.unit * 0.09), 0.12)
