"""`edit.text`: words on the picture that can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field, field_validator

from services.edit.clearance import Sight
from services.edit.colours import Colour, parse_colour
from services.edit.text import Lettering, Scrim, TextAnchor, lettered
from studio.compute import compute
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.imaging.legibility import READABLE
from studio.imaging.typesetting import Align
from studio.operation import Failure, Operation, OperationParams, Output, Work


class Params(OperationParams):
    """What is written, where and how."""

    text: str = Field(max_length=500, examples=["Grand opening"])
    anchor: TextAnchor = Field(
        default="auto", description="auto: below, or where it covers no head and little that counts"
    )
    align: Align | None = Field(default=None, description="of lines; null: as the anchor")
    size: float = Field(
        default=0.08, gt=0, le=0.5, description="fraction of the height; less if it cannot fit"
    )
    colour: Colour = "#ffffff"
    margin: float = Field(default=0.05, ge=0, le=0.4, description="of the shorter side")
    scrim: Scrim = Field(
        default="auto",
        description=f"auto: a panel under the text where contrast is below {READABLE}:1",
    )

    @field_validator("text")
    @classmethod
    def _has_letters(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("a text has at least one letter")
        return text


class Text(Operation[Params]):
    """Place, type, contrast, scrim."""

    name = "edit.text"
    summary = "Write text on the picture, with enough contrast to be read."
    limits = (
        "the text fits the picture at 8 px or more",
        "faces and what stands out are looked for at every anchor: `needs_review` says what the "
        "text covers, which takes longer than to write it",
    )

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """The same size; what was transparent stays so."""
        return [image.with_(media_type="image/png")] if image else []

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """`details.text_contrast` is the WCAG ratio reached, `needs_review` says what the text
        covers. Refused: `text.no_glyph`, `text.does_not_fit`."""
        image, details = await compute(_written, work.needed_image(), work.params)
        return [Output(image=image, details=details)]


def _written(image: Image, params: Params) -> tuple[Image, dict[str, Any]]:
    made = lettered(
        image.pixels,
        Lettering(
            text=params.text,
            anchor=params.anchor,
            align=params.align,
            size=params.size,
            colour=parse_colour(params.colour),
            margin=params.margin,
            scrim=params.scrim,
        ),
        Sight.of(image),
    )
    return image.with_pixels(made.pixels), {
        **made.details,
        "engine": "harfbuzz",
        "engine_version": _shaper_version(),
    }


def _shaper_version() -> str:
    from importlib.metadata import version

    return f"uharfbuzz {version('uharfbuzz')}"
