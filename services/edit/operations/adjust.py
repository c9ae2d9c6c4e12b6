"""`edit.adjust`: crop, turn, tone and letter a picture, in this order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image as Pillow
from pydantic import Field, model_validator

from services.edit.text import Anchor, Lettering, lettered
from services.edit.tone import toned
from studio.compute import compute
from studio.imaging.colour import parse_hex
from studio.imaging.facts import ImageFacts
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Refused

_TONES = ("brightness", "contrast", "saturation", "temperature", "sharpness")
_QUARTERS = {
    90: Pillow.Transpose.ROTATE_270,  # Pillow counts against the clock
    180: Pillow.Transpose.ROTATE_180,
    270: Pillow.Transpose.ROTATE_90,
}


class Params(OperationParams):
    """What to change; what is left at its default is left alone."""

    brightness: float = Field(default=0, ge=-1, le=1, description="see services/edit/tone.py")
    contrast: float = Field(default=0, ge=-1, le=1)
    saturation: float = Field(default=0, ge=-1, le=1, description="-1: grey")
    temperature: float = Field(default=0, ge=-1, le=1, description="above 0 warmer")
    sharpness: float = Field(default=0, ge=-1, le=1, description="below 0 softer")
    crop: Box | None = Field(default=None, description="what to keep, normalised 0..1")
    rotate: float = Field(default=0, ge=-360, le=360, description="degrees, clockwise")
    fill: str | None = Field(
        default=None,
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="what a turn uncovers; null: transparent",
    )
    text: str | None = Field(default=None, min_length=1, max_length=500)
    text_anchor: Anchor = "bottom"
    text_size: float = Field(default=0.08, gt=0, le=0.5, description="fraction of the height")
    text_colour: str = Field(default="#ffffff", pattern=r"^#[0-9a-fA-F]{6}$")
    text_margin: float = Field(default=0.05, ge=0, le=0.4, description="of the shorter side")

    @property
    def degrees(self) -> float:
        """The turn as 0..360."""
        return self.rotate % 360

    @model_validator(mode="after")
    def _changes_something(self) -> Params:
        is_toned = any(getattr(self, name) for name in _TONES)
        if not (is_toned or self.crop or self.degrees or self.text):
            raise ValueError("nothing is asked for: give a tone, crop, rotate or text")
        return self


class Adjust(Operation[Params]):
    """Crop → rotate → tone → text."""

    name = "edit.adjust"
    summary = "Crop, rotate, adjust tone and colour, write text."

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """The size after crop and rotation."""
        if image is None:
            return []
        width, height = image.width, image.height
        if params.crop:
            left, top, right, bottom = params.crop.pixels(width, height)
            width, height = max(1, right - left), max(1, bottom - top)
        if params.degrees in (90, 270):
            width, height = height, width
        elif params.degrees not in (0, 180):
            probe = Pillow.new("1", (width, height))
            width, height = probe.rotate(-params.degrees, expand=True).size
        uncovers = params.degrees % 90 != 0 and params.fill is None
        return [ImageFacts(width=width, height=height, alpha=image.alpha or uncovers)]

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """One picture, changed."""
        image, details = await compute(_adjusted, work.needed_image(), work.params)
        return [Output(image=image, details=details)]


def _adjusted(image: Image, params: Params) -> tuple[Image, dict[str, Any]]:
    pixels, details = image.pixels, {}
    if params.crop:
        pixels = pixels.crop(params.crop.pixels(*pixels.size))
    pixels = _turned(pixels, params)
    pixels = toned(pixels, **{name: getattr(params, name) for name in _TONES})
    if params.text:
        made = lettered(
            pixels,
            Lettering(
                params.text,
                params.text_anchor,
                params.text_size,
                parse_hex(params.text_colour),
                params.text_margin,
            ),
        )
        pixels = made.pixels
        details = {"text_contrast": made.contrast, "text_scrim": made.has_scrim}
    return image.with_pixels(pixels), details


def _turned(pixels: Pillow.Image, params: Params) -> Pillow.Image:
    """Quarter turns are exact; others uncover corners."""
    degrees = params.degrees
    if degrees in _QUARTERS:
        return pixels.transpose(_QUARTERS[int(degrees)])
    if degrees == 0:
        return pixels
    turned = pixels.convert("RGBA").rotate(-degrees, Pillow.Resampling.BICUBIC, expand=True)
    if params.fill is None:
        return turned
    ground = Pillow.new("RGBA", turned.size, (*parse_hex(params.fill), 255))
    filled = Pillow.alpha_composite(ground, turned)
    if pixels.mode == "RGBA":
        raise Refused(
            rule="edit.adjust.fill",
            says="A picture with transparency keeps it when it is turned.",
            fix="Leave fill out.",
        )
    return filled.convert("RGB")
