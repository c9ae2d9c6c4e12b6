"""`upscale.fast`: twice or four times as large, at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from services.upscale.engine import Engine, in_turn
from services.upscale.providers.lanczos import LanczosEngine
from services.upscale.providers.sharpened import SharpenedLanczos
from services.upscale.providers.waifu2x import Waifu2x
from services.upscale.upscaled import upscaled
from services.upscale.waifu2x.net import DENOISING
from studio.imaging.facts import ImageFacts
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Refused

MAX_PIXELS = 16_777_216  # of the result: 4096², as fast upscales of providers have it


class Params(OperationParams):
    """How much larger."""

    factor: Literal[2, 4] = Field(default=4, description="times as wide and as high")
    denoise: Literal[0, 1, 2, 3] = Field(
        default=0,
        description="the local engine takes grain and JPEG blocks away, by waifu2x, which takes "
        "longer; 1: no harm to clean pictures, 3: for much noise, softens the rest",
    )


class Fast(Operation[Params]):
    """Lanczos and an unsharp mask; waifu2x, one pass, for those who wait for it or have noise."""

    name = "upscale.fast"
    summary = "Enlarge 2 or 4 times at once, with the least change."
    limits = (f"the result has at most {MAX_PIXELS:,} pixels",)
    providers = ("local", "waifu2x", "lanczos")

    def __init__(self, engines: Mapping[str, Engine] | None = None) -> None:
        """engines: by the name of their provider; the last one stands in for the others.

        Noise is taken away by waifu2x whichever of them would enlarge, but for the last one.
        """
        self._engines = engines or {
            "local": SharpenedLanczos(),
            "waifu2x": Waifu2x(most_passes=1),
            "lanczos": LanczosEngine(),
        }

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """The result stays within the limit."""
        if image is None or image.pixels * params.factor**2 <= MAX_PIXELS:
            return
        raise Refused(
            rule=f"{self.name}.max_pixels",
            says=f"Fast upscale ×{params.factor} takes at most "
            f"{MAX_PIXELS // params.factor**2:,} pixels; this image has {image.pixels:,}.",
            fix="Use upscale.conservative" + (" or factor 2." if params.factor > 2 else "."),
        )

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """One image, so much larger."""
        if image is None:
            return []
        self.check(image, params)
        width, height = image.width * params.factor, image.height * params.factor
        return [ImageFacts(width=width, height=height, alpha=image.alpha)]

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Enlarge, and measure how true it stayed."""
        image, factor, denoise = work.needed_image(), work.params.factor, work.params.denoise
        size = image.width * factor, image.height * factor
        engines = in_turn(self._engines, work.provider)
        if denoise and len(engines) > 1:
            engines = [Waifu2x(DENOISING[denoise], most_passes=1), engines[-1]]
        made = await upscaled(image, size, "fast", engines, {"denoise": denoise})
        is_left_out = denoise and DENOISING[denoise].title not in made.details["engine"]
        note = (f"{made.details['engine']} takes no noise away: denoise was not used.",)
        return [replace(made, notes=(*made.notes, *note)) if is_left_out else made]
