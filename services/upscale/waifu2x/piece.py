"""Piece: a part of a picture that goes through doubling passes as the whole would."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow

from services.upscale.waifu2x.net import Blobs, Net, run
from studio.imaging.image import FloatArray

Box = tuple[int, int, int, int]  # left, top, right, bottom, px


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a picture at some scale."""

    values: FloatArray  # (h, w, 3), 0..1
    left: int  # px in the whole
    top: int
    whole: tuple[int, int]  # the whole picture's width and height

    @property
    def height(self) -> int:
        """Px down."""
        return len(self.values)

    @property
    def width(self) -> int:
        """Px across."""
        return len(self.values[0])

    def inside(self, box: Box) -> FloatArray:
        """The values in a box of the whole, which this piece contains."""
        left, top, right, bottom = box
        return self.values[top - self.top : bottom - self.top, left - self.left : right - self.left]

    def alone(self) -> Piece:
        """The same values as a whole picture."""
        return Piece(self.values, 0, 0, (self.width, self.height))

    def middle(self, side: int) -> Piece:
        """At most side × side px of it, as a whole picture."""
        top, left = max(0, self.height - side) // 2, max(0, self.width - side) // 2
        values = self.values[top : top + side, left : left + side]
        return Piece(values, 0, 0, (values.shape[1], values.shape[0]))


def cut(pixels: Pillow.Image, box: Box) -> Piece:
    """A box of RGB pixels."""
    values = np.asarray(pixels.crop(box), np.float32) / np.float32(255)
    return Piece(values, box[0], box[1], pixels.size)


def doubled(piece: Piece, net: Net, known: Blobs) -> Piece:
    """The piece at twice the scale, without the margin that the net loses inside the picture.

    At the picture's own edges it is mirrored instead. The values stay within 0..1.
    """
    values, top, left = fed(piece, net)
    made = run(net, values, known)
    width, height = piece.whole[0] * 2, piece.whole[1] * 2
    inside = made[: height - 2 * top, : width - 2 * left]
    return Piece(inside.clip(0, 1), 2 * left, 2 * top, (width, height))


def fed(piece: Piece, net: Net) -> tuple[FloatArray, int, int]:
    """A net's input for a piece, and the row and column of the whole that its output begins at."""
    above, below = _added(piece.top, piece.height, piece.whole[1], net)
    before, after = _added(piece.left, piece.width, piece.whole[0], net)
    values = piece.values[
        max(0, -above) : piece.height + min(0, below), max(0, -before) : piece.width + min(0, after)
    ]
    edges = ((max(0, above), max(0, below)), (max(0, before), max(0, after)), (0, 0))
    padded = np.pad(values, edges, mode="reflect")
    return padded, piece.top - above + net.pad, piece.left - before + net.pad


def _added(start: int, length: int, whole: int, net: Net) -> tuple[int, int]:
    """Px to add before and after, so that the input lies on the net's grid; below 0: to take away.

    The grid begins where the whole picture's input does, at -pad.
    """
    before = net.pad if start == 0 else -(-(start + net.pad) % net.grid)
    if start + length == whole:
        return before, net.pad + -(before + length + net.pad) % net.grid
    return before, -((before + length) % net.grid)
