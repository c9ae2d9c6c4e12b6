"""fal: the Clarity Upscaler, which paints detail. A job.

Source: providers.md §4.7. Its price is by the megapixel of the result, so what it is asked for
keeps to the price's range: twice each side of the largest picture that it takes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, ClassVar

from services.upscale.fidelity import Mode
from services.upscale.operations import creative
from services.upscale.providers.paid import PaidUpscale, Size, by_factor, seed_of
from studio.imaging.facts import ImageFacts
from studio.operation import Work
from studio.providers import fal
from studio.providers.call import Call
from studio.providers.limits import product_limits

_NAME = "fal"
_MOST_FACTOR = 4.0  # of each side, as the model's page has it
_LARGEST_SEED = 2_147_483_647  # a signed 32-bit number; assumed


class Creative(PaidUpscale[creative.Params]):
    """Our creativity of 0..1 is its own, and its resemblance is what is left of 1."""

    provider = account = _NAME
    operation = "upscale.creative"
    mode: ClassVar[Mode] = "creative"
    product = "upscale.clarity"

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
            prompt=work.params.prompt,
            factor=max(asked[0] / image.width, asked[1] / image.height),
            creativity=ours,
            resemblance=round(1 - ours, 3),
            seed=seed_of(work, work.params.seed, _LARGEST_SEED),
        )


ENGINES: Mapping[str, type[PaidUpscale[Any]]] = {"upscale.creative": Creative}
