"""fal: Recraft's crisp upscale, and the Clarity Upscaler, which paints detail. Jobs.

Source: providers.md §4.7. Clarity's price is by the megapixel of the result, so what it is asked
for keeps to the price's range: twice each side of the largest picture that it takes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, ClassVar

from services.upscale.fidelity import Mode
from services.upscale.operations import creative, fast
from services.upscale.providers.paid import PaidUpscale, Size, as_known, by_factor, seed_of
from studio.imaging.facts import ImageFacts
from studio.operation import Work
from studio.providers import fal
from studio.providers.call import Call
from studio.providers.limits import product_limits

_NAME = "fal"
_MOST_FACTOR = 4.0  # of each side, as the model's page has it
_LARGEST_SEED = 2_147_483_647  # a signed 32-bit number; assumed


class Fast(PaidUpscale[fast.Params]):
    """Four times each side, as long as no side becomes longer than it makes; for less, shrunk."""

    provider = account = _NAME
    operation = "upscale.fast"
    mode: ClassVar[Mode] = "fast"

    def makes(self, image: ImageFacts) -> Size:
        """Four times each side, or the longest side that it makes."""
        return as_known(image, product_limits(_NAME, self.product))

    def details(self, work: Work[fast.Params]) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def call(self, work: Work[fast.Params], data: bytes, asked: Size) -> Call:
        """The picture alone."""
        return fal.enlarge(data, model=str(self.choice.model))


class Creative(PaidUpscale[creative.Params]):
    """Our creativity of 0..1 is its own, and its resemblance is what is left of 1."""

    provider = account = _NAME
    operation = "upscale.creative"
    mode: ClassVar[Mode] = "creative"

    def makes(self, image: ImageFacts) -> Size:
        """Up to four times each side, and as many pixels as its price is known for."""
        known = product_limits(_NAME, self.product)
        most = (known.image.max_pixels or image.pixels) * (known.output_factor or 1) ** 2
        return by_factor(image, min(_MOST_FACTOR, sqrt(most / image.pixels)))

    def details(self, work: Work[creative.Params]) -> Mapping[str, Any]:
        """Our creativity."""
        return {**super().details(work), "creativity": work.params.creativity}

    def call(self, work: Work[creative.Params], data: bytes, asked: Size) -> Call:
        """The picture, the factor, and words if there are any."""
        image, ours = work.needed_image(), work.params.creativity
        return fal.upscale(
            data,
            model=str(self.choice.model),
            prompt=work.params.prompt,
            factor=max(asked[0] / image.width, asked[1] / image.height),
            creativity=ours,
            resemblance=round(1 - ours, 3),
            seed=seed_of(work, work.params.seed, _LARGEST_SEED),
        )


ENGINES: Mapping[str, type[PaidUpscale[Any]]] = {
    "upscale.fast": Fast,
    "upscale.creative": Creative,
}
