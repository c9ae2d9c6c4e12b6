"""Fill: what stood in a place is gone, and what is around it goes on there.

PatchMatch in the neighbourhood of the place, at one megapixel at most; where the picture is
larger, the sources that were found are copied at full size. Subjects and faces beside the place are
no sources: nobody wants a second face. What little the border is off is spread smoothly inwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from services.edit.colours import lab_to_rgb, rgb_to_lab
from services.edit.patchmatch import filled
from services.edit.smoothing import smoothly_filled
from studio.imaging.image import FloatArray

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]

_PIXELS = 400_000  # in which patches are searched; more would take minutes
_AROUND = 0.8  # of the hole's longer side: the neighbourhood on each side
_LEAST_AROUND = 48  # px
_LEAST_USABLE = 0.6  # of the hole's pixels: below, sources are looked for further away
_RING = 8  # px around the hole that tell what it lies in
_RIM = 3  # px around the hole at which the fill is compared with the picture

ENGINE, ENGINE_VERSION = "patchmatch", "2026-11"


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the picture that is worked on, as slices."""

    rows: slice
    columns: slice

    def of(self, array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """The part of an array (h, w, …)."""
        return array[self.rows, self.columns]


def fill(colours: Bytes, hole: Bools, barred: list[Bools]) -> Bytes:
    """Fill a hole of a picture.

    colours: (h, w, 3) sRGB; what is in the hole does not matter.
    hole:    (h, w), True = to be made; not all of it.
    barred:  (h, w) each: subjects and faces, not to be copied unless the hole lies in them.
    Returns (h, w, 3); outside the hole exactly what it was. CPU work, deterministic.
    """
    usable = ~hole & ~_barring(hole, barred)
    window = _window(hole, usable)
    part, gone, free = (np.asarray(window.of(one)) for one in (colours, hole, usable))
    made = _filled(part, gone, free)
    result = colours.copy()
    result[window.rows, window.columns][gone] = made[gone]
    return result


def _barring(hole: Bools, barred: list[Bools]) -> Bools:
    """Where nothing may be copied from: what is barred, unless the hole lies mostly inside it."""
    ring = _widened(hole, _RING) & ~hole
    rim = max(int(ring.sum()), 1)
    out = np.zeros_like(hole)
    for one in barred:
        if int((one & ring).sum()) <= rim / 2:
            out |= _widened(one, _RIM)
    return out


def _widened(places: Bools, by: int) -> Bools:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return np.asarray(cv2.dilate(places.astype(np.uint8), disc) > 0)


def _window(hole: Bools, usable: Bools) -> Window:
    """The hole and as much around it as offers enough to copy."""
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    margin = max(_LEAST_AROUND, round(_AROUND * max(bottom - top, right - left)))
    needed = _LEAST_USABLE * int(hole.sum())
    while True:
        window = Window(
            slice(max(0, top - margin), bottom + margin),
            slice(max(0, left - margin), right + margin),
        )
        if int(window.of(usable).sum()) >= needed or margin > max(hole.shape):
            return window
        margin *= 2


def _filled(colours: Bytes, hole: Bools, usable: Bools) -> Bytes:
    """The window filled, at its own size."""
    height, width = hole.shape
    shrink = min(1.0, (_PIXELS / (height * width)) ** 0.5)
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = cv2.resize(colours, size, interpolation=cv2.INTER_AREA) if shrink < 1 else colours
    gone = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    free = cv2.resize(usable.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.999
    found = filled(rgb_to_lab(np.asarray(small)), gone, free)
    if found is None:
        return np.asarray(cv2.inpaint(colours, hole.astype(np.uint8) * 255, 5, cv2.INPAINT_TELEA))
    lab = rgb_to_lab(colours)
    origin = found[1] if shrink == 1 else _enlarged(found[1], hole.shape)
    return lab_to_rgb(_joined(lab, hole, origin))


def _enlarged(origin: Ints, shape: tuple[int, ...]) -> Ints:
    """Sources found in a small picture, for every pixel of the large one."""
    scale = np.array(shape) / np.array(origin.shape[:2])
    grid = np.moveaxis(np.indices(shape, np.float32), 0, -1)
    coarse = np.minimum((grid / scale).astype(np.int32), np.array(origin.shape[:2]) - 1)
    source = origin[coarse[..., 0], coarse[..., 1]]
    placed = np.rint(grid + (source - coarse) * scale).astype(np.int32)
    placed = placed.clip(0, np.array(shape, np.int32) - 1)
    return np.where(source < 0, np.int32(-1), placed)


def _joined(lab: FloatArray, hole: Bools, origin: Ints) -> FloatArray:
    """Copies from the sources, moved smoothly so that they meet the picture at the border."""
    made = lab.copy()
    told = origin[..., 0] >= 0
    at = origin[told]
    made[told] = lab[at[:, 0], at[:, 1]]
    rim = told & ~hole & _widened(hole, _RIM)
    off = np.where(rim[..., None], lab - made, np.float32(0))
    share = cv2.GaussianBlur(rim.astype(np.float32), (0, 0), 2.0)[..., None]
    calm = np.asarray(cv2.GaussianBlur(off, (0, 0), 2.0), np.float32) / np.maximum(share, 1e-6)
    if rim.any():
        made += smoothly_filled(np.asarray(calm, np.float32), rim)
    return np.where(hole[..., None], made, lab)
