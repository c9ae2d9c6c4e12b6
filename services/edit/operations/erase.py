"""`edit.erase`: what a mask selects is gone, and what is around it goes on there."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from services.edit.masks import MaskSource, selected
from services.edit.providers.local import LocalMatting
from services.edit.removal import erased, told
from services.edit.selection import understood
from studio.compute import compute
from studio.imaging.facts import ImageFacts
from studio.operation import Failure, Operation, OperationParams, Output, Work

#: px around what was selected: an object's soft edge and its glow go with it.
GROW = 5


class Params(OperationParams):
    """What to erase."""

    mask: MaskSource = Field(
        description="what goes; grown by 5 px unless it says otherwise",
        examples=[{"box": {"x0": 0.7, "y0": 0.1, "x1": 0.9, "y1": 0.5}}, {"words": "the caption"}],
    )


class Erase(Operation[Params]):
    """Mask, fill from around, seam."""

    name = "edit.erase"
    summary = "Erase what a mask selects; what is around it goes on there."
    limits = (
        "the mask leaves at least a tenth of the picture",
        "a colour in words selects what has that colour; a box takes the whole thing",
        "large holes get plausible texture, no new objects; `needs_review` says where that shows",
    )

    def __init__(self, local: LocalMatting) -> None:
        self._local = local

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """The same size; what was transparent stays so."""
        return [image.with_(media_type="image/png")] if image else []

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Pixels outside the mask stay exactly what they are.

        Refused: `edit.mask.*`; `edit.fill.nothing_left` where the mask covers nearly everything.
        """
        image = work.needed_image()
        chosen = await selected(work.params.mask, work, self._local, grow=GROW)
        made = await compute(erased, image, chosen.mask, self._local)
        details = {**chosen.details, **await compute(told, image, chosen.mask)}
        notes = (*chosen.notes, *_by_colour(work.params.mask.words))
        return [Output(image=made, details=details, notes=notes)]


def _by_colour(words: str | None) -> Sequence[str]:
    """What to know of a thing that was named by its colour: the rest of it is still there."""
    meant = understood(words) if words else None
    if not meant or meant.where == "text" or not (colours := meant.colours):
        return ()
    return (
        f"“{words}” selected what is {' or '.join(colours)}; what has another colour stays: a rim, "
        "a shadow, what is inside. To erase the whole thing, select it by a box around it.",
    )
