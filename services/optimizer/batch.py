"""Batch: how files are written, and how many of them at once on every core.

A rendition's pixels live only until they are encoded, and no more of them are at work than there
are CPUs, however many exports a process has at once. The longest work of an export begins first, so
that no core waits for one late giant. `services.optimizer.operations.export.Batch` makes the
renditions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from studio.compute import available_cpus, compute
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


async def in_threads(
    work: Callable[[Ordered], Result],
    orders: Iterable[Ordered],
    effort: Callable[[Ordered], float],
) -> list[Result]:
    """The results in the order given, the most work first, on the compute threads.

    As many at once as there are CPUs, and the next once one is done: what another export wants
    meanwhile takes turns with it, however long this one is. If some of it fails, what was not begun
    is left, and the failure is raised.
    """
    ordered = list(orders)
    ranks = iter(sorted(range(len(ordered)), key=lambda index: -effort(ordered[index])))
    made: dict[int, Result] = {}

    async def take_turns() -> None:
        for index in ranks:
            made[index] = await compute(work, ordered[index])

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(available_cpus()):
                group.create_task(take_turns())
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    return [made[index] for index in range(len(ordered))]
