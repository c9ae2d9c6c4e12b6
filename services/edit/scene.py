"""Scene: a subject that was cut out, on a new ground, with a shadow and in its light."""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageOps

from services.edit.colours import in_lab, rgb_to_lab
from studio.imaging.colour import RGB
from studio.imaging.image import FloatArray

Bytes = npt.NDArray[np.uint8]
Direction = Literal["below", "left", "right"]

_FLAT = 0.2  # a shadow on the ground is this much lower than its subject
_LEAN = {"below": 0.0, "left": -0.55, "right": 0.55}  # px aside a px of height
_DROP = 0.012  # of the subject's height, that the shadow lies in front of it
_TIGHT, _WIDE = 0.008, 0.045  # of the subject's size: blur where it touches, and further off
_DARKEST = 0.75  # how much light a full shadow takes
_CUT_OFF = 0.08  # of the picture's width: a subject this broad at the lower edge goes on below
_SAMPLE = 256  # px, the side at which colours are averaged

# Relighting is gentle: it must not change what the subject is.
_TOWARDS_LIGHT, _TOWARDS_HUE = 0.35, 0.4
_CONTRAST = (0.8, 1.25)


def gradient(size: tuple[int, int], first: RGB, last: RGB, angle: float) -> Pillow.Image:
    """A straight gradient: angle in degrees, clockwise, 0 = from left to right, 90 = downwards."""
    width, height = size
    across, down = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    xs = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) * across
    ys = (np.arange(height, dtype=np.float32) + 0.5 - height / 2) * down
    length = max(abs(width * across) + abs(height * down), 1e-6)
    made = np.empty((height, width, 3), np.uint8)
    ends = np.array([first, last], np.float32)
    for row in range(height):
        place = ((xs + ys[row]) / length + 0.5)[:, None]
        made[row] = ends[0] + (ends[1] - ends[0]) * place + 0.5
    return Pillow.fromarray(made)


def covering(picture: Pillow.Image, size: tuple[int, int]) -> Pillow.Image:
    """A picture scaled and cropped around its centre to cover a size."""
    return ImageOps.fit(picture.convert("RGB"), size, Pillow.Resampling.LANCZOS)


def stands_free(matte: FloatArray) -> bool:
    """Whether the subject's foot is in the picture: only then has it a shadow on the ground."""
    return float((matte[-1] > 0.5).mean()) < _CUT_OFF


def shadow(matte: FloatArray, direction: Direction) -> FloatArray:
    """The soft shadow of a standing subject on the ground: (h, w) float32, 1 = full shadow."""
    height, width = matte.shape
    rows = np.flatnonzero((matte > 0.5).any(axis=1))
    columns = np.flatnonzero((matte > 0.5).any(axis=0))
    if not len(rows):
        return np.zeros_like(matte)
    tall, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    foot = float(rows[-1]) - 0.35 * _FLAT * tall + _DROP * tall
    lean = _LEAN[direction]
    place = np.array([[1, -lean, lean * foot], [0, _FLAT, foot * (1 - _FLAT) + _DROP * tall]])
    lying = np.asarray(cv2.warpAffine(matte, place, (width, height)), np.float32)
    size = math.sqrt(float(tall) * float(wide))
    tight = cv2.GaussianBlur(lying, (0, 0), max(0.8, _TIGHT * size))
    broad = cv2.GaussianBlur(lying, (0, 0), max(2.0, _WIDE * size))
    return np.asarray(0.45 * tight + 0.55 * broad, np.float32)


def darkened(ground: Bytes, shade: FloatArray, strength: float) -> Bytes:
    """The ground with a shadow of a strength 0..1."""
    light = 1 - shade * np.float32(strength * _DARKEST)
    return np.asarray((ground * light[..., None] + 0.5).astype(np.uint8))


def relit(subject: Bytes, matte: FloatArray, ground: Bytes, amount: float) -> Bytes:
    """The subject's mean, contrast and tint moved towards the ground's, in Lab; amount 0..1."""
    mean, spread = _statistics(subject, matte)
    to_mean, to_spread = _statistics(ground, np.ones_like(matte))
    shift = (to_mean - mean) * np.array([_TOWARDS_LIGHT, _TOWARDS_HUE, _TOWARDS_HUE], np.float32)
    ratio = min(max(float(to_spread[0] / max(spread[0], 1)), _CONTRAST[0]), _CONTRAST[1])
    gain = np.array([1 + (ratio - 1) * amount, 1, 1], np.float32)

    def change(lab: FloatArray, rows: slice) -> FloatArray:
        del rows
        return np.asarray((lab - mean) * gain + mean + shift * np.float32(amount), np.float32)

    return in_lab(subject, change)


def _statistics(colours: Bytes, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weighted mean and deviation of Lab, (3,) each, of a small copy."""
    size = min(_SAMPLE, colours.shape[1]), min(_SAMPLE, colours.shape[0])
    lab = rgb_to_lab(np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_AREA)))
    share = np.asarray(cv2.resize(weights, size, interpolation=cv2.INTER_AREA), np.float32)
    share = (share / max(float(share.sum()), 1e-6))[..., None]
    mean = (lab * share).sum((0, 1))
    return mean, np.sqrt((((lab - mean) ** 2) * share).sum((0, 1)))


def composed(subject: Bytes, matte: FloatArray, ground: Bytes) -> Bytes:
    """The subject over the ground, (h, w, 3)."""
    made = np.empty_like(ground)
    for top in range(0, len(ground), 256):
        rows = slice(top, top + 256)
        cover = matte[rows, :, None]
        made[rows] = subject[rows] * cover + ground[rows] * (1 - cover) + np.float32(0.5)
    return made
