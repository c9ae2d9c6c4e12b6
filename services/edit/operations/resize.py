"""`edit.resize`: smaller, with the whole picture kept; what is small enough stays as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image as Pillow
from pydantic import Field, model_validator

from studio.compute import compute
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.operation import Failure, Operation, OperationParams, Output, Work

MIN_SIDE = 16


class Params(OperationParams):
    """The largest that it may be; all that are given hold together."""

    max_side: int | None = Field(default=None, ge=MIN_SIDE, le=65_535, description="px")
    max_pixels: int | None = Field(
        default=None, ge=MIN_SIDE**2, description="width × height", examples=[1_048_576]
    )

    @model_validator(mode="after")
    def _says_something(self) -> Params:
        if self.max_side is None and self.max_pixels is None:
            raise ValueError("give max_side, max_pixels, or both")
        return self

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The size (px) that a picture of a size gets: its ratio, as large as is allowed."""
        scale = 1.0
        if self.max_side:
            scale = min(scale, self.max_side / max(width, height))
        if self.max_pixels:
            scale = min(scale, math.sqrt(self.max_pixels / (width * height)))
        if scale >= 1:
            return width, height
        # Rounding down keeps both limits.
        return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))


class Resize(Operation[Params]):
    """Lanczos, never larger."""

    name = "edit.resize"
    summary = "Scale down until it fits a number of pixels or a side; never enlarges."

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """One image, of the size that fits."""
        if image is None:
            return []
        width, height = params.size(image.width, image.height)
        return [ImageFacts(width=width, height=height, alpha=image.alpha)]

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Scale it down, or pass it on."""
        image = work.needed_image()
        size = work.params.size(image.width, image.height)
        if size == image.pixels.size:
            return [Output(image=image, notes=("It was small enough and is unchanged.",))]
        return [Output(image=await compute(_shrunk, image, size))]


def _shrunk(image: Image, size: tuple[int, int]) -> Image:
    pixels = image.pixels
    if image.has_alpha:  # averaged with their weight, or clear pixels would bleed colour
        small = pixels.convert("RGBa").resize(size, Pillow.Resampling.LANCZOS, reducing_gap=3.0)
        return image.with_pixels(small.convert("RGBA"))
    return image.with_pixels(pixels.resize(size, Pillow.Resampling.LANCZOS, reducing_gap=3.0))
