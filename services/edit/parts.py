"""Parts: small coloured parts of a subject, named by what colour they are beside the rest of it.

A cat's eyes are called green although every pixel of them, alone, is an olive brown: against brown
fur they are greener. So where no part of the subject has a colour that was named, and the thing
named is one that is small (eyes, a button, a ribbon), what differs from the rest of the subject in
the direction of that colour's hue is taken, if it is colourful, compact and not far from the hue.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from services.edit.colours import rgb_to_lab
from studio.imaging.image import FloatArray

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

#: Things that are small beside what they belong to.
WORDS = frozenset({
    "eye", "eyes", "iris", "irises", "lip", "lips", "nose", "tongue", "beak", "collar", "badge",
    "badges", "button", "buttons", "emblem", "label", "labels", "leaf", "leaves", "logo", "patch",
    "patches", "petal", "petals", "ribbon", "ribbons", "spot", "spots", "stripe", "stripes", "tag",
    "tags", "gem", "gems", "stone", "stones", "bead", "beads",
})  # fmt: skip

#: The hues, degrees in the a*b* plane, that a difference towards a colour may have.
_HUES = {
    "red": (10, 52),
    "orange": (45, 80),
    "yellow": (72, 115),
    "green": (93, 195),
    "blue": (225, 310),
    "purple": (295, 345),
    "pink": (325, 375),
}
_NEAR = 25.0  # degrees beyond them that the part's own hue may lie
_COLOURFUL = 15.0  # chroma from which a hue means something
_APART = 9.0  # ΔE in a*b* from the subject's median: less is its own play of colour
_SUBJECT = 0.5  # of the matte
_LEAST, _MOST = 0.001, 0.1  # of the subject: less is a speck, more is no small part
_BESIDE = 0.25  # of the largest: parts come in pairs and rows, stray places are smaller
_SOLID = 0.7  # of what is colourful in its convex hull; a mere play of colour is ragged


def small_parts(pixels: Bytes, matte: FloatArray, colour: str) -> FloatArray | None:
    """Where a subject has small parts that are of a colour beside the rest of it.

    pixels: (h, w, 3) sRGB, without noise. matte: (h, w), 1 = subject.
    Returns (h, w) float32 0 or 1; None if it has none, or the colour has no hue of its own here.
    """
    subject = matte > _SUBJECT
    if colour not in _HUES or not subject.any():
        return None
    lab = rgb_to_lab(pixels)
    own = lab[..., 1:]
    away = own - np.median(own[subject], axis=0).astype(np.float32)
    colourful = np.asarray(np.hypot(own[..., 0], own[..., 1]) >= _COLOURFUL)
    likely = subject & colourful
    likely &= np.hypot(away[..., 0], away[..., 1]) >= _APART
    likely &= _within(away, colour, 0) & _within(own, colour, _NEAR)
    return _largest(likely, colourful, int(subject.sum()))


def _within(difference: FloatArray, colour: str, more: float) -> Bools:
    """Whether differences in a*b*, (h, w, 2), point to a colour's hues, or so far beside them."""
    first, last = _HUES[colour]
    hue = np.degrees(np.arctan2(difference[..., 1], difference[..., 0]))
    return np.asarray((hue - first + more) % 360 <= last - first + 2 * more)


def _largest(places: Bools, colourful: Bools, subject: int) -> FloatArray | None:
    """The largest connected places, gaps closed, if they are small parts of so large a subject."""
    across = max(3, round(0.012 * max(places.shape))) | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across))
    closed = cv2.morphologyEx(places.astype(np.uint8), cv2.MORPH_CLOSE, disc)
    _, label, boxes, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    boxes[0, 4] = 0
    large = boxes[:, 4] >= max(_LEAST * subject, _BESIDE * boxes[:, 4].max())
    parts = [_rounded(label == one, colourful) for one in np.flatnonzero(large)]
    chosen = np.sum([part for part in parts if part is not None], axis=0, dtype=np.float32)
    if not 0 < float(np.sum(chosen)) <= _MOST * subject:
        return None
    return np.asarray(chosen.clip(0, 1), np.float32)


def _rounded(part: Bools, colourful: Bools) -> npt.NDArray[np.uint8] | None:
    """The convex hull of a part, with the pupil or the glint that it goes round; None if other
    colours lie in there."""
    outlines, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = np.zeros(part.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.concatenate(outlines)), 1)
    inside = (hull > 0) & (colourful | part)
    return hull if part.sum() >= _SOLID * inside.sum() else None
