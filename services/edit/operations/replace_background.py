"""`edit.replace_background`: the subject on a colour, a gradient or another picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image as Pillow
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.edit import scene
from services.edit.colours import Bytes, Colour, parse_colour
from services.edit.foreground import foreground
from services.edit.providers.local import LocalMatting
from studio.compute import compute
from studio.events import BLOB_PATTERN
from studio.imaging.decode import decode
from studio.imaging.facts import ImageFacts
from studio.imaging.image import FloatArray, Image
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Refused

_WAYS = ("colour", "gradient", "image", "prompt")
_SHADOW = 0.5  # where nothing is said, on a plain ground
_LEAST_COVERAGE = 0.002  # of the picture; less is dust
_CUT_OUT = 0.98  # a picture that is opaque in less than this is a cut-out already


class Gradient(BaseModel):
    """From one colour to another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: Colour
    last: Colour
    angle: float = Field(
        default=90, ge=-360, le=360, description="degrees, clockwise; 0: left to right, 90: down"
    )


class Params(OperationParams):
    """The new background: exactly one of colour, gradient, image and prompt."""

    colour: Colour | None = Field(default=None, examples=["white", "#f2efe9"])
    gradient: Gradient | None = Field(
        default=None, examples=[{"first": "white", "last": "#c8d0d8", "angle": 90}]
    )
    image: str | None = Field(
        default=None,
        pattern=BLOB_PATTERN,
        description="a picture; scaled and cropped to cover",
        examples=["sha256:" + "0" * 64],
    )
    prompt: str | None = Field(
        default=None, min_length=1, max_length=2000, description="needs a provider that generates"
    )
    shadow: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="strength of the shadow on the ground; null: 0.5 on a colour or gradient, "
        "none on an image",
    )
    shadow_direction: scene.Direction = Field(default="below", description="where it falls")
    relight: float = Field(
        default=0, ge=0, le=1, description="how far light, contrast and tint follow the background"
    )

    @model_validator(mode="after")
    def _one_background(self) -> Params:
        given = [way for way in _WAYS if getattr(self, way) is not None]
        if len(given) != 1:
            raise ValueError(
                f"give exactly one of {', '.join(_WAYS)}; given: {', '.join(given) or 'none'}"
            )
        return self

    @property
    def shade(self) -> float:
        """The shadow's strength."""
        if self.shadow is not None:
            return self.shadow
        return 0.0 if self.image else _SHADOW


class ReplaceBackground(Operation[Params]):
    """Matte, colours of the edge, new ground, shadow, light."""

    name = "edit.replace_background"
    summary = "Put the subject on a colour, a gradient or another picture."
    limits = (
        "something must stand out from the background",
        "backgrounds from a prompt need create.generate first",
    )

    def __init__(self, local: LocalMatting) -> None:
        self._local = local

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """The local engine has no pictures of its own."""
        if params.prompt is not None:
            raise Refused(
                rule="edit.replace_background.needs_image",
                says="The local engine cannot make a background from a prompt.",
                fix="Make it with create.generate and pass the result as image; or give a colour "
                "or a gradient.",
                valid=["colour", "gradient", "image"],
            )

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """The same size, opaque."""
        self.check(image, params)
        return [image.with_(alpha=False, media_type="image/png")] if image else []

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Refused (`edit.no_subject`) where nothing stands out."""
        image, params = work.needed_image(), work.params
        self.check(image.facts, params)
        ground = await self._ground(work, image.pixels.size)
        colours, matte, engine = await compute(_cut, image, self._local)
        if float(matte.mean()) < _LEAST_COVERAGE:
            raise Refused(
                rule="edit.no_subject",
                says="No subject stands out from the background of this picture.",
                fix="Use a picture with one clear subject, or crop to it first.",
            )
        made, told = await compute(_placed, image, colours, matte, ground, params)
        details = {**told, "engine": engine, "engine_version": self._local.version}
        return [Output(image=made, details=details)]

    async def _ground(self, work: Work[Params], size: tuple[int, int]) -> Image:
        params = work.params
        if params.image:
            return await compute(_covering, await work.read_blob(params.image), size)
        if params.gradient:
            first, last = parse_colour(params.gradient.first), parse_colour(params.gradient.last)
            angle = params.gradient.angle
            return Image(await compute(scene.gradient, size, first, last, angle))
        return Image(Pillow.new("RGB", size, parse_colour(params.colour or "white")))


def _covering(data: bytes, size: tuple[int, int]) -> Image:
    """A picture on white that covers a size, px. CPU work."""
    other = decode(data)
    return other.with_pixels(scene.covering(other.flattened((255,) * 3), size))


def _cut(image: Image, local: LocalMatting) -> tuple[Bytes, FloatArray, str]:
    """The subject's colours, its matte, and who told it from the background.

    A cut-out keeps its own edge: there is no background left in it.
    """
    colours = np.asarray(image.pixels.convert("RGB"))
    if not image.has_alpha:
        matte = local.matte(image)
        return foreground(colours, matte), matte, local.name
    alpha = np.asarray(image.pixels.getchannel("A"), np.float32) / np.float32(255)
    if float((alpha > 0.5).mean()) < _CUT_OUT:
        return colours, alpha, "alpha of the picture"
    matte = local.matte(image) * alpha
    return foreground(colours, matte), matte, local.name


def _placed(
    image: Image, colours: Bytes, matte: FloatArray, ground: Image, params: Params
) -> tuple[Image, dict[str, Any]]:
    below = np.asarray(ground.pixels)
    shade = params.shade if scene.stands_free(matte) else 0.0
    if params.relight:
        colours = scene.relit(colours, matte, below, params.relight)
    if shade:
        below = scene.darkened(below, scene.shadow(matte, params.shadow_direction), shade)
    made = Pillow.fromarray(scene.composed(colours, matte, below))
    told: dict[str, Any] = {"coverage": round(float(matte.mean()), 4), "shadow": shade}
    if params.shade and not shade:
        told["shadow_left_out"] = "the subject is cut off by the lower edge"
    return image.with_pixels(made).with_part(ground), told
