"""Image: decoded pixels in the one form that every operation works on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from studio.imaging.facts import ImageFacts
from studio.imaging.provenance import composite_of

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Image:
    """Upright sRGB pixels, mode RGB or RGBA (straight alpha), and what decoding had to change."""

    pixels: Pillow.Image
    notes: tuple[str, ...] = ()
    source_type: str | None = None  # IPTC DigitalSourceType, kept through every step

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.pixels.width

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.pixels.height

    @property
    def has_alpha(self) -> bool:
        """Whether it carries transparency."""
        return self.pixels.mode == "RGBA"

    @property
    def facts(self) -> ImageFacts:
        """What can be said of it without the pixels; the host encodes to PNG."""
        return ImageFacts(width=self.width, height=self.height, alpha=self.has_alpha)

    def with_pixels(self, pixels: Pillow.Image, *notes: str) -> Image:
        """The same picture after work on its pixels; the provenance is kept."""
        return replace(self, pixels=pixels, notes=(*self.notes, *notes))

    def with_part(self, other: Image) -> Image:
        """The same pixels, now that another picture is part of them: the provenance tells both."""
        return replace(self, source_type=composite_of(self.source_type, other.source_type))

    def flattened(self, background: tuple[int, int, int]) -> Pillow.Image:
        """The pixels as RGB, on a background (0..255 each) where they are transparent."""
        if not self.has_alpha:
            return self.pixels
        flat = Pillow.new("RGB", self.pixels.size, background)
        flat.paste(self.pixels, mask=self.pixels.getchannel("A"))
        return flat

    def with_alpha(self, matte: FloatArray) -> Image:
        """The picture seen through a matte: (height, width) float32, 0 = clear, 1 = opaque.

        An alpha channel that is already there is multiplied.
        """
        if self.has_alpha:
            matte = matte * (np.asarray(self.pixels.getchannel("A"), np.float32) / np.float32(255))
        alpha = Pillow.fromarray((matte.clip(0, 1) * 255 + 0.5).astype(np.uint8))
        cut = self.pixels.convert("RGB")
        cut.putalpha(alpha)
        return replace(self, pixels=cut)
