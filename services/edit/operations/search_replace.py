"""`edit.search_replace`: what words or a mask select is replaced by a picture, or by nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from services.edit.beyond import needs_provider
from services.edit.inlay import inlaid
from services.edit.masks import SelectingParams, selected
from services.edit.providers.local import LocalMatting
from services.edit.removal import erased, told
from studio.compute import compute
from studio.events import BLOB_PATTERN
from studio.imaging.decode import decode
from studio.imaging.facts import ImageFacts
from studio.operation import Failure, Operation, Output, Work

GROW = 3  # px around what was selected
_WAYS = ("image", "erase", "prompt")


class Params(SelectingParams):
    """What, and by what: exactly one of image, erase and prompt."""

    image: str | None = Field(
        default=None,
        pattern=BLOB_PATTERN,
        description="a picture: a cut-out stands where the thing stood, any other fills its shape",
        examples=["sha256:" + "0" * 64],
    )
    erase: Literal[True] | None = Field(default=None, description="nothing: the place is filled")
    prompt: str | None = Field(
        default=None, min_length=1, max_length=2000, description="needs a provider that generates"
    )

    @model_validator(mode="after")
    def _one_replacement(self) -> Params:
        given = [way for way in _WAYS if getattr(self, way) is not None]
        if len(given) != 1:
            raise ValueError(
                f"give exactly one of {', '.join(_WAYS)}; given: {', '.join(given) or 'none'}"
            )
        return self


class SearchReplace(Operation[Params]):
    """Mask, then a picture in its place or a fill."""

    name = "edit.search_replace"
    summary = "Replace what words or a mask select by a picture, or erase it."
    limits = (
        "words: colours, subject, background, faces, everything",
        "a prompt needs a provider that generates",
    )

    def __init__(self, local: LocalMatting) -> None:
        self._local = local

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """The local engine paints nothing that it is not given."""
        if params.prompt is not None:
            raise needs_provider(
                self.name,
                "paint what a prompt describes",
                "Give the replacement as image (create.generate can make one), or erase: true.",
            )

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """The same size; what was transparent stays so."""
        self.check(image, params)
        return [image.with_(media_type="image/png")] if image else []

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """With erase or a picture without transparency, pixels outside the mask stay exactly what
        they are; a cut-out may reach beyond it. Refused: `edit.mask.*`, `edit.fill.nothing_left`.
        """
        image, params = work.needed_image(), work.params
        self.check(image.facts, params)
        chosen = await selected(params.source, work, self._local, grow=GROW)
        if params.image is None:
            made = await compute(erased, image, chosen.mask, self._local)
            details = await compute(told, image, chosen.mask)
        else:
            other = await compute(decode, await work.read_blob(params.image))
            made, details = await compute(inlaid, image, chosen.mask, other, self._local)
        return [Output(image=made, details={**chosen.details, **details}, notes=chosen.notes)]
