"""Replicate: the background removed by Recraft's model. A job.

Source: providers.md §4.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.edit.operations import remove_background
from services.edit.providers.paid import Order, PaidEdit, cut_out_of, opaque, sent
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.operation import Work
from studio.providers import replicate

_NAME = "replicate"


class RemoveBackground(PaidEdit[remove_background.Params]):
    """A cut-out, with the edge as soft as was asked for."""

    operation = "edit.remove_background"
    provider = account = _NAME
    makes_pixels = False

    def product(self, image: ImageFacts | None, params: remove_background.Params) -> str:
        """Always the same."""
        return self.choice().bought()

    def alpha(self, image: ImageFacts, params: remove_background.Params) -> bool:
        """Always."""
        return True

    async def order(self, work: Work[remove_background.Params], image: Image) -> Order:
        """The picture alone."""
        data = await sent(opaque(image), _NAME, self.choice().bought())
        call = replicate.remove_background(data)
        return Order(call, finish=cut_out_of(image, work.params.feather))


ENGINES: Mapping[str, type[PaidEdit[Any]]] = {"edit.remove_background": RemoveBackground}
