"""What is recorded of a placement, and what a record must fulfil to be believed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from studio.imaging.geometry import Box

Format = Literal["jpeg", "png", "webp", "avif"]
Limit = Literal[
    "max_bytes", "min_bytes", "min_width", "min_height", "max_width", "max_height", "max_pixels"
]

#: A ratio is right within 0.5 % (what every export promises).
RATIO_ROUNDING = 0.005
#: The aspect that a row names is rounded ("1.91:1"); its pixels may differ by so much.
_ASPECT_ROUNDING = 0.005
_CODE = re.compile(r"\b[A-Z]\d+\b")


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Margins(_Data):
    """What the platform covers with its own controls, px from each edge."""

    top: int = Field(default=0, ge=0)
    bottom: int = Field(default=0, ge=0)
    left: int = Field(default=0, ge=0)
    right: int = Field(default=0, ge=0)


class ProductRules(_Data):
    """What a shop demands of the picture itself, beyond its file."""

    background: str | None = Field(default=None, pattern=r"^#[0-9a-f]{6}$")
    min_fill: float | None = Field(default=None, gt=0, le=1, description="of the frame's side")
    max_fill: float | None = Field(default=None, gt=0, le=1, description="of the frame's side")
    forbids: tuple[Literal["text", "border", "watermark"], ...] = Field(
        default=(),
        description="text: no overlay is put on it; border: padding that shows is flagged; "
        "watermark: told, but nobody here sees one that is in the picture already",
    )
    keep_digital_source_type: bool = Field(
        default=False, description="IPTC's mark of generated pictures must stay in the file"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_fill and self.max_fill and self.min_fill >= self.max_fill:
            raise ValueError("min_fill must be below max_fill")
        return self


class Upcoming(_Data):
    """A change that the platform has announced: limits that hold from a day on."""

    since: date
    changes: dict[Limit, int] = Field(min_length=1)


class Placement(_Data):
    """One place: its exact size, what it accepts, and where nothing covers the picture."""

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    platform: str = Field(pattern=r"^[a-z0-9_]+$")
    name: str = Field(min_length=1)
    width: int = Field(ge=16, le=10_000, description="px")
    height: int = Field(ge=16, le=10_000, description="px")
    aspect: str = Field(pattern=r"^\d+(\.\d+)?:\d+(\.\d+)?$", description="as people name it")
    shape: Literal["rectangle", "circle"] = Field(
        default="rectangle", description="circle: the platform shows the inscribed circle only"
    )
    formats: tuple[Format, ...] = Field(min_length=1, description="accepted, preferred first")
    also_accepts: tuple[str, ...] = Field(default=(), description="accepted, but not written here")
    max_bytes: int | None = Field(default=None, gt=0, description="null: no limit is known")
    advised_bytes: int | None = Field(default=None, gt=0, description="advice, not a limit")
    min_bytes: int = Field(default=0, ge=0)
    min_width: int | None = Field(default=None, ge=1, description="px; smaller ones are refused")
    min_height: int | None = Field(default=None, ge=1, description="px")
    max_width: int | None = Field(default=None, ge=1, description="px")
    max_height: int | None = Field(default=None, ge=1, description="px")
    max_pixels: int | None = Field(default=None, ge=1, description="width × height")
    min_ratio: float | None = Field(default=None, gt=0, description="narrower ones are refused")
    max_ratio: float | None = Field(default=None, gt=0, description="wider ones are refused")
    min_images: int = Field(default=1, ge=1, description="in one post")
    max_images: int | None = Field(default=None, ge=1, description="in one post")
    safe_margins: Margins = Margins()
    alt_text_required: bool = False
    product: ProductRules | None = None
    notes: tuple[str, ...] = Field(default=(), description="what has no field of its own")
    recheck: bool = Field(default=False, description="the source itself was not sure")
    source: str = Field(description="codes of the book's sources, and what they say")
    checked_on: date
    valid_from: date | None = None
    valid_until: date | None = None
    upcoming: tuple[Upcoming, ...] = ()

    @model_validator(mode="after")
    def _is_plausible(self) -> Self:
        if problems := [*_size_problems(self), *_limit_problems(self), *_date_problems(self)]:
            raise ValueError(f"{self.id}: {'; '.join(problems)}")
        for change in self.upcoming:
            self.after(change)
        return self

    @property
    def ratio(self) -> float:
        """Width ÷ height."""
        return self.width / self.height

    @property
    def safe_zone(self) -> Box:
        """What stays uncovered, normalised."""
        margins = self.safe_margins
        return Box(
            x0=margins.left / self.width,
            y0=margins.top / self.height,
            x1=1 - margins.right / self.width,
            y1=1 - margins.bottom / self.height,
        )

    @property
    def least(self) -> tuple[int, int] | None:
        """The least width and height that it takes, px; None where it takes its own size only."""
        if self.min_width is None or self.min_height is None:
            return None
        return self.min_width, self.min_height

    def at(self, width: int, height: int) -> Placement:
        """The same place for a smaller picture of its ratio, px: what is covered shrinks alike."""
        if (width, height) == (self.width, self.height):
            return self
        margins = self.safe_margins
        across, down = width / self.width, height / self.height
        covered = Margins(
            top=math.ceil(margins.top * down),
            bottom=math.ceil(margins.bottom * down),
            left=math.ceil(margins.left * across),
            right=math.ceil(margins.right * across),
        )
        return self.model_copy(update={"width": width, "height": height, "safe_margins": covered})

    def after(self, change: Upcoming) -> Placement:
        """The placement as it will be once an announced change holds."""
        fields = self.model_dump() | {str(name): limit for name, limit in change.changes.items()}
        fields["upcoming"] = ()
        return Placement.model_validate(fields)


class Source(_Data):
    """Where facts come from."""

    what: str = Field(min_length=1)
    urls: tuple[str, ...] = Field(default=(), description="where it can be read again")
    primary: bool = Field(default=False, description="the platform's own word, not second-hand")

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        if wrong := [url for url in self.urls if not url.startswith("https://")]:
            raise ValueError(f"not an address: {wrong[0]}")
        return self


class Alias(_Data):
    """Another name of a platform."""

    platform: str = Field(pattern=r"^[a-z0-9_]+$")
    source: str = Field(min_length=1, description="who calls it so, or did until when")


class Aliases(_Data):
    """All of them, by the other name; they hold for every version of the data."""

    checked_on: date
    aliases: dict[str, Alias]


def codes(source: str) -> set[str]:
    """The codes of sources that a text names: S4, W1."""
    return set(_CODE.findall(source))


def _size_problems(one: Placement) -> Iterator[str]:
    wide, tall = (float(part) for part in one.aspect.split(":"))
    if abs(one.ratio / (wide / tall) - 1) > _ASPECT_ROUNDING:
        yield f"{one.width}×{one.height} is not {one.aspect}"
    margins = one.safe_margins
    if margins.left + margins.right >= one.width or margins.top + margins.bottom >= one.height:
        yield "the margins leave no safe zone"
    elif one.shape == "circle":
        if one.width != one.height:
            yield "a circle is shown of a square"
        elif not _lies_in_circle(one.safe_zone):
            yield "the safe zone is not inside the circle"


def _lies_in_circle(zone: Box) -> bool:
    corners = [(x, y) for x in (zone.x0, zone.x1) for y in (zone.y0, zone.y1)]
    return all(math.hypot(x - 0.5, y - 0.5) <= 0.5 for x, y in corners)


def _limit_problems(one: Placement) -> Iterator[str]:
    pairs = (
        ("min_bytes", one.min_bytes, "max_bytes", one.max_bytes),
        ("min_bytes", one.min_bytes, "advised_bytes", one.advised_bytes),
        ("advised_bytes", one.advised_bytes, "max_bytes", one.max_bytes),
        ("min_width", one.min_width, "max_width", one.max_width),
        ("min_height", one.min_height, "max_height", one.max_height),
        ("min_ratio", one.min_ratio, "max_ratio", one.max_ratio),
    )
    for low_name, low, high_name, high in pairs:
        if low is not None and high is not None and low >= high:
            yield f"{low_name} must be below {high_name}"
    if one.max_images is not None and one.min_images > one.max_images:
        yield "min_images must not exceed max_images"
    if not (one.min_width or 1) <= one.width <= (one.max_width or math.inf):
        yield "its own width is outside its limits"
    if not (one.min_height or 1) <= one.height <= (one.max_height or math.inf):
        yield "its own height is outside its limits"
    if one.width * one.height > (one.max_pixels or math.inf):
        yield "its own size has more than max_pixels"
    if not _at_least(one.ratio, one.min_ratio) or not _at_least(one.max_ratio, one.ratio):
        yield "its own ratio is outside its limits"
    if len(set(one.formats)) < len(one.formats) or set(one.formats) & set(one.also_accepts):
        yield "a format is named twice"


def _at_least(value: float | None, bound: float | None) -> bool:
    return value is None or bound is None or value >= bound * (1 - _ASPECT_ROUNDING)


def _date_problems(one: Placement) -> Iterator[str]:
    if one.valid_from and one.valid_until and one.valid_from > one.valid_until:
        yield "valid_from must not be after valid_until"
    days = [change.since for change in one.upcoming]
    if days != sorted(set(days)) or (days and days[0] <= one.checked_on):
        yield "upcoming changes must lie ahead, in order of their days"
