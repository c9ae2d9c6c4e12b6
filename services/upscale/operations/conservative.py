"""`upscale.conservative`: larger, with every detail preserved and none invented."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.upscale.enlarge import FIDELITY_FLOOR, enlarged, fidelity
from services.upscale.providers.local import ENGINE, doubled
from studio.compute import compute
from studio.imaging.facts import ImageFacts
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Broken, Refused, Unavailable

MAX_SIDE = 8192
MAX_PIXELS = 40_000_000  # of the result: 120 MB decoded, and as much while it is encoded


class _Targets(BaseModel):
    class Target(BaseModel):
        long_side: int
        source: str

    checked_on: object
    targets: dict[str, Target]


@lru_cache(maxsize=1)
def targets() -> dict[str, int]:
    """Named sizes: the longer side in px."""
    text = (Path(__file__).parent.parent / "targets.yaml").read_text()
    return {name: one.long_side for name, one in _Targets(**yaml.safe_load(text)).targets.items()}


class Cover(BaseModel):
    """A box that the result must cover."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(ge=1, le=MAX_SIDE, description="px")
    height: int = Field(ge=1, le=MAX_SIDE, description="px")


class Params(OperationParams):
    """How large. Exactly one of factor, target, long_side and cover."""

    factor: float | None = Field(default=None, gt=1, le=8)
    target: str | None = Field(default=None, examples=sorted(targets()))
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
    providers = ("local", "lanczos")

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """The result stays within the limits."""
        if image is None:
            return
        width, height = _size(image, params)
        if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
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
        if (width, height) == (image.width, image.height):
            return [image]
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
        doubler, engine = (doubled, ENGINE) if work.provider == "local" else (None, "Lanczos")
        try:
            result = await compute(enlarged, image, width, height, doubler)
        except (Unavailable, Broken) as missing:  # its weights are not in order
            notes.append(f"Enlarged by Lanczos instead: {missing.says}")
            engine = "Lanczos"
            result = await compute(enlarged, image, width, height, None)
        score = await compute(fidelity, image, result)
        review = None
        if score.ssim < FIDELITY_FLOOR:
            review = f"Shrunk back it matches its source by {score.ssim:.2f} only (SSIM)."
        details = {
            "engine": engine,
            "factor": round(width / image.width, 3),
            "fidelity": {"ssim": score.ssim, "psnr_db": score.psnr},
            "needs_review": review,
            "prompt": params.prompt,
        }
        return [Output(image=result, details=details, notes=tuple(notes))]


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
