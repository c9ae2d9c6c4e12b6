"""Ours: `services.optimizer.batch`, as `optimizer.export` drives it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.contenders.measured import contend
from benchmarks.task import Piece, Task, edges
from services.optimizer.batch import Encoding, Order, in_threads, render_all
from services.optimizer.resize import Pyramid
from studio.imaging.decode import decode
from studio.imaging.geometry import Box


def order(piece: Piece) -> Order:
    """A piece in the optimizer's words."""
    x0, y0, x1, y1 = piece.box
    encoding = Encoding(media_type=f"image/{piece.format}", **piece.settings)
    return Order(piece.width, piece.height, Box(x0=x0, y0=y0, x1=x1, y1=y1), encoding)


def render(task: Task) -> list[bytes]:
    """Decode once, share the halves, encode on every core."""
    image = decode(Path(task.master).read_bytes())
    if task.pieces[0].format != "raw":
        return render_all(image, [order(one) for one in task.pieces])
    pyramid = Pyramid(image.pixels)

    def resized(one: Piece) -> bytes:
        return pyramid.resized((one.width, one.height), edges(one, image.pixels)).tobytes()

    return in_threads(resized, task.pieces, lambda one: one.width * one.height)


if __name__ == "__main__":
    contend(render)
