"""Replicate: Real-ESRGAN, to any factor. A job.

Source: providers.md §4.6. It takes no words, and its pictures are smoother than their sources: the
check of fidelity says by how much.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, ClassVar

from services.upscale.fidelity import Mode
from services.upscale.operations import conservative, fast
from services.upscale.providers.paid import PaidUpscale, ParamsT, Size, by_factor
from studio.imaging.facts import ImageFacts
from studio.operation import Work
from studio.providers import replicate
from studio.providers.call import Call
from studio.providers.limits import product_limits

_NAME = "replicate"


class _RealEsrgan(PaidUpscale[ParamsT]):
    """Exactly the factor that is asked for, up to 4."""

    provider = account = _NAME
    product = "upscale.real-esrgan"

    def makes(self, image: ImageFacts) -> Size:
        """Four times each side."""
        return by_factor(image, product_limits(_NAME, self.product).output_factor or 1)

    def call(self, work: Work[ParamsT], data: bytes, asked: Size) -> Call:
        """The picture and the factor."""
        image = work.needed_image()
        return replicate.upscale(data, scale=max(asked[0] / image.width, asked[1] / image.height))


class Fast(_RealEsrgan[fast.Params]):
    """Two or four times each side."""

    operation = "upscale.fast"
    mode: ClassVar[Mode] = "fast"

    def makes(self, image: ImageFacts) -> Size:
        """No more pixels than a fast upscale has anywhere."""
        width, height = super().makes(image)
        most = by_factor(image, sqrt(fast.MAX_PIXELS / image.pixels))
        return min(width, most[0]), min(height, most[1])

    def details(self, work: Work[fast.Params]) -> Mapping[str, Any]:
        """Nothing."""
        return {}


class Conservative(_RealEsrgan[conservative.Params]):
    """To the size."""

    operation = "upscale.conservative"
    mode: ClassVar[Mode] = "conservative"


ENGINES: Mapping[str, type[PaidUpscale[Any]]] = {
    "upscale.fast": Fast,
    "upscale.conservative": Conservative,
}
