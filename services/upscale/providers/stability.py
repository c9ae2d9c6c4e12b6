"""Stability AI: fast, conservative and creative.

Source: providers.md §4.1. Fast makes four times each side, conservative about 4 MP, creative about
8.3 MP (“4K class”); the two take words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from services.upscale.fidelity import Mode
from services.upscale.operations import conservative, creative, fast
from services.upscale.providers.paid import PaidUpscale, Size, by_area, by_factor, seed_of, words
from studio.imaging.facts import ImageFacts
from studio.operation import Work
from studio.providers import stability
from studio.providers.call import Call
from studio.providers.limits import product_limits

_NAME = "stability"
_LARGEST_SEED = 4_294_967_294  # providers.md §4.1
_FAITHFUL = 0.2  # the least creativity of conservative, 0.2..0.5: what is asked for is fidelity
_LEAST, _MOST = 0.1, 0.5  # creativity of creative, for our 0..1; providers.md §4.1


class Fast(PaidUpscale[fast.Params]):
    """Four times each side; for twice, shrunk to half."""

    provider = account = _NAME
    operation = "upscale.fast"
    mode: ClassVar[Mode] = "fast"

    def makes(self, image: ImageFacts) -> Size:
        """Four times each side."""
        return by_factor(image, product_limits(_NAME, self.product).output_factor or 1)

    def details(self, work: Work[fast.Params]) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def call(self, work: Work[fast.Params], data: bytes, asked: Size) -> Call:
        """The picture alone."""
        return stability.upscale_fast(data)


class Conservative(PaidUpscale[conservative.Params]):
    """About 4 MP, with the least creativity that it takes."""

    provider = account = _NAME
    operation = "upscale.conservative"
    mode: ClassVar[Mode] = "conservative"

    def makes(self, image: ImageFacts) -> Size:
        """About 4 MP."""
        return by_area(image, product_limits(_NAME, self.product).output_pixels or 0)

    def call(self, work: Work[conservative.Params], data: bytes, asked: Size) -> Call:
        """The picture and words for it, which are required."""
        return stability.upscale_conservative(
            data,
            words(work, work.params.prompt),
            creativity=_FAITHFUL,
            seed=seed_of(work, None, _LARGEST_SEED),
        )


class Creative(PaidUpscale[creative.Params]):
    """About 8.3 MP. Our creativity of 0..1 is its 0.1..0.5. A job."""

    provider = account = _NAME
    operation = "upscale.creative"
    mode: ClassVar[Mode] = "creative"

    def makes(self, image: ImageFacts) -> Size:
        """About 8.3 MP."""
        return by_area(image, product_limits(_NAME, self.product).output_pixels or 0)

    def details(self, work: Work[creative.Params]) -> Mapping[str, Any]:
        """Ours and its own creativity."""
        ours = work.params.creativity
        return {
            **super().details(work),
            "creativity": ours,
            "provider_creativity": provider_creativity(ours),
        }

    def call(self, work: Work[creative.Params], data: bytes, asked: Size) -> Call:
        """The picture and words for it, which are required."""
        return stability.upscale_creative(
            data,
            words(work, work.params.prompt),
            creativity=provider_creativity(work.params.creativity),
            seed=seed_of(work, work.params.seed, _LARGEST_SEED),
        )


ENGINES: Mapping[str, type[PaidUpscale[Any]]] = {
    "upscale.fast": Fast,
    "upscale.conservative": Conservative,
    "upscale.creative": Creative,
}


def provider_creativity(ours: float) -> float:
    """Creative's 0.1..0.5 for our 0..1."""
    return round(_LEAST + (_MOST - _LEAST) * ours, 3)
