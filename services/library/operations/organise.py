"""`library.organise`: put an image where people will look for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, model_validator

from studio.imaging.facts import ImageFacts
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Broken

Tag = Annotated[str, Field(min_length=1, max_length=80)]


class Params(OperationParams):
    """Where it belongs. At least one must be given."""

    collection: str | None = Field(
        default=None, min_length=1, max_length=200, description="made if there is none yet"
    )
    tags: list[Tag] = Field(default_factory=list, max_length=100)
    favourite: bool | None = None
    title: str | None = Field(default=None, max_length=300)

    @model_validator(mode="after")
    def _says_something(self) -> Params:
        if self.model_dump(exclude_defaults=True) == {}:
            raise ValueError("give a collection, tags, favourite or a title")
        return self


class Organise(Operation[Params]):
    """Described here and performed by the catalogue, since it changes facts and not pixels."""

    name = "library.organise"
    summary = "Put the image into a collection, tag it, title it or mark it as a favourite."
    decodes = False

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """The image itself."""
        return [image] if image else []

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """The catalogue performs it; a studio that asks for pixels is wired wrongly."""
        raise Broken(rule="library.organise", says="Organising is the catalogue's work.")
