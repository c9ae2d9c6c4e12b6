"""Batch: how files are written, and how many of them at once on every core.

A rendition's pixels live only until they are encoded, and all exports of a process share one pool
of threads, so that two at once hold no more of them than one. The longest work of an export begins
first, so that no core waits for one late giant. `services.optimizer.operations.export.Batch` makes
the renditions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

from studio.compute import available_cpus
from studio.imaging.encode import Effort, Subsampling, encode
from studio.imaging.image import Image

#: It begins its threads when they are first needed.
_POOL = ThreadPoolExecutor(available_cpus(), thread_name_prefix="batch")

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
    pool: ThreadPoolExecutor | None = None,
) -> list[Result]:
    """The results in the order given, the most work first. If some of it fails, what was not begun
    is left, and the failure is raised once nothing is at work any more.

    pool: by default one of a thread a CPU, which the whole process shares. `work` must not call
    this itself: it would wait for its own thread.
    """
    ordered = list(orders)
    ranks = sorted(range(len(ordered)), key=lambda index: -effort(ordered[index]))
    begun = {index: (pool or _POOL).submit(work, ordered[index]) for index in ranks}
    done, rest = wait(begun.values(), return_when=FIRST_EXCEPTION)
    for one in rest:  # nothing goes on behind a failure
        one.cancel()
    wait(rest)
    for one in done:
        one.result()  # raises what failed
    return [begun[index].result() for index in range(len(ordered))]
