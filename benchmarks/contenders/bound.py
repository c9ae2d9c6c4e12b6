"""The bound: our encoders alone, on pixels that are already resized. Nothing can be faster."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.contenders.measured import contend_prepared
from benchmarks.contenders.ours import Order, order
from benchmarks.task import Task, edges
from services.optimizer.batch import in_threads
from services.optimizer.resize import Pyramid
from studio.imaging.decode import decode
from studio.imaging.image import Image

Ready = list[tuple[Order, Image]]


def prepare(task: Task) -> Ready:
    """Every rendition's pixels, not encoded."""
    image = decode(Path(task.master).read_bytes())
    pyramid = Pyramid(image.pixels)
    return [
        (
            order(one),
            image.with_pixels(
                pyramid.resized((one.width, one.height), edges(one, image.pixels)).copy()
            ),
        )
        for one in task.pieces
    ]


def render(ready: Ready) -> list[bytes]:
    """Encode them, on every core."""
    return asyncio.run(
        in_threads(
            lambda one: one[0].encoding.write(one[1]),
            ready,
            lambda one: one[0].width * one[0].height,
        )
    )


if __name__ == "__main__":
    contend_prepared(prepare, render)
