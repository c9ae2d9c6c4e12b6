"""`upscale.conservative`: larger, with every detail preserved and none invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import Field

from services.upscale.engine import Engine, in_turn
from services.upscale.providers.lanczos import LanczosEngine
from services.upscale.providers.waifu2x import Waifu2x
from services.upscale.sizes import LIMIT, SizeParams, check_size
from services.upscale.upscaled import upscaled
from services.upscale.waifu2x.net import CUNET
from studio.imaging.facts import ImageFacts
from studio.operation import Failure, Operation, Output, Work


class Params(SizeParams):
    """How large, and what to preserve. Exactly one of factor, target, long_side and cover."""

    prompt: str | None = Field(
        default=None, max_length=2000, description="for engines that take one; kept with the asset"
    )


class Conservative(Operation[Params]):
    """Doubling passes of a fidelity net, then Lanczos to the exact size."""

    name = "upscale.conservative"
    summary = "Enlarge to a size or by a factor, preserving every detail."
    limits = (LIMIT,)
    providers = ("local", "cunet", "lanczos")

    def __init__(self, engines: Mapping[str, Engine] | None = None) -> None:
        """engines: by the name of their provider; the last one stands in for the others."""
        self._engines = engines or {
            "local": Waifu2x(),
            "cunet": Waifu2x(CUNET),
            "lanczos": LanczosEngine(),
        }

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """What is made stays within the limits; what is already larger passes."""
        if image is not None:
            check_size(self.name, image, params)

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """One image of the size, or the image itself if it is large enough."""
        if image is None:
            return []
        self.check(image, params)
        width, height = params.of(image)
        return [ImageFacts(width=width, height=height, alpha=image.alpha)]

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Enlarge, and measure how true it stayed."""
        image, params = work.needed_image(), work.params
        size, details = params.of(image.facts), {"prompt": params.prompt}
        notes = []
        if params.prompt:
            notes.append("The local engine preserves and takes no prompt; it was kept, not used.")
        if size == (image.width, image.height):
            notes.append("It was large enough and is unchanged.")
            return [Output(image=image, details=details, notes=tuple(notes))]
        engines = in_turn(self._engines, work.provider)
        made = await upscaled(image, size, "conservative", engines, details)
        return [replace(made, notes=(*notes, *made.notes))]
