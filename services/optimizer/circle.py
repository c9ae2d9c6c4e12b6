"""Circle: the square of which the platform shows only the circle inside."""

from __future__ import annotations

import numpy as np

from services.optimizer.crop import kept_weight, round_fraction
from services.optimizer.focus import Focus
from studio.imaging.geometry import Box

_SIZES = 32  # squares tried, from the largest to the smallest that has enough px


def round_window(window: Box, focus: Focus, least: float, *, enough: float, kept: float) -> Box:
    """The largest square whose circle shows enough of the subject; else the one that shows most.

    A subject near an edge lies in the corner of the largest square, where the circle hides it.
    Smaller squares reach further: their middle is that of what must not be cut (of the subject if
    there is nothing such), as far as the picture allows.

    window: the square that is taken where its circle shows enough; all normalised to the picture.
    least:  the smallest fraction of the window's side that has enough px.
    enough: of the subject's area, 0..1.
    kept:   of the focal weight, where nothing is named: squares that keep less are no better.
    """
    most = _shown(focus, window)
    middle = _middle(focus)
    if most >= enough or middle is None:
        return window
    may_cut = focus.cut_by(window) is not None
    floor = 0.0 if focus.keep else min(kept, kept_weight(focus.weights, window))
    best = window
    for scale in np.linspace(1.0, min(1.0, least), _SIZES):
        square = _around(middle, float(scale) * window.width, float(scale) * window.height)
        if focus.cut_by(square) and not may_cut:
            continue
        shown = _shown(focus, square)
        if shown <= most or kept_weight(focus.weights, square) < floor:
            continue
        best, most = square, shown
        if most >= enough:
            break
    return best


def _shown(focus: Focus, square: Box) -> float:
    edges = (square.x0, square.y0, square.x1, square.y1)
    return round_fraction(focus.subject, edges)


def _middle(focus: Focus) -> tuple[float, float] | None:
    """Of the box around what must not be cut, or around the subject; None if there is neither."""
    if boxes := focus.keep:
        left, top = min(one.x0 for one in boxes), min(one.y0 for one in boxes)
        right, bottom = max(one.x1 for one in boxes), max(one.y1 for one in boxes)
        return (left + right) / 2, (top + bottom) / 2
    rows, columns = np.nonzero(focus.subject)
    if not rows.size:
        return None
    height, width = focus.subject.shape
    return (
        float(columns.min() + columns.max() + 1) / (2 * width),
        float(rows.min() + rows.max() + 1) / (2 * height),
    )


def _around(middle: tuple[float, float], wide: float, tall: float) -> Box:
    """A box with this middle, moved into the picture."""
    x, y = middle
    left, top = min(max(x - wide / 2, 0.0), 1 - wide), min(max(y - tall / 2, 0.0), 1 - tall)
    return Box(x0=left, y0=top, x1=min(1.0, left + wide), y1=min(1.0, top + tall))
