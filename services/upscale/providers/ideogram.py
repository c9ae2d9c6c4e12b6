"""Ideogram: a creative upscale, led by how much it shall resemble its source.

Source: providers.md §4.5, which does not tell the size: twice each side is assumed, and a result
that is smaller than that is kept and marked for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from services.upscale.fidelity import Mode
from services.upscale.operations import creative
from services.upscale.providers.paid import PaidUpscale, Size, by_factor, seed_of
from studio.imaging.facts import ImageFacts
from studio.operation import Work
from studio.providers import ideogram
from studio.providers.call import Call

_NAME = "ideogram"
_FACTOR = 2  # of each side; assumed
_LARGEST_SEED = 2_147_483_647  # providers.md §4.5


class Creative(PaidUpscale[creative.Params]):
    """Our creativity of 0..1 is its resemblance of 100..1."""

    provider = account = _NAME
    operation = "upscale.creative"
    mode: ClassVar[Mode] = "creative"

    def makes(self, image: ImageFacts) -> Size:
        """Twice each side."""
        return by_factor(image, _FACTOR)

    def details(self, work: Work[creative.Params]) -> Mapping[str, Any]:
        """Our creativity, and its resemblance."""
        ours = work.params.creativity
        return {**super().details(work), "creativity": ours, "resemblance": resemblance(ours)}

    def call(self, work: Work[creative.Params], data: bytes, asked: Size) -> Call:
        """The picture, and words if there are any."""
        return ideogram.upscale(
            data,
            prompt=work.params.prompt,
            resemblance=resemblance(work.params.creativity),
            seed=seed_of(work, work.params.seed, _LARGEST_SEED),
        )


ENGINES: Mapping[str, type[PaidUpscale[Any]]] = {"upscale.creative": Creative}


def resemblance(ours: float) -> int:
    """Its 100..1 for our creativity of 0..1."""
    return round(100 - 99 * ours)
