"""Reference: what every rendition should look like, and how near a contender comes.

The reference is Pillow's Lanczos in 32-bit floats, straight from the master, rounded once.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.task import Piece, Task, edges
from studio.imaging.similarity import ssim

Pixels = Image.Image
Edges = tuple[float, float, float, float]  # left, top, right, bottom


class Judge:
    """Compares files with references. Equal bytes are judged once, since that takes long."""

    def __init__(self) -> None:
        self._known: dict[str, list[float]] = {}

    def judged(self, task: Task, files: list[bytes]) -> list[float]:
        """SSIM of each rendition against its reference. ValueError if one has a wrong size."""
        key = hashlib.sha256(task.master.encode() + b"".join(files)).hexdigest()
        if key not in self._known:
            wanted = _references(
                task.master, tuple((one.width, one.height, one.box) for one in task.pieces)
            )
            self._known[key] = [
                ssim(_opened(data, one), reference)
                for data, one, reference in zip(files, task.pieces, wanted, strict=True)
            ]
        return self._known[key]


def reference(master: Pixels, size: tuple[int, int], box: Edges) -> Pixels:
    """A part of a master (px) at (width, height) px, by Lanczos without rounding in between."""
    channels = [
        np.asarray(one.convert("F").resize(size, Image.Resampling.LANCZOS, box))
        for one in master.split()
    ]
    exact = np.rint(np.stack(channels, axis=-1))
    return Image.fromarray(np.clip(exact, 0, 255).astype(np.uint8))


@lru_cache(maxsize=2)
def _references(path: str, pieces: tuple[tuple[int, int, Edges], ...]) -> list[Pixels]:
    with Image.open(Path(path)) as opened:
        master = opened.convert("RGB")
    found = []
    for width, height, (left, top, right, bottom) in pieces:
        one = Piece(width, height, (0, 0), (0, 0), (left, top, right, bottom), "raw")
        found.append(reference(master, (width, height), edges(one, master)))
    return found


def _opened(data: bytes, one: Piece) -> Pixels:
    size = (one.width, one.height)
    if one.format == "raw":
        return Image.frombytes("RGB", size, data)
    with Image.open(BytesIO(data)) as opened:
        pixels = opened.convert("RGB")
    if pixels.size != size:
        raise ValueError(f"{pixels.size} px instead of {size}")
    return pixels
