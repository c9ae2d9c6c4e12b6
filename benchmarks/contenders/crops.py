"""Our crops: look at the picture once, then find the window of every size."""

from __future__ import annotations

from pathlib import Path

from benchmarks.contenders.measured import contend
from benchmarks.task import Task
from services.optimizer.crop import focal_crop
from services.optimizer.focus import find_focus
from studio.imaging.decode import decode


def render(task: Task) -> list[bytes]:
    """Windows only: what is cut is measured elsewhere, so there are no files."""
    image = decode(Path(task.master).read_bytes())
    focus = find_focus(image)
    for one in task.pieces:
        ratio = (one.width / one.height) / (image.width / image.height)
        focal_crop(focus.weights, ratio, keep=focus.keep, words=focus.words)
    return []


if __name__ == "__main__":
    contend(render)
