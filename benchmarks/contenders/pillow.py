"""Pillow: decode once, then its own Lanczos and encoders, one after the other."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from benchmarks.contenders.measured import contend
from benchmarks.task import Task, edges


def render(task: Task) -> list[bytes]:
    """What a careful script does."""
    with Image.open(task.master) as opened:
        master = opened.convert("RGB")
    files = []
    for one in task.pieces:
        size = (one.width, one.height)
        pixels = master.resize(size, Image.Resampling.LANCZOS, edges(one, master))
        if one.format == "raw":
            files.append(pixels.tobytes())
            continue
        file = BytesIO()
        pixels.save(file, one.format, **one.settings)
        files.append(file.getvalue())
    return files


if __name__ == "__main__":
    contend(render)
