"""`edit.adjust`: crop, flip, turn, tone, match and letter a picture, in this order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import PIL
from PIL import Image as Pillow
from pydantic import Field, field_validator, model_validator

from services.edit.anchor import Anchor, across, down
from services.edit.clearance import Sight
from services.edit.palette import matched, stretched
from services.edit.text import Lettered, Lettering, PixelBox, Scrim, TextAnchor, lettered
from services.edit.tone import toned
from services.edit.turn import FLIPS, Fit, Flip, turned, turned_size
from studio.compute import compute
from studio.imaging.colour import parse_hex
from studio.imaging.colour_names import HexColour
from studio.imaging.decode import DEFAULT_LIMITS
from studio.imaging.facts import ImageFacts
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.imaging.typesetting import Align
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Refused

_TONES = ("brightness", "contrast", "temperature", "saturation", "sharpness")


class Params(OperationParams):
    """What to change; what is left at its default is left alone."""

    brightness: float = Field(default=0, ge=-1, le=1, description="above 0 lighter, no clipping")
    contrast: float = Field(default=0, ge=-1, le=1, description="-1: flat grey")
    temperature: float = Field(default=0, ge=-1, le=1, description="above 0 warmer")
    saturation: float = Field(default=0, ge=-1, le=1, description="-1: black and white")
    sharpness: float = Field(default=0, ge=-1, le=1, description="below 0 softer")

    auto_contrast: float = Field(
        default=0,
        ge=0,
        le=1,
        description="for readability: how far the darkest and lightest 0.5 % go to black and white",
    )
    palette: list[HexColour] = Field(
        default_factory=list,
        max_length=16,
        description="brand colours; each colour of the picture moves towards the nearest",
        examples=[["#0a3d62", "#e58e26", "#f8efba"]],
    )
    palette_strength: float = Field(default=0.5, ge=0, le=1, description="how far")

    crop: Box | None = Field(default=None, description="what to keep, normalised 0..1")
    crop_ratio: str | None = Field(
        default=None,
        pattern=r"^[0-9]{1,5}(\.[0-9]{1,3})?:[0-9]{1,5}(\.[0-9]{1,3})?$",
        description="width:height of the largest part to keep, instead of crop",
        examples=["16:9", "1:1", "1.91:1"],
    )
    crop_anchor: Anchor = Field(default="centre", description="which part crop_ratio keeps")
    flip: Flip | None = Field(default=None, description="horizontal: left becomes right")
    rotate: float = Field(
        default=0, ge=-360, le=360, description="degrees, clockwise; multiples of 90 are exact"
    )
    rotate_fit: Fit = Field(
        default="expand", description="expand: show all of it; crop: uncover no corners"
    )
    fill: HexColour | None = Field(
        default=None, description="what a turn uncovers; null: transparent"
    )

    text: str | None = Field(default=None, max_length=500)
    text_anchor: TextAnchor = Field(
        default="auto", description="auto: below, or where it covers no head and little that counts"
    )
    text_align: Align | None = Field(default=None, description="of lines; null: as the anchor")
    text_size: float = Field(
        default=0.08, gt=0, le=0.5, description="fraction of the height; less if it cannot fit"
    )
    text_colour: HexColour = "#ffffff"
    text_margin: float = Field(default=0.05, ge=0, le=0.4, description="of the shorter side")
    text_scrim: Scrim = Field(
        default="auto", description="auto: a panel under the text where contrast is below 4.5:1"
    )

    @field_validator("crop_ratio")
    @classmethod
    def _has_two_sides(cls, ratio: str | None) -> str | None:
        if ratio is not None and not all(float(side) > 0 for side in ratio.split(":")):
            raise ValueError("both sides of a ratio are above 0")
        return ratio

    @field_validator("text")
    @classmethod
    def _has_letters(cls, text: str | None) -> str | None:
        if text is not None and not text.strip():
            raise ValueError("a text has at least one letter; leave it out to write none")
        return text

    @model_validator(mode="after")
    def _one_crop(self) -> Params:
        if self.crop and self.crop_ratio:
            raise ValueError("give crop or crop_ratio, not both")
        return self

    @property
    def degrees(self) -> float:
        """The turn, 0 ≤ degrees < 360."""
        return round(self.rotate, 6) % 360  # -1e-99 % 360 is 360.0

    @property
    def uncovers(self) -> bool:
        """Whether the turn leaves corners to fill."""
        return self.degrees % 90 != 0 and self.rotate_fit == "expand"

    @property
    def is_neutral(self) -> bool:
        """Whether they change nothing."""
        is_toned = any(getattr(self, name) for name in (*_TONES, "auto_contrast"))
        is_toned = is_toned or bool(self.palette and self.palette_strength)
        is_framed = self.crop or self.crop_ratio or self.flip or self.degrees
        return not (is_toned or is_framed or self.text)


class Adjust(Operation[Params]):
    """Crop → flip → rotate → auto contrast → tone → palette → text."""

    name = "edit.adjust"
    summary = "Crop, flip, rotate, adjust tone and colour, match brand colours, write text."
    limits = (
        "a text fits the picture at 8 px or more; for it, and at every anchor, faces and what "
        "stands out are looked for, so that `needs_review` says what it covers",
    )

    def parse(self, raw: Mapping[str, Any]) -> Params:
        """As everywhere; Refused (`edit.adjust.nothing_to_do`) if all is at its default."""
        params = super().parse(raw)
        if params.is_neutral:
            raise Refused(
                rule="edit.adjust.nothing_to_do",
                says="Nothing is asked for: every parameter of edit.adjust is at its default.",
                fix="Give a tone, palette, crop, flip, rotate or text, or leave the step out.",
                valid=sorted(Params.model_fields),
            )
        return params

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """A turned picture must still be one that the next studio accepts."""
        if image is None:
            return
        if image.alpha and params.fill and params.uncovers:
            raise Refused(
                rule="edit.adjust.fill",
                says="A picture with transparency stays transparent where a turn uncovers it.",
                fix="Leave fill out, or turn it before its background is removed.",
            )
        width, height = _size(image, params)
        if width * height > DEFAULT_LIMITS.max_pixels or max(width, height) > (
            DEFAULT_LIMITS.max_side
        ):
            raise Refused(
                rule="edit.adjust.max_pixels",
                says=f"Turned by {params.degrees:g}° it would need {width}×{height} px; "
                f"{DEFAULT_LIMITS.max_pixels:,} pixels are the most.",
                fix="Use rotate_fit: crop, or a smaller picture.",
            )

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """The size after crop and rotation."""
        if image is None:
            return []
        self.check(image, params)
        width, height = _size(image, params)
        alpha = image.alpha or (params.uncovers and params.fill is None)
        return [ImageFacts(width=width, height=height, alpha=alpha)]

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """One picture, changed."""
        image, details = await compute(_adjusted, work.needed_image(), work.params)
        return [Output(image=image, details=details)]


def _adjusted(image: Image, params: Params) -> tuple[Image, dict[str, Any]]:
    pixels = image.pixels
    if kept := _kept(*pixels.size, params):
        pixels = pixels.crop(kept)
    if params.flip:
        pixels = pixels.transpose(FLIPS[params.flip])
    fill = parse_hex(params.fill) if params.fill else None
    pixels = turned(pixels, params.degrees, params.rotate_fit, fill)
    pixels = _coloured(pixels, params)
    told: dict[str, Any] = {"engine": "pillow", "engine_version": PIL.__version__}
    if params.text is None:
        return image.with_pixels(pixels), told
    made = _lettered(image.with_pixels(pixels), params.text, params)
    return image.with_pixels(made.pixels), told | made.details


def _coloured(pixels: Pillow.Image, params: Params) -> Pillow.Image:
    if params.auto_contrast:
        pixels = stretched(pixels, params.auto_contrast)
    pixels = toned(pixels, **{name: getattr(params, name) for name in _TONES})
    if params.palette and params.palette_strength:
        palette = [parse_hex(colour) for colour in params.palette]
        pixels = matched(pixels, palette, params.palette_strength)
    return pixels


def _lettered(image: Image, text: str, params: Params) -> Lettered:
    lettering = Lettering(
        text=text,
        anchor=params.text_anchor,
        align=params.text_align,
        size=params.text_size,
        colour=parse_hex(params.text_colour),
        margin=params.text_margin,
        scrim=params.text_scrim,
    )
    return lettered(image.pixels, lettering, Sight.of(image))


def _kept(width: int, height: int, params: Params) -> PixelBox | None:
    """The pixels that the crop keeps; None: all of them."""
    if params.crop:
        return params.crop.pixels(width, height)
    if params.crop_ratio is None:
        return None
    wide, tall = (float(side) for side in params.crop_ratio.split(":"))
    ratio = wide / tall
    kept_width = min(width, max(1, round(height * ratio)))
    kept_height = min(height, max(1, round(width / ratio)))
    left = round(across(params.crop_anchor) * (width - kept_width))
    top = round(down(params.crop_anchor) * (height - kept_height))
    return left, top, left + kept_width, top + kept_height


def _size(image: ImageFacts, params: Params) -> tuple[int, int]:
    left, top, right, bottom = _kept(image.width, image.height, params) or (
        0, 0, image.width, image.height
    )  # fmt: skip
    return turned_size(right - left, bottom - top, params.degrees, params.rotate_fit)
