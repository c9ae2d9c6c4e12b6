"""Risk: how likely a fill from around is not what a person would keep.

What is copied from around can go on in a wall or a sky, however large the place. Where the place
touches several things, nobody here knows how they meet inside, and the more there is to fill, the
more of it is smears and repeated parts. The bound is data, with how it was found (`risk.yaml`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import sqrt
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BaseModel, ConfigDict, Field

from services.edit.colours import rgb_to_lab
from studio.imaging.image import FloatArray

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

_SIDE = 640  # px, as the photos had on which the bound was found
_RING = 8  # px around a place
_LEAST = 0.0005  # of the picture: specks are no risk


class _Bound(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    checked_on: date
    review_from: float = Field(gt=0)


@lru_cache(maxsize=1)
def review_from() -> float:
    """The risk from which a person should look."""
    text = Path(__file__).with_name("risk.yaml").read_text(encoding="utf-8")
    return _Bound.model_validate(yaml.safe_load(text)).review_from


@dataclass(frozen=True, slots=True)
class Risk:
    """Of the riskiest of the places that were filled."""

    share: float = 0.0  # of the picture
    spread: float = 0.0  # ΔE, of the colours around it

    @property
    def score(self) -> float:
        """0: none."""
        return self.spread * sqrt(self.share)

    @property
    def details(self) -> dict[str, Any]:
        """What an output says of it."""
        review = None
        if self.score >= review_from():
            review = (
                f"A place of {self.share:.0%} of the picture was filled from around, where "
                "different things meet: look for smears and repeated parts."
            )
        return {"fill_risk": round(self.score, 2), "needs_review": review}


def fill_risk(colours: Bytes, hole: Bools) -> Risk:
    """How risky it is to fill a hole of a picture from around.

    colours: (h, w, 3) sRGB; what is in the hole does not matter. hole: (h, w), True = filled.
    CPU work.
    """
    shrink = min(1.0, _SIDE / max(hole.shape))
    size = max(1, round(hole.shape[1] * shrink)), max(1, round(hole.shape[0] * shrink))
    lab = rgb_to_lab(np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_AREA), np.uint8))
    part = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    gone = np.asarray(part > 0)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RING + 1, 2 * _RING + 1))
    count, label = cv2.connectedComponents(cv2.dilate(gone.astype(np.uint8), disc))
    share = np.bincount(label.ravel(), weights=part.ravel(), minlength=count) / part.size
    risks = [
        Risk(float(share[one]), _spread(lab[(label == one) & ~gone]))
        for one in range(1, count)
        if share[one] >= _LEAST
    ]
    return max(risks, key=lambda risk: risk.score, default=Risk())


def _spread(around: FloatArray) -> float:
    return float(np.sqrt(around.var(axis=0).sum())) if len(around) else 0.0
