"""waifu2x as an engine: doubling passes of a net that invents nothing, then Lanczos.

Memory: the source, the result and one tile, 120 to 160 MB (CUNet: 410). On 2 CPUs of
a cloud machine a pass takes 3 to 6 s per megapixel of its input with the photo net, and three to
four times as long with CUNet.
"""

from __future__ import annotations

import math

from PIL import Image as Pillow

from services.upscale.waifu2x.net import PHOTO, Net
from services.upscale.waifu2x.tiles import enlarged

#: What remains after a pass may be enlarged by Lanczos up to this factor: it shows no softness
#: there, and saves a pass over four times the pixels.
SMALL_REST = 1.25


class Waifu2x:
    """Doubling passes until little or nothing remains, then Lanczos to the exact size."""

    def __init__(self, net: Net = PHOTO, most_passes: int | None = None) -> None:
        """most_passes: leave the rest to Lanczos, however much it is."""
        self._net, self._most = net, most_passes

    @property
    def name(self) -> str:
        """The net's, and how often it runs if that is limited."""
        return self._net.title + (f", passes: {self._most}" if self._most else "")

    @property
    def version(self) -> str:
        """The package that its weights come from."""
        return self._net.version

    def enlarged(self, pixels: Pillow.Image, width: int, height: int) -> Pillow.Image:
        """At exactly that size. Raises Unavailable or Broken if the weights are not in order."""
        passes = doublings(max(width / pixels.width, height / pixels.height))
        passes = min(passes, self._most or passes)
        if not passes:
            return pixels.resize((width, height), Pillow.Resampling.LANCZOS)
        return enlarged(pixels, width, height, self._net, passes)


def doublings(scale: float) -> int:
    """How many leave at most a small rest."""
    return max(0, math.ceil(math.log2(scale / SMALL_REST)))
