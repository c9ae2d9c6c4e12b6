"""Tiles: a picture enlarged by doubling passes, painted into its result tile by tile.

Each tile's part of the source, with the margin that the nets and the filter look at, goes through
all passes alone. So memory holds the source, the result and one tile, whatever their size, and no
seam shows: a tile gets the values that the whole would have.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow

from services.upscale.waifu2x.channels import channel_weights
from services.upscale.waifu2x.net import Blobs, Net
from services.upscale.waifu2x.piece import Box, cut, doubled
from studio.imaging.image import FloatArray

_LANCZOS = Pillow.Resampling.LANCZOS
_LOBES = 3  # pixels that Lanczos looks at on each side, more when it shrinks


def enlarged(
    pixels: Pillow.Image, width: int, height: int, net: Net, passes: int, tile: int | None = None
) -> Pillow.Image:
    """RGB of exactly width × height, after so many doublings and Lanczos for the rest.

    passes: at least 1.
    tile:   px of a tile's side before the last pass; the net's own if None.
    Deterministic, and the same for every tile but for the last bit. Raises Unavailable or Broken if
    the weights are not in order.
    """
    painting = _Painting(pixels, width, height, net, channel_weights(pixels, net, passes))
    result = Pillow.new("RGB", (width, height))
    step = max(1, math.floor((tile or net.tile) * 2 * max(painting.rest)))
    for box in _boxes(width, height, step):
        result.paste(painting.part(box), box[:2])
    return result


def _boxes(width: int, height: int, step: int) -> Iterator[Box]:
    for top in range(0, height, step):
        for left in range(0, width, step):
            yield left, top, min(left + step, width), min(top + step, height)


@dataclass(frozen=True, slots=True)
class _Painting:
    """What is the same for all tiles."""

    source: Pillow.Image
    width: int  # of the result
    height: int
    net: Net
    passes: Sequence[Blobs]  # what is known in each

    @property
    def doubled_size(self) -> tuple[int, int]:
        """Width and height after the last pass."""
        times = 2 ** len(self.passes)
        return self.source.width * times, self.source.height * times

    @property
    def rest(self) -> tuple[float, float]:
        """What Lanczos enlarges by, across and down; below 1 it shrinks."""
        width, height = self.doubled_size
        return self.width / width, self.height / height

    def part(self, box: Box) -> Pillow.Image:
        """The pixels in a box of the result."""
        seen = self._seen(box)
        piece = cut(self.source, self._needed(seen))
        for known in self.passes:
            piece = doubled(piece, self.net, known)
        values = piece.inside(seen)
        if self.rest != (1, 1):
            values = _resampled(values, self._within(box, seen), box[2] - box[0], box[3] - box[1])
        return Pillow.fromarray((values * 255 + np.float32(0.5)).clip(0, 255).astype(np.uint8))

    def _seen(self, box: Box) -> Box:
        """What Lanczos looks at to make a box of the result, in the doubled picture."""
        if self.rest == (1, 1):
            return box
        (across, down), (width, height) = self.rest, self.doubled_size
        wide, tall = (math.ceil(_LOBES * max(1, 1 / one)) + 1 for one in (across, down))
        return (
            max(0, math.floor(box[0] / across) - wide),
            max(0, math.floor(box[1] / down) - tall),
            min(width, math.ceil(box[2] / across) + wide),
            min(height, math.ceil(box[3] / down) + tall),
        )

    def _needed(self, seen: Box) -> Box:
        """What the passes look at to make a box of the doubled picture, in the source."""
        lost = self.net.pad + self.net.grid - 1
        left, top, right, bottom = seen
        for _ in self.passes:
            left, top = left // 2 - lost, top // 2 - lost
            right, bottom = -(-right // 2) + lost, -(-bottom // 2) + lost
        width, height = self.source.size
        return max(0, left), max(0, top), min(width, right), min(height, bottom)

    def _within(self, box: Box, seen: Box) -> tuple[float, float, float, float]:
        """A box of the result in units of what is seen for it."""
        across, down = self.rest
        return (
            box[0] / across - seen[0],
            box[1] / down - seen[1],
            min(box[2] / across, seen[2]) - seen[0],
            min(box[3] / down, seen[3]) - seen[1],
        )


def _resampled(
    values: FloatArray, box: tuple[float, float, float, float], width: int, height: int
) -> FloatArray:
    """A box of (h, w, 3) values at width × height. In floats: bytes would differ between tiles."""
    planes = (Pillow.fromarray(np.ascontiguousarray(values[..., at])) for at in range(3))
    return np.dstack([np.asarray(one.resize((width, height), _LANCZOS, box)) for one in planes])
