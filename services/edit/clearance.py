"""Clearance: where words cover least of what a picture is of.

Heads and what stands out should stay to be seen. Among the nine anchors the first is taken that
leaves them free, or the one that covers least; what is covered all the same is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from services.edit.anchor import Anchor
from studio.imaging.faces import faces, head
from studio.imaging.geometry import Box
from studio.imaging.image import FloatArray, Image
from studio.imaging.saliency import saliency
from studio.problems import Broken, Unavailable

#: In the order in which they are preferred; the middle is where most subjects are.
ORDER: tuple[Anchor, ...] = (
    "bottom", "top", "bottom-left", "bottom-right", "top-left", "top-right", "left", "right",
    "centre",
)  # fmt: skip

#: From these parts of a head, and of all that stands out, on people are told. A tenth of a head is
#: as in the optimizer's overlays. On the five photos of tests/photos texts that find their place by
#: themselves cover less than either, one across the middle 0.22 to 0.36 of what stands out, or
#: 0.13 of a head (2026-11-25).
_HEAD_COVERED, _SUBJECT_COVERED = 0.1, 0.15
_FREE = 0.03  # a place that covers less is as good as free
_HEADS_COUNT = 4.0  # times as much as the rest of what stands out


@dataclass(frozen=True, slots=True)
class Sight:
    """What a picture is of: heads, normalised, and focal weights, (h, w) float32 ≥ 0."""

    heads: tuple[Box, ...]
    weights: FloatArray

    @classmethod
    def of(cls, image: Image) -> Self | None:
        """Look at a picture; None where nothing here can see, as its weights are not in order.

        CPU work.
        """
        try:
            return cls(tuple(head(one.box) for one in faces(image)), saliency(image))
        except (Unavailable, Broken):
            return None

    def covered(self, box: Box) -> tuple[float, float]:
        """What a box covers: the largest part of a head, and the part of all that stands out."""
        shared = [(box.intersection(one), one) for one in self.heads]
        heads = max((part.area / one.area for part, one in shared if part), default=0.0)
        total = float(self.weights.sum())
        if not total:
            return heads, 0.0
        left, top, right, bottom = box.pixels(self.weights.shape[1], self.weights.shape[0])
        return heads, float(self.weights[top:bottom, left:right].sum()) / total

    def freest(self, places: Mapping[Anchor, Box]) -> Anchor:
        """The first of the places, in their order, that is free, or that which covers least."""
        costs = {anchor: self._cost(box) for anchor, box in places.items()}
        free = [anchor for anchor, cost in costs.items() if cost < _FREE]
        return free[0] if free else min(costs, key=costs.__getitem__)

    def review(self, box: Box) -> str | None:
        """Why a person should look at words in a box; None: they cover nothing that matters."""
        heads, rest = self.covered(box)
        if heads >= _HEAD_COVERED:
            return f"The text covers {heads:.0%} of a head."
        if rest >= _SUBJECT_COVERED:
            return f"The text covers {rest:.0%} of what stands out."
        return None

    def _cost(self, box: Box) -> float:
        heads, rest = self.covered(box)
        return _HEADS_COUNT * heads + rest
