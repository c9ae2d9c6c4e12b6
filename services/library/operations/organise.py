"""`library.organise`: put an image where people will look for it."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, model_validator

from services.library.edit import CollectionName, Edit, Tag
from studio.imaging.facts import ImageFacts
from studio.metadata import Document
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Broken


class Params(OperationParams):
    """Where it belongs. At least one must be given."""

    collection: CollectionName | None = Field(
        default=None, description="made if there is none of that name yet"
    )
    tags: list[Tag] = Field(
        default_factory=list, max_length=100, description="added to those that it has"
    )
    favourite: bool | None = Field(default=None, description="null: as it is")
    title: str | None = Field(default=None, max_length=300, description="null: as it is")

    @model_validator(mode="after")
    def _says_something(self) -> Params:
        if self.model_dump(exclude_defaults=True) == {}:
            raise ValueError("give a collection, tags, favourite or a title")
        return self


class Organise(Operation[Params]):
    """Changes what is said of an image and never its pixels, so the catalogue performs it."""

    name = "library.organise"
    summary = "Put the image into a collection, tag it, title it or mark it as a favourite."
    decodes = False

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """The image itself."""
        return [image] if image else []

    def organised(self, row: Document, params: Params) -> Document:
        """The asset's row as it is afterwards; the given one is left alone."""
        edit = Edit(
            title=params.title,
            favourite=params.favourite,
            add_tags=params.tags,
            add_collections=[params.collection] if params.collection else [],
        )
        return edit.applied_to(row)

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Not how a library step is done; whoever calls this has wired it into a studio."""
        raise Broken(rule="library.organise", says="Organising is the catalogue's work.")
