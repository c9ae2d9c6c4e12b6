"""`edit.search_recolor`: what words or a mask select gets another colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from pydantic import Field

from services.edit.colours import Colour, parse_colour
from services.edit.masks import SelectingParams, selected
from services.edit.providers.local import LocalMatting
from services.edit.recolouring import recoloured
from studio.compute import compute
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.operation import Failure, Operation, Output, Work

GROW = 1  # px: what is blended at an edge changes with it


class Params(SelectingParams):
    """What, and which colour."""

    colour: Colour = Field(description="the new one")
    strength: float = Field(default=1, gt=0, le=1, description="how far towards it")
    lightness: float = Field(
        default=0,
        ge=0,
        le=1,
        description="0: light and shadow stay; 1: on average as light as the colour",
    )


class SearchRecolor(Operation[Params]):
    """Mask, Lab recolour."""

    name = "edit.search_recolor"
    summary = "Give what words or a mask select another colour; light and texture stay."
    limits = ("words: colours, subject, background, faces, everything",)

    def __init__(self, local: LocalMatting) -> None:
        self._local = local

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """The same size; what was transparent stays so."""
        return [image.with_(media_type="image/png")] if image else []

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Pixels outside the mask stay exactly what they are; `details.mean_delta_e` says how near
        the selection came to the colour. Refused: `edit.mask.*`."""
        image = work.needed_image()
        chosen = await selected(work.params.source, work, self._local, grow=GROW)
        made, told = await compute(_made, image, chosen.mask, work.params)
        return [Output(image=made, details={**chosen.details, **told}, notes=chosen.notes)]


def _made(
    image: Image, mask: npt.NDArray[np.uint8], params: Params
) -> tuple[Image, dict[str, Any]]:
    result = recoloured(
        np.asarray(image.pixels.convert("RGB")),
        mask,
        parse_colour(params.colour),
        strength=params.strength,
        lightness=params.lightness,
    )
    pixels = Pillow.fromarray(result.colours)
    if image.has_alpha:
        pixels.putalpha(image.pixels.getchannel("A"))
    return image.with_pixels(pixels), {
        "mean_delta_e": round(result.delta_e, 2),
        "mean_delta_ab": round(result.delta_hue, 2),
        "engine": "lab recolour",
        "engine_version": "2026-11",
    }
