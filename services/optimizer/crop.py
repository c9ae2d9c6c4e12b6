"""Crop: the window of a ratio that keeps most of what matters, where nothing covers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.imaging.geometry import Box
from studio.imaging.image import FloatArray

WHOLE = Box(x0=0, y0=0, x1=1, y1=1)

#: Weight that lies in the safe zone counts this much on top of being kept at all. What is covered
#: is lost under some controls, what is cut is lost everywhere: little is cut to uncover more.
_SAFE = 0.3
#: Cutting into any head costs more than all else can gain (1.3, the centring and words); how much
#: of the heads is cut decides between windows that must cut.
_ANY_CUT, _MORE_CUT = 4.5, 3.0
#: Words give way to heads, and to nothing else (1.3 and the centring). Where heads must be cut they
#: have no say: a headline between two people must not win over both.
_WORDS_CUT, _MORE_WORDS_CUT = 1.5, 1.0
#: A box counts as cut from this fraction of its area on; less is rounding.
_GRAZED = 0.01
#: Of a circle's diameter: a head that fills it and leaves the outline of the hair and some ground.
#: It lies within the inscribed square, whose side is 0.71.
_HEAD_FILLS = 0.6
#: Between equals, the window whose safe zone is centred on the weight wins.
_CENTRED = 0.08


@dataclass(frozen=True, slots=True)
class Crop:
    """A window, normalised, and how well it keeps what matters."""

    box: Box
    focal_kept: float  # fraction of the focal weight inside the window
    cuts_head: bool  # whether something that must be kept whole is cut


def focal_crop(
    weights: FloatArray,
    ratio: float,
    *,
    keep: Sequence[Box] = (),
    words: Sequence[Box] = (),
    safe: Box = WHOLE,
) -> Crop:
    """Find the largest window of a ratio that keeps the most focal weight in its safe zone.

    weights: (h, w) float32 ≥ 0, any scale; need not be the picture's resolution, but its ratio.
    ratio:   width ÷ height of the window, relative to the picture's own (1: the whole picture).
    keep:    boxes that are cut only if geometry forces it.
    words:   boxes that are cut only if geometry, or what is kept, forces it.
    safe:    the part of the window that stays uncovered, normalised to the window.
    O(h·w) by summed-area tables (Crow, 1984).
    """
    wide, tall = min(1.0, ratio), min(1.0, 1 / ratio)
    table = _summed(weights)
    total = max(float(table[-1, -1]), 1e-12)
    steps = max(weights.shape)
    lefts = np.linspace(0, 1 - wide, steps if wide < 1 else 1)
    tops = np.linspace(0, 1 - tall, steps if tall < 1 else 1)
    xs, ys = np.broadcast_arrays(lefts[None, :], tops[:, None])
    xs, ys = xs.ravel(), ys.ravel()
    kept = _inside(table, xs, ys, xs + wide, ys + tall) / total
    safe_kept = (
        _inside(
            table,
            xs + safe.x0 * wide,
            ys + safe.y0 * tall,
            xs + safe.x1 * wide,
            ys + safe.y1 * tall,
        )
        / total
    )
    mean, worst = _cut_fractions(keep, xs, ys, wide, tall)
    score = kept + _SAFE * safe_kept - _ANY_CUT * (worst > _GRAZED) - _MORE_CUT * mean
    words_mean, words_worst = _cut_fractions(words, xs, ys, wide, tall)
    if worst.min() <= _GRAZED:
        score -= _WORDS_CUT * (words_worst > _GRAZED) + _MORE_WORDS_CUT * words_mean
    cx, cy = _centroid(weights)
    mid_x, mid_y = safe.centre
    score -= _CENTRED * (np.abs(xs + mid_x * wide - cx) + np.abs(ys + mid_y * tall - cy))
    best = int(np.argmax(score))
    x, y = float(xs[best]), float(ys[best])
    box = Box(x0=x, y0=y, x1=min(1.0, x + wide), y1=min(1.0, y + tall))
    return Crop(box, min(1.0, float(kept[best])), bool(worst[best] > _GRAZED))


def portrait_crop(window: Box, head: Box, least: float) -> Box:
    """Zoom a window, of which a circle is shown, until the head fills 0.6 of its diameter.

    window: square in px.
    head:   the box in the middle of the result, as far as the picture allows.
    least:  the smallest fraction of the window's side that has enough px.
    All normalised to the picture. Never larger than the window, never smaller than the head.
    """
    fills = max(head.width / window.width, head.height / window.height)
    scale = max(least, fills / _HEAD_FILLS)
    if scale >= 1:
        return window
    wide, tall = scale * window.width, scale * window.height
    x, y = head.centre
    left, top = min(max(x - wide / 2, 0.0), 1 - wide), min(max(y - tall / 2, 0.0), 1 - tall)
    return Box(x0=left, y0=top, x1=min(1.0, left + wide), y1=min(1.0, top + tall))


def kept_weight(weights: FloatArray, box: Box) -> float:
    """The fraction of the focal weight that lies in a box, 0..1; 1 if there is no weight."""
    table = _summed(weights)
    total = float(table[-1, -1])
    if total <= 0:
        return 1.0
    edges = (np.array([edge]) for edge in (box.x0, box.y0, box.x1, box.y1))
    return min(1.0, float(_inside(table, *edges)[0]) / total)


def safe_fraction(subject: np.ndarray, crop: Box, safe: Box) -> float:
    """How much of the subject's area lies in the safe zone of the window; 1 if there is none."""
    area = int(subject.sum())
    if area == 0:
        return 1.0
    zone = Box(
        x0=crop.x0 + safe.x0 * crop.width,
        y0=crop.y0 + safe.y0 * crop.height,
        x1=crop.x0 + safe.x1 * crop.width,
        y1=crop.y0 + safe.y1 * crop.height,
    )
    x0, y0, x1, y1 = zone.pixels(subject.shape[1], subject.shape[0])
    return float(subject[y0:y1, x0:x1].sum() / area)


def round_fraction(subject: np.ndarray, edges: tuple[float, float, float, float]) -> float:
    """How much of the subject's area is inside a circle; 1 if there is none.

    edges: left, top, right and bottom of the circle, normalised to the picture, which it may leave.
    """
    area = int(subject.sum())
    if area == 0:
        return 1.0
    left, top, right, bottom = edges
    height, width = subject.shape
    x = (2 * (np.arange(width) + 0.5) / width - left - right) / (right - left)
    y = (2 * (np.arange(height) + 0.5) / height - top - bottom) / (bottom - top)
    return float(subject[np.hypot(x[None, :], y[:, None]) <= 1].sum() / area)


def _summed(weights: FloatArray) -> np.ndarray:
    table = np.zeros((weights.shape[0] + 1, weights.shape[1] + 1))
    table[1:, 1:] = weights.cumsum(0, dtype=np.float64).cumsum(1)
    return table


def _inside(
    table: np.ndarray, x0: np.ndarray, y0: np.ndarray, x1: np.ndarray, y1: np.ndarray
) -> np.ndarray:
    """Sums of rectangles with fractional edges, by bilinear look-up in the table."""
    return np.asarray(
        _at(table, x1, y1) - _at(table, x0, y1) - _at(table, x1, y0) + _at(table, x0, y0)
    )


def _at(table: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    height, width = table.shape[0] - 1, table.shape[1] - 1
    fx, fy = np.clip(x, 0, 1) * width, np.clip(y, 0, 1) * height
    ix, iy = np.minimum(fx.astype(int), width - 1), np.minimum(fy.astype(int), height - 1)
    dx, dy = fx - ix, fy - iy
    top = table[iy, ix] * (1 - dx) + table[iy, ix + 1] * dx
    bottom = table[iy + 1, ix] * (1 - dx) + table[iy + 1, ix + 1] * dx
    return np.asarray(top * (1 - dy) + bottom * dy)


def _cut_fractions(
    keep: Sequence[Box], xs: np.ndarray, ys: np.ndarray, wide: float, tall: float
) -> tuple[np.ndarray, np.ndarray]:
    """How much of the boxes lies outside each window: in the mean, and of the worst."""
    mean, worst = np.zeros_like(xs), np.zeros_like(xs)
    for box in keep:
        w = np.minimum(xs + wide, box.x1) - np.maximum(xs, box.x0)
        h = np.minimum(ys + tall, box.y1) - np.maximum(ys, box.y0)
        # Each side by itself: the area of a box can be too small for a number.
        lost = 1 - np.clip(w, 0, None) / box.width * (np.clip(h, 0, None) / box.height)
        mean += lost / len(keep)
        worst = np.maximum(worst, lost)
    return mean, worst


def _centroid(weights: FloatArray) -> tuple[float, float]:
    total = max(float(weights.sum()), 1e-12)
    height, width = weights.shape
    x = float((weights.sum(0) * (np.arange(width) + 0.5)).sum() / total / width)
    y = float((weights.sum(1) * (np.arange(height) + 0.5)).sum() / total / height)
    return x, y
