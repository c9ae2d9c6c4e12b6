"""Replicate: Real-ESRGAN, to any factor, and Recraft's creative upscale. Jobs.

Source: providers.md §4.6. Neither takes words. Real-ESRGAN's pictures are smoother than their
sources: the check of fidelity says by how much. No page tells how large Recraft's are: a result
that is smaller than was assumed is kept and marked for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, ClassVar

from services.upscale.fidelity import Mode
from services.upscale.operations import conservative, creative, fast
from services.upscale.providers.paid import PaidUpscale, ParamsT, Size, as_known, by_factor
from studio.imaging.facts import ImageFacts
from studio.operation import Work
from studio.providers import replicate
from studio.providers.call import Call
from studio.providers.limits import product_limits

_NAME = "replicate"


class _RealEsrgan(PaidUpscale[ParamsT]):
    """Exactly the factor that is asked for, up to 4."""

    provider = account = _NAME

    def makes(self, image: ImageFacts) -> Size:
        """Four times each side."""
        return as_known(image, product_limits(_NAME, self.product))

    def call(self, work: Work[ParamsT], data: bytes, asked: Size) -> Call:
        """The picture and the factor."""
        image = work.needed_image()
        scale = max(asked[0] / image.width, asked[1] / image.height)
        return replicate.upscale(data, model=str(self.choice.model), scale=scale)


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


class Creative(PaidUpscale[creative.Params]):
    """Recraft decides itself what it adds: it takes the picture, and nothing else."""

    provider = account = _NAME
    operation = "upscale.creative"
    mode: ClassVar[Mode] = "creative"

    def makes(self, image: ImageFacts) -> Size:
        """Twice each side, or the longest side that it makes."""
        return as_known(image, product_limits(_NAME, self.product))

    def prompt(self, params: creative.Params) -> str | None:
        """None: it takes no words."""
        return None

    def unused(self, params: creative.Params) -> tuple[str, ...]:
        """All that an upscale may be told."""
        told = {"creativity": True, "seed": params.seed is not None, "prompt": bool(params.prompt)}
        names = ", no ".join(name for name, is_given in told.items() if is_given)
        return (f"{self.provider}'s model takes no {names}; none was used.",)

    def call(self, work: Work[creative.Params], data: bytes, asked: Size) -> Call:
        """The picture alone."""
        return replicate.enlarge(data, model=str(self.choice.model))


ENGINES: Mapping[str, type[PaidUpscale[Any]]] = {
    "upscale.fast": Fast,
    "upscale.conservative": Conservative,
    "upscale.creative": Creative,
}
