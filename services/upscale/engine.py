"""Engine: what enlarges pixels, whichever one it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from PIL import Image as Pillow


class Engine(Protocol):
    """Enlarges RGB pixels to an exact size. CPU work."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def version(self) -> str:
        """Of the package that does the work or holds the weights."""

    def enlarged(self, pixels: Pillow.Image, width: int, height: int) -> Pillow.Image:
        """RGB pixels of width × height, neither smaller than the source's; a picture of its own.

        Raises Unavailable or Broken if what it needs is not in order.
        """


def in_turn(engines: Mapping[str, Engine], provider: str) -> Sequence[Engine]:
    """The provider's engine, then the last of all, which needs nothing and stands in for it."""
    *_, last = engines.values()
    chosen = engines[provider]
    return [chosen] if chosen is last else [chosen, last]
