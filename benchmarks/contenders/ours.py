"""Ours: the resizer and the encoders of `optimizer.export`, with the settings of a work.

What an export does besides (choosing a format, measuring what it wrote, looking for what nobody
would see) is in `benchmarks.contenders.exported`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders.measured import contend
from benchmarks.task import Piece, Task, edges
from services.optimizer.batch import Encoding, in_threads
from services.optimizer.resize import Pyramid
from studio.imaging.decode import decode
from studio.imaging.image import Image

#: How long a format takes to encode, relative to JPEG (2026-11).
_WEIGHT = {"image/jpeg": 1, "image/png": 3, "image/webp": 6, "image/avif": 20}


@dataclass(frozen=True, slots=True)
class Order:
    """A piece in the optimizer's words."""

    piece: Piece
    encoding: Encoding

    @property
    def width(self) -> int:
        """Px."""
        return self.piece.width

    @property
    def height(self) -> int:
        """Px."""
        return self.piece.height

    @property
    def effort(self) -> int:
        """How long it takes, relative to others."""
        return self.width * self.height * _WEIGHT.get(self.encoding.media_type, 1)


def order(piece: Piece) -> Order:
    """A piece in the optimizer's words."""
    return Order(piece, Encoding(media_type=f"image/{piece.format}", **piece.settings))


def render(task: Task) -> list[bytes]:
    """Decode once, share the halves, encode on every core."""
    image = decode(Path(task.master).read_bytes())
    pyramid = Pyramid(image.pixels)

    def pixels(one: Piece) -> Image:
        size = (one.width, one.height)
        return image.with_pixels(pyramid.resized(size, edges(one, image.pixels)))

    if task.pieces[0].format == "raw":
        return asyncio.run(
            in_threads(
                lambda one: pixels(one).pixels.tobytes(),
                task.pieces,
                lambda one: one.width * one.height,
            )
        )
    return asyncio.run(
        in_threads(
            lambda one: one.encoding.write(pixels(one.piece)),
            [order(one) for one in task.pieces],
            lambda one: one.effort,
        )
    )


if __name__ == "__main__":
    contend(render)
