"""`upscale.creative`: larger, with what is there made more visible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from pydantic import Field

from services.upscale.detail import Detail, enhance
from services.upscale.engine import Engine, in_turn
from services.upscale.providers.lanczos import LanczosEngine
from services.upscale.providers.waifu2x import Waifu2x
from services.upscale.sizes import LIMIT, SizeParams, check_size
from services.upscale.upscaled import upscaled
from studio.imaging.facts import ImageFacts
from studio.operation import Failure, Operation, Output, Work
from studio.problems import Refused

MAX_INPUT = 1_048_576  # pixels, as creative upscales of providers have it: they mend small pictures

#: Seeds are 0 … 4,294,967,294, as Stability's, so that a chain may pass one on.
SEEDS = 4_294_967_295


class Params(SizeParams):
    """How large, and how bold. Exactly one of factor, target, long_side and cover."""

    creativity: float = Field(
        default=0.3, ge=0, le=1, description="0: as conservative; engines of providers: 0.1 to 0.5"
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        lt=SEEDS,
        description="the same seed gives the same grain; null: derived from the step",
    )
    prompt: str | None = Field(
        default=None, max_length=2000, description="for engines that take one; kept with the asset"
    )


class Creative(Operation[Params]):
    """Conservative, then local contrast, sharper edges and a fine grain: no detail is invented."""

    name = "upscale.creative"
    summary = "Enlarge and enhance; the local engine raises detail that is there and invents none."
    limits = (f"the image has at most {MAX_INPUT:,} pixels", LIMIT)
    providers = ("local", "lanczos")

    def __init__(self, engines: Mapping[str, Engine] | None = None) -> None:
        """engines: by the name of their provider; the last one stands in for the others."""
        self._engines = engines or {"local": Waifu2x(), "lanczos": LanczosEngine()}

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """Neither the image nor what is made exceeds its limit."""
        if image is None:
            return
        if image.pixels > MAX_INPUT:
            raise Refused(
                rule=f"{self.name}.max_pixels",
                says=f"Creative upscale takes at most {MAX_INPUT:,} pixels; "
                f"this image has {image.pixels:,}.",
                fix="Use upscale.conservative, or shrink the image first.",
            )
        check_size(self.name, image, params)

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """One image of the size, or of the image's own if that is larger."""
        if image is None:
            return []
        self.check(image, params)
        width, height = params.of(image)
        return [ImageFacts(width=width, height=height, alpha=image.alpha)]

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Enlarge, enhance, and measure how true it stayed."""
        image, params = work.needed_image(), work.params
        size = params.of(image.facts)
        seed = work.step_id.int % SEEDS if params.seed is None else params.seed
        detail = Detail(params.creativity, size[0] / image.width, seed)
        details = {"prompt": params.prompt, "creativity": params.creativity, "seed": seed}
        notes = ["The local engine enhances what is there and invents no detail."]
        if params.prompt:
            notes.append("It takes no prompt; the prompt was kept, not used.")
        engines = in_turn(self._engines, work.provider)
        made = await upscaled(
            image, size, "creative", engines, details, partial(enhance, detail=detail)
        )
        return [replace(made, notes=(*notes, *made.notes))]
