"""Lanczos: plain resampling, the honest fallback. Faithful, at once, and soft."""

from __future__ import annotations

import PIL
from PIL import Image as Pillow


class LanczosEngine:
    """Pillow's Lanczos filter, three lobes."""

    name = "Lanczos"

    @property
    def version(self) -> str:
        """Pillow's."""
        return f"Pillow {PIL.__version__}"

    def enlarged(self, pixels: Pillow.Image, width: int, height: int) -> Pillow.Image:
        """At exactly that size, in one step."""
        return pixels.resize((width, height), Pillow.Resampling.LANCZOS)
