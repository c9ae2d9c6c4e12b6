"""Limits: what a provider takes and gives, as dated data (`limits/*.yaml`), each with its source.

They are checked before anything is paid: a request that a provider would refuse is never sent, and
whoever is refused reads the provider's own rule.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import yaml
from pydantic import BaseModel, ConfigDict, Field

from studio.imaging.facts import ImageFacts
from studio.problems import Refused


class ImageLimits(BaseModel):
    """What an input image may be. All that is null is not limited."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_side: int | None = Field(default=None, description="px")
    max_side: int | None = Field(default=None, description="px")
    min_pixels: int | None = None
    max_pixels: int | None = None
    max_ratio: float | None = Field(default=None, description="longer side by shorter side")
    square: bool = False
    max_bytes: int | None = Field(default=None, description="of the encoded file")
    formats: list[str] = Field(
        default_factory=list, description="media types; empty: PNG, JPEG and WebP"
    )


class Rate(BaseModel):
    """How many calls an account may make."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calls: int = Field(ge=1)
    seconds: float = Field(gt=0)


class ProductLimits(BaseModel):
    """One product of a provider."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: str
    image: ImageLimits = ImageLimits()
    prompt_required: bool = False
    max_prompt: int | None = Field(default=None, description="characters")
    aspect_ratios: list[str] = Field(default_factory=list, description='"w:h"; empty: any')
    sizes: list[str] = Field(default_factory=list, description='"WxH" px; empty: any')
    max_images: int = Field(default=1, ge=1, description="a call can make")
    output_pixels: int | None = Field(default=None, description="what it makes, about or at most")
    output_factor: int | None = Field(default=None, description="of each side")
    output_side: int | None = Field(default=None, description="px, the longest that it makes")
    formats: list[str] = Field(default_factory=list, description="output formats; empty: png")
    source: str
    checked_on: date | None = None


class ProviderLimits(BaseModel):
    """One provider."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate: Rate | None = None
    rest_after_429: float = Field(default=10, description="s")
    keeps_results: float | None = Field(default=None, description="s until a result is gone")
    poll_every: float = Field(default=10, description="s between two questions for a job")
    results_for_key: bool = Field(
        default=False, description="only the key that ordered a job may ask for it"
    )
    products: list[ProductLimits]


class _Book(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    checked_on: date
    providers: dict[str, ProviderLimits]


@lru_cache(maxsize=1)
def _book() -> _Book:
    newest = max((Path(__file__).parent / "limits").glob("*.yaml"))
    return _Book.model_validate(yaml.safe_load(newest.read_text(encoding="utf-8")))


def provider_limits(provider: str) -> ProviderLimits:
    """All that is known of a provider. KeyError for one that is not in the data."""
    return _book().providers[provider]


def product_limits(provider: str, product: str) -> ProductLimits:
    """The limits of a product. KeyError for one that is not in the data."""
    products = {one.product: one for one in provider_limits(provider).products}
    return products[product]


def check_image(provider: str, product: str, image: ImageFacts) -> None:
    """Refused (`<provider>.<product>.<limit>`) if the provider would not take the image.

    Where making it smaller helps, the problem names the step that does.
    """
    known = product_limits(provider, product)
    limits, pixels = known.image, image.width * image.height
    short, long = sorted((image.width, image.height))
    size = f"{image.width}×{image.height}"
    smaller = {
        name: most
        for name, most in (("max_side", limits.max_side), ("max_pixels", limits.max_pixels))
        if most
    }
    remedy = {"operation": "edit.resize", "params": smaller}
    if limits.min_side and short < limits.min_side:
        _refuse(provider, known, "min_side", f"{size}; a side has at least {limits.min_side} px")
    if limits.min_pixels and pixels < limits.min_pixels:
        _refuse(provider, known, "min_pixels", f"{size}; at least {limits.min_pixels:,} pixels")
    if limits.max_ratio and long > limits.max_ratio * short:
        says = f"{size}; the longer side is at most {limits.max_ratio:g} times the shorter"
        _refuse(provider, known, "max_ratio", says)
    if limits.square and short != long:
        _refuse(provider, known, "square", f"{size}; only squares are taken")
    if limits.max_side and long > limits.max_side:
        says = f"{size}; a side has at most {limits.max_side:,} px"
        _refuse(provider, known, "max_side", says, remedy)
    if limits.max_pixels and pixels > limits.max_pixels:
        says = f"{size}, {pixels:,} pixels; at most {limits.max_pixels:,}"
        _refuse(provider, known, "max_pixels", says, remedy)


def check_prompt(provider: str, product: str, prompt: str | None) -> None:
    """Refused if a prompt is missing or too long."""
    known = product_limits(provider, product)
    if known.prompt_required and not prompt:
        _refuse(provider, known, "prompt", "no prompt; one is required")
    if known.max_prompt and len(prompt or "") > known.max_prompt:
        says = f"a prompt of {len(prompt or ''):,} characters; at most {known.max_prompt:,}"
        _refuse(provider, known, "max_prompt", says)


def _refuse(
    provider: str,
    known: ProductLimits,
    limit: str,
    says: str,
    remedy: dict[str, Any] | None = None,
) -> NoReturn:
    raise Refused(
        rule=f"{provider}.{known.product}.{limit}",
        says=f"{provider} would refuse this for {known.product}: {says} ({known.source}).",
        fix="Scale or crop it before this step, or use another provider.",
        remedy=remedy,
    )
