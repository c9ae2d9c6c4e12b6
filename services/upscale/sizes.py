"""Sizes: how large a result is asked to be, and how large may be made."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from studio.imaging.enlargement import (
    LARGEST_SQUARE,
    MAX_PIXELS,
    MAX_SIDE,
    longest,
    may_be_made,
)
from studio.imaging.facts import ImageFacts
from studio.operation import OperationParams
from studio.problems import Refused
from studio.wording import spelled_as

LIMIT = (
    f"the result has sides up to {MAX_SIDE:,} px and {MAX_PIXELS:,} pixels: a square up to "
    f"{LARGEST_SQUARE:,} px, so 8k is for pictures of 3:2 and longer"
)


class _Target(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    long_side: int = Field(ge=1, le=MAX_SIDE, description="px")
    source: str


class _Targets(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    checked_on: date
    targets: dict[str, _Target]


@lru_cache(maxsize=1)
def targets() -> dict[str, int]:
    """Named sizes: the longer side in px."""
    text = Path(__file__).with_name("targets.yaml").read_text(encoding="utf-8")
    read = _Targets.model_validate(yaml.safe_load(text))
    return {name: one.long_side for name, one in read.targets.items()}


def _list_targets(schema: dict[str, Any]) -> None:
    schema["examples"] = sorted(targets())


class Cover(BaseModel):
    """A box that the result must cover."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(ge=1, le=MAX_SIDE, description="px")
    height: int = Field(ge=1, le=MAX_SIDE, description="px")


class SizeParams(OperationParams):
    """How large. Exactly one of factor, target, long_side and cover."""

    factor: float | None = Field(default=None, gt=1, le=8)
    target: Annotated[str, spelled_as(targets)] | None = Field(
        default=None,
        description=f"a named size; 8k for 3:2 and longer, of a square {LARGEST_SQUARE:,} px at "
        "most, by long_side",
        json_schema_extra=_list_targets,
    )
    long_side: int | None = Field(default=None, ge=16, le=MAX_SIDE, description="px")
    cover: Cover | None = Field(default=None, description="the smallest size that covers this box")

    @model_validator(mode="after")
    def _one_size(self) -> SizeParams:
        given = [self.factor, self.target, self.long_side, self.cover]
        if sum(one is not None for one in given) != 1:
            raise ValueError("give exactly one of factor, target, long_side and cover")
        if self.target is not None and self.target not in targets():
            raise ValueError(f"target is one of {', '.join(sorted(targets()))}")
        return self

    def of(self, image: ImageFacts) -> tuple[int, int]:
        """The result's width and height in px: never smaller than the image."""
        if self.factor:
            scale = self.factor
        elif self.cover:
            scale = max(self.cover.width / image.width, self.cover.height / image.height)
        else:
            long_side = self.long_side or targets()[self.target or ""]
            scale = long_side / max(image.width, image.height)
        if scale <= 1:
            return image.width, image.height
        return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def check_size(operation: str, image: ImageFacts, params: SizeParams) -> None:
    """Raise Refused if what is to be made exceeds the limits; what is already larger passes."""
    width, height = params.of(image)
    is_made = (width, height) != (image.width, image.height)
    if is_made and not may_be_made(width, height):
        most = longest(image.width, image.height)
        raise Refused(
            rule=f"{operation}.max_size",
            says=f"{width}×{height} px is more than is made here: sides up to {MAX_SIDE:,}, "
            f"{MAX_PIXELS:,} pixels.",
            fix=f"Ask for at most long_side {most}: that is the largest of this shape."
            if most > max(image.width, image.height)
            else "It is as large as is made here already; leave the step out.",
        )
