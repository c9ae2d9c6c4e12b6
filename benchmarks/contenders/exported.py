"""Exported: the whole of `optimizer.export` for pixels, from the file to the last rendition.

Twenty placements of the sizes of a work, cut at the middle, with the settings that an export has
unless it is told otherwise. What is in the picture is not looked for: that is the work "crop".

An export cuts at the exact middle, the others at whole pixels: where that differs by half a pixel,
its similarity to the reference is lower though nothing is less sharp.

Ways: "one" gives every placement the format of its piece; "best" lets those that take WebP take
JPEG, too, as platforms do, so that both are written and the smaller one is kept.
"""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

from benchmarks.contenders.measured import contend
from benchmarks.task import Piece, Task
from services.optimizer.crop import WHOLE
from services.optimizer.focus import find_focus
from services.optimizer.operations.export import Batch, Params
from services.optimizer.placements import Placement
from studio.imaging.decode import decode
from studio.operation import Output


def render(task: Task) -> list[bytes]:
    """One file a placement. RuntimeError if one of them fails."""
    image = decode(Path(task.master).read_bytes())
    placements = [placement(at, one, task.way) for at, one in enumerate(task.pieces)]
    params = Params(placements=[one.id for one in placements], fit="cover")
    batch = Batch(image, find_focus(image, [WHOLE]), params, alt_text=None, logo=None)
    files = []
    for made in asyncio.run(batch.exported(placements)):
        if not isinstance(made, Output) or made.data is None:
            raise RuntimeError(f"{made.label} was not made")
        files.append(made.data)
    return files


def placement(at: int, one: Piece, way: str) -> Placement:
    """A placement of the size of a piece, without limits of bytes."""
    also = ["jpeg"] if way == "best" and one.format == "webp" else []
    return Placement.model_validate(
        {
            "id": f"size_{at}",
            "platform": "benchmark",
            "name": f"{one.width}×{one.height}",
            "width": one.width,
            "height": one.height,
            "aspect": f"{one.width}:{one.height}",
            "formats": [*also, one.format],
            "source": "benchmarks/sizes.yaml",
            "checked_on": date(2026, 11, 25),
        }
    )


if __name__ == "__main__":
    contend(render)
