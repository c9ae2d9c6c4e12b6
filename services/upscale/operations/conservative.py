"""`upscale.conservative`: larger, with every detail preserved and none invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.upscale.engine import Engine
from services.upscale.enlarge import FIDELITY_FLOOR, enlarged, fidelity
from services.upscale.providers.lanczos import LanczosEngine
from services.upscale.providers.local import Waifu2x
from studio.compute import compute
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Broken, Refused, Unavailable

MAX_SIDE = 8192
MAX_PIXELS = 40_000_000  # of the result: 120 MB decoded, and as much while it is encoded


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
    text = (Path(__file__).parent.parent / "targets.yaml").read_text()
    read = _Targets.model_validate(yaml.safe_load(text))
    return {name: one.long_side for name, one in read.targets.items()}


def _list_targets(schema: dict[str, Any]) -> None:
    schema["examples"] = sorted(targets())


class Cover(BaseModel):
    """A box that the result must cover."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(ge=1, le=MAX_SIDE, description="px")
    height: int = Field(ge=1, le=MAX_SIDE, description="px")


class Params(OperationParams):
    """How large. Exactly one of factor, target, long_side and cover."""

    factor: float | None = Field(default=None, gt=1, le=8)
    target: str | None = Field(
        default=None, description="a named size", json_schema_extra=_list_targets
    )
    long_side: int | None = Field(default=None, ge=16, le=MAX_SIDE, description="px")
    cover: Cover | None = Field(default=None, description="the smallest size that covers this box")
    prompt: str | None = Field(
        default=None, max_length=2000, description="for engines that take one; kept with the asset"
    )

    @model_validator(mode="after")
    def _one_size(self) -> Params:
        given = [self.factor, self.target, self.long_side, self.cover]
        if sum(one is not None for one in given) != 1:
            raise ValueError("give exactly one of factor, target, long_side and cover")
        if self.target is not None and self.target not in targets():
            raise ValueError(f"target is one of {', '.join(sorted(targets()))}")
        return self


class Conservative(Operation[Params]):
    """Doubling passes of a fidelity net, then Lanczos to the exact size."""

    name = "upscale.conservative"
    summary = "Enlarge to a size or by a factor, preserving every detail."
    limits = (f"the result has sides up to {MAX_SIDE:,} px and {MAX_PIXELS:,} pixels",)
    providers = ("local", "lanczos")

    def __init__(self, local: Engine | None = None, lanczos: Engine | None = None) -> None:
        self._lanczos = lanczos or LanczosEngine()
        self._engines = {"local": local or Waifu2x(), "lanczos": self._lanczos}

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """What is made stays within the limits; what is already larger passes."""
        if image is None:
            return
        width, height = _size(image, params)
        is_made = (width, height) != (image.width, image.height)
        if is_made and (max(width, height) > MAX_SIDE or width * height > MAX_PIXELS):
            raise Refused(
                rule="upscale.conservative.max_size",
                says=f"{width}×{height} px is more than is made here: sides up to {MAX_SIDE:,}, "
                f"{MAX_PIXELS:,} pixels.",
                fix="Ask for a smaller size.",
            )

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """One image of the size, or the image itself if it is large enough."""
        if image is None:
            return []
        self.check(image, params)
        width, height = _size(image, params)
        return [ImageFacts(width=width, height=height, alpha=image.alpha)]

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Enlarge, and measure how true it stayed."""
        image, params = work.needed_image(), work.params
        width, height = _size(image.facts, params)
        notes = []
        if params.prompt:
            notes.append("The local engine preserves and takes no prompt; it was kept, not used.")
        if (width, height) == (image.width, image.height):
            notes.append("It was large enough and is unchanged.")
            return [Output(image=image, details={"prompt": params.prompt}, notes=tuple(notes))]
        result, engine, fallen = await self._enlarged(image, width, height, work.provider)
        details = {
            "engine": engine.name,
            "engine_version": engine.version,
            "factor": round(width / image.width, 3),
            "prompt": params.prompt,
            **await compute(_fidelity, image, result),
        }
        return [Output(image=result, details=details, notes=(*notes, *fallen))]

    async def _enlarged(
        self, image: Image, width: int, height: int, provider: str
    ) -> tuple[Image, Engine, Sequence[str]]:
        """The result, who made it, and a note if it was the fallback."""
        engine = self._engines[provider]
        try:
            return await compute(enlarged, image, width, height, engine), engine, ()
        except (Unavailable, Broken) as missing:  # its weights are not in order
            if engine is self._lanczos:
                raise
            note = f"Enlarged by {self._lanczos.name} instead: {missing.says}"
        result = await compute(enlarged, image, width, height, self._lanczos)
        return result, self._lanczos, (note,)


def _fidelity(source: Image, result: Image) -> Mapping[str, Any]:
    """What the details say of it; below the floor a person should look."""
    score = fidelity(source, result)
    review = None
    if score.ssim < FIDELITY_FLOOR:
        review = f"Shrunk back it matches its source by {score.ssim:.2f} only (SSIM)."
    return {"fidelity": {"ssim": score.ssim, "psnr_db": score.psnr}, "needs_review": review}


def _size(image: ImageFacts, params: Params) -> tuple[int, int]:
    """The result's size: never smaller than the image."""
    if params.factor:
        scale = params.factor
    elif params.cover:
        scale = max(params.cover.width / image.width, params.cover.height / image.height)
    else:
        long_side = params.long_side or targets()[params.target or ""]
        scale = long_side / max(image.width, image.height)
    if scale <= 1:
        return image.width, image.height
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))
