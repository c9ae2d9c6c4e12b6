"""Focus: what in a picture matters, found once and used for every crop of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict

from studio.imaging.faces import faces
from studio.imaging.geometry import Box
from studio.imaging.image import FloatArray, Image
from studio.imaging.saliency import saliency
from studio.problems import Broken, Unavailable

#: Faces together weigh this much of everything else that stands out.
_FACES_WEIGHT = 1.5
#: A head is its face and this much of the face's size more: (above, below, to each side).
_HEAD = (0.55, 0.20, 0.20)
#: A place belongs to the subject from this fraction of the greatest weight on.
_SUBJECT_FROM = 0.4
#: A "subject" that is larger than this fraction of the picture is the scene itself.
_SUBJECT_AT_MOST = 0.45


class Region(BaseModel):
    """A part of the picture that matters, and how it was found."""

    model_config = ConfigDict(frozen=True)

    kind: str  # "face", "given"
    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class Focus:
    """Weights for cropping, and what must not be cut.

    weights: (h, w) float32 ≥ 0, the longer side at most 320; its sum is 1.
    subject: (h, w) bool, what should lie in the safe zone; empty for scenes without one.
    keep:    heads and given regions that a crop must not cut if it can be avoided.
    """

    weights: FloatArray
    subject: np.ndarray
    regions: tuple[Region, ...]
    detectors: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def keep(self) -> list[Box]:
        """What must not be cut: heads, and what the user named."""
        return [_head(one.box) if one.kind == "face" else one.box for one in self.regions]


def find_focus(image: Image, given: Sequence[Box] = ()) -> Focus:
    """Look at a picture. CPU work of about half a second; call it through `compute`.

    Regions that are given count alone: whoever names them knows better.
    """
    notes: list[str] = []
    if given:
        regions = [Region(kind="given", box=box, score=1) for box in given]
        base, detectors = _blank(image), ["given"]
    else:
        base, detectors = _salient(image, notes)
        regions = _faces(image, notes)
        detectors += ["BlazeFace short-range"] if regions else []
    weights = _weighted(
        base, [one.box if one.kind == "given" else _head(one.box) for one in regions]
    )
    subject = weights >= _SUBJECT_FROM * weights.max()
    if subject.mean() > _SUBJECT_AT_MOST:
        subject = np.zeros_like(subject)
    return Focus(weights, subject, tuple(regions), tuple(detectors), tuple(notes))


def _salient(image: Image, notes: list[str]) -> tuple[FloatArray, list[str]]:
    try:
        found = saliency(image)
        name = "u2netp"
    except (Unavailable, Broken) as missing:
        notes.append(f"Saliency fell back to the spectral residual: {missing.says}")
        found, name = _spectral_residual(image), "spectral residual (Hou & Zhang, 2007)"
    if float(found.max()) < 1e-6:
        notes.append("Nothing stands out; the centre counts.")
        return _central(found.shape), ["centre"]
    return found, [name]


def _faces(image: Image, notes: list[str]) -> list[Region]:
    try:
        return [Region(kind="face", box=one.box, score=one.score) for one in faces(image)]
    except (Unavailable, Broken) as missing:
        notes.append(f"Faces were not looked for: {missing.says}")
        return []


def _weighted(base: FloatArray, boxes: Sequence[Box]) -> FloatArray:
    """Base weights plus the boxes', which together weigh _FACES_WEIGHT of the base."""
    weights = base.astype(np.float32) + np.float32(1e-4)
    if boxes:
        extra = np.zeros_like(weights)
        for box in boxes:
            x0, y0, x1, y1 = box.pixels(weights.shape[1], weights.shape[0])
            extra[y0:y1, x0:x1] = 1
        weights += extra * (_FACES_WEIGHT * weights.sum() / max(float(extra.sum()), 1))
    return np.asarray(weights / weights.sum(), np.float32)


def _head(face: Box) -> Box:
    above, below, side = _HEAD
    grown = Box.clipped(
        face.x0 - side * face.width,
        face.y0 - above * face.height,
        face.x1 + side * face.width,
        face.y1 + below * face.height,
    )
    return grown or face


def _blank(image: Image) -> FloatArray:
    scale = min(1.0, 320 / max(image.width, image.height))
    shape = (max(1, round(image.height * scale)), max(1, round(image.width * scale)))
    return np.full(shape, 1e-3, np.float32)


def _central(shape: tuple[int, ...]) -> FloatArray:
    ys = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    xs = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    return np.asarray(np.exp(-(xs**2 + ys**2) * 2), np.float32)


def _spectral_residual(image: Image) -> FloatArray:
    """What is unexpected in the log spectrum (Hou & Zhang, CVPR 2007), on 64 × 64."""
    grey = np.asarray(image.pixels.convert("L").resize((64, 64)), np.float32)
    spectrum = np.fft.fft2(grey)
    log_amplitude = np.log(np.abs(spectrum) + 1e-6).astype(np.float32)
    residual = log_amplitude - cv2.blur(log_amplitude, (3, 3))
    back = np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))
    power = np.asarray(np.abs(back) ** 2, np.float32)
    found = np.asarray(cv2.GaussianBlur(power, (0, 0), 2.5), np.float32)
    blank = _blank(image)
    sized = cv2.resize(found / max(float(found.max()), 1e-9), blank.shape[::-1])
    return np.asarray(sized, np.float32)
