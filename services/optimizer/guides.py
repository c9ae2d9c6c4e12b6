"""Guides: what a placement covers and what it leaves, as a transparent layer and as numbers.

A layer of its own for people who design by hand; it is never part of a deliverable. It is drawn in
pairs of light and dark, so that it can be read on any picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from services.optimizer.placements import Placement
from studio.imaging.encode import encode
from studio.imaging.image import FloatArray, Image

Colour = tuple[int, int, int]
Rectangle = tuple[int, int, int, int]  # left, top, right, bottom, px; right and bottom exclusive

_INK: Colour = (16, 20, 31)
_PAPER: Colour = (255, 255, 255)
_COVERED: Colour = (225, 29, 92)
_SAFE: Colour = (0, 190, 150)

_TINT, _HATCH, _LABEL = 0.16, 0.55, 0.86  # opacity
_LEAST_TYPE = 11  # px; smaller is not read


def guide_png(placement: Placement, version: str) -> bytes:
    """A PNG of the placement's size: covered parts hatched, the safe zone outlined. CPU work."""
    canvas = Pillow.new("RGBA", (placement.width, placement.height))
    unit = max(1.0, (placement.width * placement.height) ** 0.5 / 720)
    zone = _signed_distance(placement, _zone(placement))
    seen = _circle(placement) if placement.shape == "circle" else zone
    covered = np.clip(seen + 0.5, 0, 1)
    _paint(canvas, _COVERED, covered * _TINT)
    for colour, offset in ((_INK, -0.8), (_PAPER, 0.8)):
        _paint(canvas, colour, covered * _stripes(placement, unit, offset * unit) * _HATCH)
    for outline in (seen, zone) if placement.shape == "circle" else (zone,):
        inside = outline + 2 * unit  # the stroke lies within the zone, so an edge shows it whole
        _paint(canvas, _INK, _stroke(inside, 3.4 * unit) * 0.75)
        _paint(canvas, _PAPER, _stroke(inside, 2.4 * unit))
        _paint(canvas, _SAFE, _stroke(inside, 1.5 * unit))
    _label(canvas, placement, version, unit)
    return encode(Image(canvas), "image/png")


def guide_document(placement: Placement, version: str) -> dict[str, Any]:
    """The same as numbers: px of the placement, and normalised 0..1 of its size."""
    document = {
        "placement": placement.id,
        "platform": placement.platform,
        "name": placement.name,
        "version": version,
        "width": placement.width,
        "height": placement.height,
        "shape": placement.shape,
        "safe_zone": _told(placement, _zone(placement)),
        "covered": [
            {"side": side, **_told(placement, band)} for side, band in _bands(placement).items()
        ],
        "notes": list(placement.notes),
    }
    if placement.shape == "circle":
        document["notes"] = ["The safe zone is the square in the circle.", *placement.notes]
        half = placement.width / 2
        document["circle"] = {
            "px": {"x": half, "y": half, "radius": half},
            "normalised": {"x": 0.5, "y": 0.5, "radius": 0.5},
        }
    return document


def _zone(placement: Placement) -> Rectangle:
    margins = placement.safe_margins
    right, bottom = placement.width - margins.right, placement.height - margins.bottom
    return margins.left, margins.top, right, bottom


def _bands(placement: Placement) -> dict[str, Rectangle]:
    """The covered parts without overlap: above and below in full width, the sides between."""
    left, top, right, bottom = _zone(placement)
    width, height = placement.width, placement.height
    bands = {
        "top": (0, 0, width, top),
        "bottom": (0, bottom, width, height),
        "left": (0, top, left, bottom),
        "right": (right, top, width, bottom),
    }
    return {side: one for side, one in bands.items() if one[0] < one[2] and one[1] < one[3]}


def _told(placement: Placement, box: Rectangle) -> dict[str, Any]:
    left, top, right, bottom = box
    width, height = placement.width, placement.height
    return {
        "px": {"x": left, "y": top, "width": right - left, "height": bottom - top},
        "normalised": {
            "x0": round(left / width, 6),
            "y0": round(top / height, 6),
            "x1": round(right / width, 6),
            "y1": round(bottom / height, 6),
        },
    }


def _grid(placement: Placement) -> tuple[FloatArray, FloatArray]:
    """The x and y of pixel centres, to be broadcast."""
    xs = np.arange(placement.width, dtype=np.float32)[None, :] + 0.5
    ys = np.arange(placement.height, dtype=np.float32)[:, None] + 0.5
    return xs, ys


def _signed_distance(placement: Placement, box: Rectangle) -> FloatArray:
    """(h, w) px to the edge of a rectangle, negative inside (by the larger axis: sharp corners)."""
    xs, ys = _grid(placement)
    left, top, right, bottom = box
    x, y = np.maximum(left - xs, xs - right), np.maximum(top - ys, ys - bottom)
    return np.maximum(x, y)


def _circle(placement: Placement) -> FloatArray:
    """(h, w) px to the edge of the inscribed circle, negative inside."""
    xs, ys = _grid(placement)
    half = np.float32(placement.width / 2)
    distance: FloatArray = np.hypot(xs - half, ys - half) - half
    return distance


def _stroke(distance: FloatArray, width: float) -> FloatArray:
    """(h, w) coverage 0..1 of a line along the zeros of a distance."""
    return np.clip(width / 2 + 0.5 - np.abs(distance), 0, 1)


def _stripes(placement: Placement, unit: float, offset: float) -> FloatArray:
    """(h, w) coverage 0..1 of diagonal lines."""
    xs, ys = _grid(placement)
    period = 14 * unit
    across = (xs + ys) / np.float32(2**0.5) + offset
    return _stroke((across + period / 2) % period - period / 2, 1.6 * unit)


def _paint(canvas: Pillow.Image, colour: Colour, coverage: FloatArray) -> None:
    layer = Pillow.new("RGBA", canvas.size, colour)
    layer.putalpha(Pillow.fromarray((coverage * 255 + 0.5).astype(np.uint8)))
    canvas.alpha_composite(layer)


def _label(canvas: Pillow.Image, placement: Placement, version: str, unit: float) -> None:
    """Its name and sizes in the safe zone's upper left, and px in the margins wide enough."""
    left, top, right, bottom = _zone(placement)
    gap = round(10 * unit)
    titles = [
        f"{placement.id}   {placement.width} x {placement.height} px",
        f"safe zone   {right - left} x {bottom - top} px   ({version})",
    ]
    y = top + gap
    for title in titles:
        fits = _pill(canvas, title, (left + gap, y, right - gap, bottom - gap), unit, centred=False)
        y += fits + round(4 * unit) if fits else 0
    if placement.shape == "circle":
        return
    for side, band in _bands(placement).items():
        margin = getattr(placement.safe_margins, side)
        _pill(canvas, f"{margin} px", band, unit, centred=True)


def _pill(canvas: Pillow.Image, text: str, room: Rectangle, unit: float, *, centred: bool) -> int:
    """Write on a dark ground in a room; returns the height it took, 0 if there was no room."""
    font = ImageFont.load_default(max(_LEAST_TYPE, round(13 * unit)))
    left, top, right, bottom = room
    draw = ImageDraw.Draw(canvas)
    x0, _, x1, _ = draw.textbbox((0, 0), text, font=font, anchor="ls")
    pad = max(4, round(5 * unit))
    _, high, _, low = draw.textbbox((0, 0), "Égp", font=font, anchor="ls")
    width, height = round(x1 - x0) + 2 * pad, round(low - high) + pad
    if width > right - left or height > bottom - top:
        return 0
    if centred:
        left, top = (left + right - width) // 2, (top + bottom - height) // 2
    layer = Pillow.new("RGBA", canvas.size)
    on = ImageDraw.Draw(layer)
    ground = (*_INK, round(255 * _LABEL))
    on.rounded_rectangle((left, top, left + width, top + height), radius=pad, fill=ground)
    on.text((left + pad - x0, top + pad / 2 - high), text, font=font, fill=_PAPER, anchor="ls")
    canvas.alpha_composite(layer)
    return height
