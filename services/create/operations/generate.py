"""`create.generate`: pictures from a prompt, in one to ten variations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from PIL import Image as Pillow
from pydantic import Field, model_validator

from services.create.providers.local.engine import VERSION, generate, styles
from services.create.templates import Template, find_template
from studio.compute import compute
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.imaging.provenance import ALGORITHMIC_MEDIA
from studio.money import PriceRange
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Refused

MIN_SIDE = 64
MAX_SIDE = 4096
MAX_PIXELS = 4_194_304  # 2048 × 2048, what the local engine paints in seconds
SEEDS = 2**32

Quality = Literal["draft", "standard", "premium"]


class Params(OperationParams):
    """What to make. The size is `width` × `height`, else the template's, else 1024 × 1024."""

    prompt: str = Field(min_length=1, max_length=2000, examples=["a calm sunrise over mountains"])
    negative_prompt: str = Field(default="", max_length=2000, description="words to stay away from")
    template: str | None = Field(default=None, description="size, style and quality by name")
    style: str | None = Field(
        default=None, description="null: as the template or the words say", examples=styles()
    )
    quality: Quality | None = Field(
        default=None, description="null: the template's, else standard; draft is quickest"
    )
    width: int | None = Field(default=None, ge=MIN_SIDE, le=MAX_SIDE, description="px")
    height: int | None = Field(default=None, ge=MIN_SIDE, le=MAX_SIDE, description="px")
    variations: int = Field(default=1, ge=1, le=10)
    seed: int | None = Field(
        default=None,
        ge=0,
        lt=SEEDS,
        description="the same seed gives the same pictures; null: derived from the step",
    )

    @model_validator(mode="after")
    def _whole_size(self) -> Params:
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height go together")
        return self


class Generate(Operation[Params]):
    """Generate pictures."""

    name = "create.generate"
    summary = "Make one to ten pictures from a prompt."
    needs_image = False
    limits = (f"width × height is at most {MAX_PIXELS:,} pixels",)

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """The template and the style exist, and the size can be painted."""
        width, height = self._size(params)
        if width * height > MAX_PIXELS:
            raise Refused(
                rule="create.generate.max_pixels",
                says=f"{width}×{height} are {width * height:,} pixels; the local engine makes at "
                f"most {MAX_PIXELS:,}.",
                fix="Make it smaller here, and add an upscale step after it.",
            )
        if params.style is not None and params.style not in styles():
            raise Refused(
                rule="create.generate.style",
                says=f"There is no style {params.style!r}.",
                fix="Leave the style out, or use one of the valid ones.",
                valid=styles(),
            )

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """As many pictures as variations, all of one size."""
        width, height = self._size(params)
        return [ImageFacts(width=width, height=height)] * params.variations

    def price(self, image: ImageFacts | None, params: Params, provider: str) -> PriceRange:
        """Each variation is paid for."""
        return self.unit_price(provider) * params.variations

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """One variation after another; each uses the seed that follows the one before."""
        params = work.params
        template = self._template(params)
        style = params.style or (template.style if template else None)
        quality = params.quality or (template.quality if template else "standard")
        width, height = self._size(params)
        first = work.step_id.int % SEEDS if params.seed is None else params.seed
        details = {
            "prompt": params.prompt,
            "negative_prompt": params.negative_prompt,
            "template": params.template,
            "style": style,
            "quality": quality,
            "engine": VERSION,
        }
        made = []
        for number in range(params.variations):
            seed = (first + number) % SEEDS
            pixels = await compute(
                generate,
                params.prompt,
                width=width,
                height=height,
                seed=seed,
                style=style,
                quality=quality,
                negative_prompt=params.negative_prompt,
            )
            made.append(_output(pixels, number, {**details, "seed": seed}))
        return made

    def _template(self, params: Params) -> Template | None:
        return find_template(params.template) if params.template else None

    def _size(self, params: Params) -> tuple[int, int]:
        template = self._template(params)  # an unknown one is refused even if it is not needed
        if params.width and params.height:
            return params.width, params.height
        return (template.width, template.height) if template else (1024, 1024)


def _output(pixels: Pillow.Image, number: int, details: Mapping[str, object]) -> Output:
    image = Image(pixels, source_type=ALGORITHMIC_MEDIA)
    return Output(image=image, label=f"variation {number + 1}", details=details)
