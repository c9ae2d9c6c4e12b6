"""Batch: how files are written, and how many of them at once on every core.

A rendition's pixels live only until they are encoded. The longest work begins first, so that no
core waits for one late giant. `services.optimizer.operations.export.Batch` makes the renditions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from studio.compute import available_cpus
from studio.imaging.encode import Effort, Subsampling, encode
from studio.imaging.image import Image

Ordered = TypeVar("Ordered")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is written; `studio.imaging.encode` says what each word means."""

    media_type: str = "image/jpeg"
    quality: int | None = None
    subsampling: Subsampling = "4:2:0"
    effort: Effort = "balanced"
    progressive: bool = False
    lossless: bool = False
    background: tuple[int, int, int] = (255, 255, 255)

    def write(self, image: Image) -> bytes:
        """The bytes of the file."""
        return encode(
            image,
            self.media_type,
            self.quality,
            background=self.background,
            subsampling=self.subsampling,
            lossless=self.lossless,
            effort=self.effort,
            progressive=self.progressive,
        )


def in_threads(
    work: Callable[[Ordered], Result],
    orders: Iterable[Ordered],
    effort: Callable[[Ordered], float],
    threads: int | None = None,
) -> list[Result]:
    """The results in the order given, the most work first."""
    ordered = list(orders)
    ranks = sorted(range(len(ordered)), key=lambda index: -effort(ordered[index]))
    with ThreadPoolExecutor(threads or available_cpus(), thread_name_prefix="batch") as pool:
        begun = {index: pool.submit(work, ordered[index]) for index in ranks}
        return [begun[index].result() for index in range(len(ordered))]
