"""Finishes: what makes a painted picture a photograph, a drawing, a mosaic; one family a file.

A finish takes a picture, its canvas and a strength 0..1, and returns a new picture of its size.
"""

from __future__ import annotations

from collections.abc import Callable

from services.create.providers.local.canvas import Canvas, Picture
from services.create.providers.local.finishes.built import clay, facets, folded, mosaic, pixels
from services.create.providers.local.finishes.drawn import cel, ink, line, pencil
from services.create.providers.local.finishes.painted import flat, oil, riso, wash
from services.create.providers.local.finishes.photographed import (
    bloom,
    cinema,
    enhanced,
    film,
    neon,
    photograph,
)

FINISHES: dict[str, Callable[[Picture, Canvas, float], Picture]] = {
    "photograph": photograph,
    "cinema": cinema,
    "film": film,
    "enhanced": enhanced,
    "bloom": bloom,
    "neon": neon,
    "line": line,
    "pencil": pencil,
    "ink": ink,
    "cel": cel,
    "oil": oil,
    "wash": wash,
    "flat": flat,
    "riso": riso,
    "clay": clay,
    "facets": facets,
    "folded": folded,
    "pixels": pixels,
    "mosaic": mosaic,
}
