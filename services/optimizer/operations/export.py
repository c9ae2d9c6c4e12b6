"""`optimizer.export`: one master in, a rendition for every placement out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from services.optimizer.encoding import DEFAULT_FLOOR, encode_for
from services.optimizer.focus import Focus, find_focus
from services.optimizer.placements import Format, Placement, placement_book
from services.optimizer.rendition import Fit, Padding, Rendition, render
from studio.compute import compute
from studio.imaging.colour import parse_hex
from studio.imaging.facts import ImageFacts
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Refused


class Params(OperationParams):
    """Where it will be published, and how it is fitted."""

    placements: list[str] = Field(
        min_length=1,
        max_length=200,
        description='placement ids, platform names (all of theirs), or "all"',
        examples=[["instagram_square", "youtube_thumbnail"], ["instagram"], ["all"]],
    )
    fit: Fit = Field(default="smart", description="contain loses no pixel and pads instead")
    padding: Padding = Field(default="blur", description="what contain fills with")
    background: str = Field(
        default="#ffffff", pattern=r"^#[0-9a-fA-F]{6}$", description="under transparency; padding"
    )
    regions: list[Box] = Field(
        default_factory=list, max_length=50, description="what matters, normalised; found if empty"
    )
    format: Format | None = Field(
        default=None, description="null: what suits picture and placement"
    )
    quality_floor: float = Field(default=DEFAULT_FLOOR, ge=0.5, le=1, description="least SSIM")
    alt_text: str | None = Field(default=None, max_length=2000)


class Export(Operation[Params]):
    """Decode once, look once, then one rendition after another."""

    name = "optimizer.export"
    summary = "Make a rendition for each placement: exact size, smart crop, bytes within limits."
    limits = ("never enlarges: what would have to be fails alone, with the size that it needs",)

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """The placements exist."""
        placement_book().chosen(params.placements)

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """One image a placement, of its exact size."""
        alpha = image.alpha if image else False
        return [
            ImageFacts(
                width=one.width,
                height=one.height,
                media_type=f"image/{params.format or _first(one, alpha)}",
                alpha=alpha and (params.format or _first(one, alpha)) != "jpeg",
            )
            for one in placement_book().chosen(params.placements)
        ]

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Renditions in the order of the placements; what cannot be made does not stop the rest."""
        image, params = work.needed_image(), work.params
        focus = await compute(find_focus, image, params.regions) if params.fit == "smart" else None
        return [
            await compute(_export, image, one, focus, params)
            for one in placement_book().chosen(params.placements)
        ]


def _first(placement: Placement, alpha: bool) -> str:
    if alpha:
        return next((one for one in ("png", "webp") if one in placement.formats), "jpeg")
    return placement.formats[0]


def _export(
    image: Image, placement: Placement, focus: Focus | None, params: Params
) -> Output | Failure:
    background = parse_hex(params.background)
    try:
        rendition = render(
            image, placement, focus, fit=params.fit, padding=params.padding, background=background
        )
        encoded = encode_for(
            rendition.image,
            placement,
            wanted=params.format,
            floor=params.quality_floor,
            background=background,
        )
    except Refused as refused:
        return Failure(
            refused.as_problem(), label=placement.id, details={"placement": placement.id}
        )
    facts = ImageFacts(
        width=placement.width,
        height=placement.height,
        media_type=encoded.media_type,
        alpha=rendition.image.has_alpha and encoded.media_type != "image/jpeg",
    )
    details = _details(placement, focus, rendition, params) | {
        "bytes": len(encoded.data),
        "quality": encoded.quality,
    }
    notes = focus.notes if focus else ()
    return Output(data=encoded.data, facts=facts, label=placement.id, details=details, notes=notes)


def _details(
    placement: Placement, focus: Focus | None, rendition: Rendition, params: Params
) -> dict[str, Any]:
    return {
        "placement": placement.id,
        "platform": placement.platform,
        "placements_version": placement_book().version,
        "fit": params.fit,
        "crop": rendition.crop.model_dump(),
        "focal_kept": rendition.focal_kept,
        "safe_zone_ok": rendition.safe_zone_ok,
        "needs_review": rendition.needs_review,
        "detectors": list(focus.detectors) if focus else [],
        "faces": sum(one.kind == "face" for one in focus.regions) if focus else 0,
        "alt_text": params.alt_text,
    }
