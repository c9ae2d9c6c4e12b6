"""Batch: one decoded master in, many encoded renditions out, on every core.

The master is decoded once, its halves are shared (services.optimizer.resize), and a rendition's
pixels live only until they are encoded. The longest work begins first, so that no core waits for
one late giant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from PIL import Image as Pillow

from services.optimizer.resize import Pyramid
from studio.compute import available_cpus
from studio.imaging.encode import Effort, Subsampling, encode
from studio.imaging.geometry import Box
from studio.imaging.image import Image

Ordered = TypeVar("Ordered")
Result = TypeVar("Result")

#: How long a format takes to encode, relative to JPEG (benchmarks/, 2026-11).
_WEIGHT = {"image/jpeg": 1, "image/png": 3, "image/webp": 6, "image/avif": 20}


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


@dataclass(frozen=True, slots=True)
class Order:
    """One rendition: which part of the master, at what size (px), written how."""

    width: int
    height: int
    crop: Box = field(default_factory=lambda: Box(x0=0, y0=0, x1=1, y1=1))
    encoding: Encoding = field(default_factory=Encoding)

    def edges(self, master: Pillow.Image) -> tuple[float, float, float, float]:
        """The part of the master, px."""
        box, (width, height) = self.crop, master.size
        return box.x0 * width, box.y0 * height, box.x1 * width, box.y1 * height


def render_all(image: Image, orders: Sequence[Order], threads: int | None = None) -> list[bytes]:
    """Every rendition of a master, in the order asked for. CPU work."""
    pyramid = Pyramid(image.pixels)

    def rendered(order: Order) -> bytes:
        pixels = pyramid.resized((order.width, order.height), order.edges(image.pixels))
        return order.encoding.write(image.with_pixels(pixels))

    return in_threads(rendered, orders, _effort_of, threads)


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


def _effort_of(order: Order) -> float:
    return order.width * order.height * _WEIGHT.get(order.encoding.media_type, 1)
