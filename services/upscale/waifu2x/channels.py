"""Channels: one set of weights for a net's channels, for all tiles of a picture.

Squeeze-and-excitation (Hu et al., CVPR 2018) weighs channels by their mean over the whole input.
A tile that were left alone would use its own mean, its neighbours theirs, and seams would show: up
to 10 of 255 levels on a photo. So the weights are taken once, before any tile is painted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image as Pillow

from services.upscale.waifu2x.net import Blobs, Net, blobs
from services.upscale.waifu2x.piece import Box, Piece, cut, doubled, fed

_SAMPLES = 4  # a side


def channel_weights(pixels: Pillow.Image, net: Net, passes: int) -> Sequence[Blobs]:
    """For each pass, the blobs that depend on the whole picture; nothing for other nets.

    Means over up to 4 × 4 samples of a tile's size, which lie evenly in the picture: of a picture
    that is no larger than a tile, its own. They take the time of at most 16 tiles a pass.
    """
    if not net.channels:
        return [{}] * passes
    samples = [cut(pixels, box).alone() for box in _boxes(*pixels.size, net.tile)]
    weights: list[Blobs] = []
    for number in range(passes):
        weights.append(_means(samples, net))
        if number + 1 < passes:
            samples = [doubled(one, net, weights[-1]).middle(net.tile) for one in samples]
    return weights


def _means(samples: Sequence[Piece], net: Net) -> Blobs:
    found = [blobs(net, fed(one, net)[0], net.channels) for one in samples]
    means = [np.asarray(np.mean(one, axis=0), np.float32) for one in zip(*found, strict=True)]
    return dict(zip(net.channels, means, strict=True))


def _boxes(width: int, height: int, side: int) -> Iterator[Box]:
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield left, top, min(left + side, width), min(top + side, height)


def _starts(size: int, side: int) -> list[int]:
    """Where samples of that side begin: evenly from edge to edge, no more than fill it."""
    count = min(_SAMPLES, -(-size // side))
    room = max(0, size - side)
    return [round(room * number / max(1, count - 1)) for number in range(count)]
