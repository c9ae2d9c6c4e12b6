"""Hugging Face: an edit by an instruction, by FLUX Kontext behind the router.

Source: providers.md §4.4. The sides that it makes are asked for: of the picture's ratio, in
patches, with about 1 MP at most. What the patches leave over at the edges is cut off again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.edit.operations import general
from services.edit.providers.paid import Canvas, Order, PaidEdit, Size, no_larger, opaque, sent
from studio.compute import compute
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.operation import Work
from studio.providers import huggingface
from studio.providers.limits import product_limits

_NAME = "huggingface"
_STEP = 16  # px; FLUX works on patches of 16
_SHORTEST, _LONGEST = 64, 4096  # px of a side that is asked for (ours)


class General(PaidEdit[general.Params]):
    """Any instruction, in any words."""

    operation = "edit.general"
    provider = account = _NAME

    def product(self, image: ImageFacts | None, params: general.Params) -> str:
        """Always the same."""
        return self.choice().bought()

    def prompt(self, params: general.Params) -> str | None:
        """As given."""
        return params.instruction

    def size(self, image: ImageFacts, params: general.Params) -> Size:
        """The picture's ratio, as large as it is in what is drawn."""
        return self._canvas(image).kept

    def alpha(self, image: ImageFacts, params: general.Params) -> bool:
        """Never."""
        return False

    async def order(self, work: Work[general.Params], image: Image) -> Order:
        """The picture and the instruction."""
        canvas, choice = self._canvas(image.facts), self.choice()
        pixels = await compute(canvas.laid, opaque(image).pixels, mode="edge")
        call = huggingface.image_to_image(
            await sent(Image(pixels), _NAME, choice.bought()),
            work.params.instruction,
            model=str(choice.model),
            size=canvas.drawn,
            steps=int(choice.settings["num_inference_steps"]),
        )
        notes = ("What was transparent is white.",) if image.has_alpha else ()
        return Order(call, notes=notes, finish=lambda made: opaque(canvas.taken(made)))

    def _canvas(self, image: ImageFacts) -> Canvas:
        size = (image.width, image.height)
        most = product_limits(_NAME, self.choice().bought()).output_pixels
        width, height = (side // _STEP * _STEP for side in no_larger(size, most))
        drawn = tuple(min(_LONGEST, max(_SHORTEST, side)) for side in (width, height))
        return Canvas(size, (drawn[0], drawn[1]))


ENGINES: Mapping[str, type[PaidEdit[Any]]] = {"edit.general": General}
