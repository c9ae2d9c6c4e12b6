"""libvips: `thumbnail` from the file for every rendition, as imgproxy and its like do."""

from __future__ import annotations

import pyvips

from benchmarks.contenders.measured import contend
from benchmarks.task import Task


def render(task: Task) -> list[bytes]:
    """Each from the file: libvips shrinks while it decodes, and never holds the whole picture."""
    files = []
    for one in task.pieces:
        wide, tall = one.cover
        whole = pyvips.Image.thumbnail(task.master, wide, height=tall, size="force")
        image = whole.crop(*one.corner, one.width, one.height)
        if one.format == "raw":
            files.append(bytes(image.write_to_memory()))
        else:
            files.append(bytes(image.write_to_buffer(f".{one.format}", **one.settings)))
    return files


if __name__ == "__main__":
    contend(render)
