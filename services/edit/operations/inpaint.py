"""`edit.inpaint`: what a mask selects is made anew."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from services.edit.beyond import needs_provider
from services.edit.masks import MaskSource, selected
from services.edit.providers.local import LocalMatting
from services.edit.removal import erased, told
from studio.compute import compute
from studio.imaging.facts import ImageFacts
from studio.operation import Failure, Operation, OperationParams, Output, Work

GROW = 5  # px around what was selected


class Params(OperationParams):
    """Where, and with what."""

    mask: MaskSource = Field(
        description="what is made anew; grown by 5 px unless it says otherwise",
        examples=[{"point": {"x": 0.8, "y": 0.2}}, {"words": "the red cup"}],
    )
    prompt: str | None = Field(
        default=None,
        min_length=1,
        max_length=2000,
        description="what shall be there; null: what is around it goes on",
        examples=["a vase of tulips"],
    )


class Inpaint(Operation[Params]):
    """Mask, then the same fill as edit.erase."""

    name = "edit.inpaint"
    summary = "Make what a mask selects anew, from what is around it."
    limits = (
        "the mask leaves at least a tenth of the picture",
        "a prompt needs a provider that generates",
    )

    def __init__(self, local: LocalMatting) -> None:
        self._local = local

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """The local engine paints nothing that is not in the picture."""
        if params.prompt is not None:
            raise needs_provider(
                self.name,
                "paint what a prompt describes",
                "Leave the prompt out to continue what is around, or use edit.search_replace "
                "with a picture.",
            )

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """The same size; what was transparent stays so."""
        self.check(image, params)
        return [image.with_(media_type="image/png")] if image else []

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Pixels outside the mask stay exactly what they are. Refused as edit.erase is."""
        image = work.needed_image()
        self.check(image.facts, work.params)
        chosen = await selected(work.params.mask, work, self._local, grow=GROW)
        made = await compute(erased, image, chosen.mask, self._local)
        details = {**chosen.details, **await compute(told, image, chosen.mask)}
        return [Output(image=made, details=details, notes=chosen.notes)]
