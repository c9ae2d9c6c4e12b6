"""Requests: what a caller asks for (`Params`), and what it comes to for an engine (`ImageRequest`).

`requested` is the one place in which templates, styles, brands and defaults become definite values;
every engine, local or paid, takes the same `ImageRequest`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.create.described import one_of_the_styles, one_of_the_templates
from services.create.dimensions import MAX_SIDE, MIN_SIDE, ratio_text, size_of
from services.create.prompts import Composed, compose
from services.create.quality import Quality
from services.create.styles import Style, find_style, styles
from services.create.templates import Template, find_template, templates
from studio.events import BLOB_PATTERN
from studio.imaging.colour_names import HexColour
from studio.operation import OperationParams
from studio.wording import spelled_as

SEEDS = 2**32

Word = Annotated[str, Field(min_length=1, max_length=40)]


class Brand(BaseModel):
    """A brand kit as input. Its logo and font are kept with the picture, not drawn: `edit.text`
    and the optimizer's overlay do that."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    palette: tuple[HexColour, ...] = Field(
        min_length=1, max_length=8, description="the leading colour first", examples=[["#0b3954"]]
    )
    tone: tuple[Word, ...] = Field(default=(), max_length=8, examples=[["calm", "trustworthy"]])
    logo: str | None = Field(default=None, pattern=BLOB_PATTERN, description="not drawn here")
    font: str | None = Field(default=None, max_length=100, description="a name; not drawn here")


class Reference(BaseModel):
    """A picture to follow: the local engine takes its colours and its tones, paid ones see all of
    it. They are sent the middle of it, in the shape that is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    blob: str = Field(pattern=BLOB_PATTERN)
    strength: float = Field(default=0.5, ge=0, le=1, description="0 = not at all, 1 = as it is")


class Params(OperationParams):
    """What to make. Size: both sides, else the aspect ratio, else the template's, else 1024²."""

    prompt: str = Field(min_length=1, max_length=2000, examples=["a calm sunrise over mountains"])
    negative_prompt: str = Field(default="", max_length=2000, description="words to stay away from")
    template: Annotated[str, spelled_as(templates)] | None = Field(
        default=None,
        description="size, style and quality by name",
        json_schema_extra=one_of_the_templates,
    )
    style: Annotated[str, spelled_as(styles)] | None = Field(
        default=None,
        description="null: as the template or the words say",
        examples=["photographic", "watercolor"],
        json_schema_extra=one_of_the_styles,
    )
    quality: Quality | None = Field(
        default=None,
        description="null: the template's, else standard. Locally all three show the same picture: "
        "a draft is painted at half its size, and premium differs from standard only in smoother "
        "edges, which is hardly to be seen; with other providers premium is finest",
    )
    width: int | None = Field(default=None, ge=MIN_SIDE, le=MAX_SIDE, description="px")
    height: int | None = Field(default=None, ge=MIN_SIDE, le=MAX_SIDE, description="px")
    aspect_ratio: str | None = Field(
        default=None,
        max_length=20,
        description="width:height; alone, the longer side has 1920 px",
        examples=["4:5", "1.91:1"],
    )
    variations: int = Field(default=1, ge=1, le=10)
    seed: int | None = Field(
        default=None,
        ge=0,
        lt=SEEDS,
        description="the same seed gives the same pictures; null: derived from the step",
    )
    reference: Reference | None = Field(default=None, description="a picture to follow")
    transparent: bool = Field(
        default=False, description="without a background; few providers make that"
    )
    brand: Brand | None = Field(default=None, description="colours and tone of a brand kit")
    enhance: bool = Field(
        default=True, description="add the words of style, template and brand to the prompt"
    )

    @model_validator(mode="after")
    def _whole_size(self) -> Params:
        if (self.width is None) != (self.height is None) and self.aspect_ratio is None:
            raise ValueError("width and height go together, or one of them with aspect_ratio")
        return self


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """A request with every default made definite. Variation i (0-based) uses `seed_of(i)`."""

    prompt: str  # composed, for engines that read sentences
    negative_prompt: str  # composed likewise
    subject: str  # the prompt as it was written
    unwanted: str  # the negative prompt as it was written
    width: int  # px
    height: int  # px
    style: Style | None
    template: Template | None
    quality: Quality
    seed: int  # 0 .. 2³² - 1, of the first variation
    variations: int  # 1..10
    reference: Reference | None  # its bytes are read by `Work.read_blob`
    transparent: bool
    palette: tuple[str, ...]  # of the brand, "#rrggbb", the leading one first; may be empty
    tone: tuple[str, ...]  # of the brand

    @property
    def aspect_ratio(self) -> str:
        """The reduced ratio of its size, "4:5"."""
        return ratio_text(self.width, self.height)

    @property
    def followed(self) -> Reference | None:
        """The reference, if it is followed at all."""
        return self.reference if self.reference and self.reference.strength > 0 else None

    @property
    def style_id(self) -> str | None:
        """The style's id."""
        return self.style.id if self.style else None

    def preset(self, provider: str) -> str | None:
        """The provider's own name of the style, if it has one."""
        return self.style.presets.get(provider) if self.style else None

    def seed_of(self, variation: int) -> int:
        """The seed of a variation, 0 .. 2³² - 1; seeds follow one another and wrap around."""
        return (self.seed + variation) % SEEDS


def requested(params: Params, default_seed: int = 0) -> ImageRequest:
    """What parameters come to. Refused if a template, style or aspect ratio does not exist.

    default_seed: any integer ≥ 0, used where the caller names no seed; derive it from the step.
    """
    template = find_template(params.template) if params.template else None
    name = params.style or (template.style if template else None)
    style = find_style(name) if name else None
    words = composed(params, style, template)
    width, height = size_of(params.width, params.height, params.aspect_ratio, template)
    return ImageRequest(
        prompt=words.prompt,
        negative_prompt=words.negative_prompt,
        subject=params.prompt,
        unwanted=params.negative_prompt,
        width=width,
        height=height,
        style=style,
        template=template,
        quality=params.quality or (template.quality if template else "standard"),
        seed=default_seed % SEEDS if params.seed is None else params.seed,
        variations=params.variations,
        reference=params.reference,
        transparent=params.transparent,
        palette=params.brand.palette if params.brand else (),
        tone=params.brand.tone if params.brand else (),
    )


def composed(params: Params, style: Style | None, template: Template | None) -> Composed:
    """The prompt for engines; as written if `enhance` is off."""
    if not params.enhance:
        return Composed(params.prompt, params.negative_prompt)
    return compose(
        params.prompt,
        params.negative_prompt,
        style=style,
        template=template,
        palette=params.brand.palette if params.brand else (),
        tone=params.brand.tone if params.brand else (),
    )
