"""`create.import`: bring in a photo that was uploaded, unchanged."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from studio.compute import compute
from studio.events import BLOB_PATTERN
from studio.imaging.decode import decode, inspect
from studio.imaging.facts import ImageFacts
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Refused


class Params(OperationParams):
    """Which upload, and what it is called."""

    blob: str = Field(pattern=BLOB_PATTERN, description="as POST /v1/uploads answered")
    width: int | None = Field(default=None, ge=1, description="px, for quotes; measured when run")
    height: int | None = Field(default=None, ge=1, description="px, for quotes; measured when run")
    media_type: str = Field(
        default="image/jpeg",
        pattern=r"^image/[a-z0-9.+-]+$",
        description="for quotes; read from the file when run",
    )
    alpha: bool = Field(
        default=False, description="whether it has transparency, for quotes; seen when run"
    )
    filename: str | None = Field(default=None, max_length=255)
    title: str | None = Field(default=None, max_length=300)


class Import(Operation[Params]):
    """The original bytes become an asset; that they are a picture is proven by decoding them."""

    name = "create.import"
    summary = "Bring in an uploaded photo, unchanged."
    needs_image = False
    decodes = False
    limits = ("the upload is a picture that can be read: at most 64 MiB and 100 megapixels",)

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """One image as it was told; without its size nothing can be said of later steps."""
        if params.width is None or params.height is None:
            raise Refused(
                rule="create.import.size",
                says="The size of the upload is not known yet.",
                fix="Give the width and height that POST /v1/uploads answered.",
            )
        told = ImageFacts(
            width=params.width,
            height=params.height,
            media_type=params.media_type,
            alpha=params.alpha,
        )
        return [told]

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Read, prove, and keep the bytes as they are."""
        data = await work.read_blob(work.params.blob)
        facts = await compute(inspect, data)
        image = await compute(decode, data)
        details = {
            "filename": work.params.filename,
            "title": work.params.title or work.params.filename,
        }
        return [Output(data=data, facts=facts, details=details, notes=image.notes)]
