"""`edit.outpaint`: the picture goes on beyond its edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageOps
from pydantic import Field, field_validator

from services.edit.anchor import Anchor, across, down
from services.edit.beyond import needs_provider
from services.edit.fill import ENGINE, ENGINE_VERSION, fill
from services.edit.providers.local import LocalMatting
from services.edit.removal import not_to_copy
from services.edit.risk import Risk, fill_risk
from studio.compute import compute
from studio.imaging.decode import DEFAULT_LIMITS
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Refused

_MOST = 2000  # px a side
_LEAST_SIDE = 32  # px; smaller pictures offer nothing to go on with

Margins = tuple[int, int, int, int]  # left, up, right, down, px


class Params(OperationParams):
    """How far on each side, or to which ratio."""

    left: int = Field(default=0, ge=0, le=_MOST, description="px")
    right: int = Field(default=0, ge=0, le=_MOST, description="px")
    up: int = Field(default=0, ge=0, le=_MOST, description="px")
    down: int = Field(default=0, ge=0, le=_MOST, description="px")
    ratio: str | None = Field(
        default=None,
        pattern=r"^[0-9]{1,5}(\.[0-9]{1,3})?:[0-9]{1,5}(\.[0-9]{1,3})?$",
        description="width:height to extend to, instead of px",
        examples=["16:9", "1:1", "1.91:1"],
    )
    anchor: Anchor = Field(default="centre", description="where the picture stands in a ratio")
    prompt: str | None = Field(
        default=None, min_length=1, max_length=2000, description="needs a provider that generates"
    )

    @field_validator("ratio")
    @classmethod
    def _has_two_sides(cls, ratio: str | None) -> str | None:
        if ratio is not None and not all(float(side) > 0 for side in ratio.split(":")):
            raise ValueError("both sides of a ratio are above 0")
        return ratio


class Outpaint(Operation[Params]):
    """A larger canvas, filled from the border inwards out."""

    name = "edit.outpaint"
    summary = "Extend the picture beyond its edges; what is in it stays exactly as it is."
    limits = (
        f"at most {_MOST} px a side",
        f"at most {DEFAULT_LIMITS.max_pixels:,} pixels in all",
        "subjects that an edge cuts off are not completed; `needs_review` says where much is new",
    )

    def __init__(self, local: LocalMatting) -> None:
        self._local = local

    def parse(self, raw: Mapping[str, Any]) -> Params:
        """As everywhere; Refused: `edit.outpaint.nothing_to_do`, `edit.outpaint.params`."""
        params = super().parse(raw)
        sides = params.left or params.right or params.up or params.down
        if not sides and params.ratio is None:
            raise _nothing("No side is extended: left, right, up and down are 0.")
        if sides and params.ratio is not None:
            raise Refused(
                rule="edit.outpaint.params",
                says="edit.outpaint takes px on the sides or a ratio, not both.",
                fix="Leave one of them out.",
            )
        return params

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """Refused: beyond the limits, or nothing to extend."""
        if params.prompt is not None:
            raise needs_provider(
                self.name,
                "paint what a prompt describes",
                "Leave the prompt out to go on as it is.",
            )
        if image is None:
            return
        left, up, right, below = margins_of(image, params)
        if not any((left, up, right, below)):
            raise _nothing(f"The picture has the ratio {params.ratio} already.")
        if min(image.width, image.height) < _LEAST_SIDE:
            raise Refused(
                rule="edit.outpaint.min_side",
                says=f"The picture is {image.width} × {image.height} px; a side needs at least "
                f"{_LEAST_SIDE} to go on from.",
                fix="Enlarge it first.",
            )
        width, height = image.width + left + right, image.height + up + below
        _check_size(width, height, max(left, up, right, below))

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """The size with the new margins."""
        self.check(image, params)
        if image is None:
            return []
        left, up, right, below = margins_of(image, params)
        size = {"width": image.width + left + right, "height": image.height + up + below}
        return [image.with_(**size, media_type="image/png")]

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """The picture lies unchanged in the larger one; `details.margins` says where."""
        image = work.needed_image()
        self.check(image.facts, work.params)
        margins = margins_of(image.facts, work.params)
        sides = dict(zip(("left", "up", "right", "down"), margins, strict=True))
        if image.has_alpha:
            wide = image.with_pixels(ImageOps.expand(image.pixels, margins, (0, 0, 0, 0)))
            told = {"margins": sides, "engine": "transparent margins", "engine_version": "1"}
            return [Output(image=wide, details=told)]
        made, risk = await compute(_extended, image, margins, self._local)
        told = {"margins": sides, "engine": ENGINE, "engine_version": ENGINE_VERSION}
        return [Output(image=made, details={**told, **risk.details})]


def _nothing(says: str) -> Refused:
    return Refused(
        rule="edit.outpaint.nothing_to_do",
        says=says,
        fix="Give px for a side or another ratio, or leave the step out.",
        valid=["left", "right", "up", "down", "ratio"],
    )


def _check_size(width: int, height: int, widest: int) -> None:
    if widest > _MOST:
        raise Refused(
            rule="edit.outpaint.max_margin",
            says=f"That ratio needs {widest:,} px on a side; {_MOST:,} are the most.",
            fix="Use a ratio nearer to the picture's, or scale it down first.",
        )
    if width * height > DEFAULT_LIMITS.max_pixels or max(width, height) > DEFAULT_LIMITS.max_side:
        raise Refused(
            rule="edit.outpaint.max_pixels",
            says=f"Extended it would have {width:,} × {height:,} px; "
            f"{DEFAULT_LIMITS.max_pixels:,} pixels are the most.",
            fix="Extend it less, or scale it down first.",
        )


def margins_of(image: ImageFacts, params: Params) -> Margins:
    """What is added: px (left, up, right, below)."""
    if params.ratio is None:
        return params.left, params.up, params.right, params.down
    wide, tall = (float(side) for side in params.ratio.split(":"))
    more_width = max(0, round(image.height * wide / tall) - image.width)
    more_height = max(0, round(image.width * tall / wide) - image.height)
    left, up = round(across(params.anchor) * more_width), round(down(params.anchor) * more_height)
    return left, up, more_width - left, more_height - up


def _extended(image: Image, margins: Margins, local: LocalMatting) -> tuple[Image, Risk]:
    left, up, right, below = margins
    sides = ((up, below), (left, right))

    def wide(places: npt.NDArray[np.bool_], beyond: bool) -> npt.NDArray[np.bool_]:
        return np.pad(places, sides, constant_values=beyond)

    colours = np.pad(np.asarray(image.pixels), (*sides, (0, 0)), mode="edge")
    hole = wide(np.zeros((image.height, image.width), np.bool_), True)
    barred = [wide(one, False) for one in not_to_copy(image, local)]
    made = image.with_pixels(Pillow.fromarray(fill(colours, hole, barred)))
    return made, fill_risk(colours, hole)
