"""`optimizer.export`: one master in, a rendition for every placement out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal

from pydantic import Field

from services.optimizer.batch import in_threads
from services.optimizer.encoding import DEFAULT_FLOOR, Encoded, Wish, encode_for
from services.optimizer.focus import FOCUS_VERSION, Focus, find_focus
from services.optimizer.overlay import Block, Laid, Overlay, lay_out
from services.optimizer.padding import Padding
from services.optimizer.placements import Format, Placement, placement_book
from services.optimizer.product import framed, reviewed
from services.optimizer.rendition import (
    Fit,
    Fitting,
    Gravity,
    Rendition,
    TooSmall,
    needed_upscale,
    render,
    told,
)
from services.optimizer.resize import Pyramid
from studio.compute import compute
from studio.imaging.colour import RGB, parse_hex
from studio.imaging.decode import decode
from studio.imaging.encode import Effort
from studio.imaging.facts import ImageFacts
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Refused

_COLOUR = r"^#[0-9a-fA-F]{6}$"


class Params(OperationParams):
    """Where it will be published, and how it is fitted."""

    placements: list[str] = Field(
        min_length=1,
        max_length=200,
        description='placement ids, platform names (all of theirs), or "all"',
        examples=[["instagram_square", "youtube_thumbnail"], ["instagram"], ["all"]],
    )
    placements_version: str | None = Field(
        default=None, description="of the placement data; null: the newest when the run starts"
    )
    fit: Fit = Field(default="smart", description="contain loses no pixel and pads instead")
    gravity: Gravity = Field(default="centre", description="which part cover keeps")
    padding: Padding = Field(default="blur", description="what contain fills with")
    background: str = Field(
        default="#ffffff", pattern=_COLOUR, description="under transparency; padding: colour"
    )
    brand_colour: str | None = Field(
        default=None, pattern=_COLOUR, description="for padding: brand", examples=["#0a3d62"]
    )
    force: bool = Field(default=False, description="stretch distorts; this says it is meant")
    unsafe: Literal["review", "contain"] = Field(
        default="review", description="where the subject leaves the safe zone: flag it, or pad"
    )
    too_small: Literal["refuse", "contain"] = Field(
        default="refuse", description="where it would have to be enlarged: refuse, or pad"
    )
    regions: list[Box] = Field(
        default_factory=list, max_length=50, description="what matters, normalised; found if empty"
    )
    format: Format | None = Field(
        default=None, description="null: the smallest that the placement takes, at equal quality"
    )
    quality_floor: float = Field(default=DEFAULT_FLOOR, ge=0.5, le=1, description="least SSIM")
    effort: Effort = Field(
        default="balanced", description="how long to look for smaller files of equal quality"
    )
    progressive: bool = Field(default=True, description="JPEG that sharpens while it loads")
    overlay: Overlay | None = Field(
        default=None, description="headline, call to action and logo, inside each safe zone"
    )
    alt_text: str | None = Field(
        default=None, max_length=2000, description="null: the asset's own, if it has one"
    )

    def wish(self) -> Wish:
        """What is asked of the files."""
        return Wish(
            format=self.format,
            floor=self.quality_floor,
            background=parse_hex(self.background),
            effort=self.effort,
            progressive=self.progressive,
        )

    def fitting(self) -> Fitting:
        """What is asked of the pixels."""
        return Fitting(
            fit=self.fit,
            gravity=self.gravity,
            padding=self.padding,
            colour=self._padding_colour(),
            unsafe=self.unsafe,
            too_small=self.too_small,
            force=self.force,
        )

    def _padding_colour(self) -> RGB:
        if self.padding != "brand":
            return parse_hex(self.background)
        if self.brand_colour is None:
            raise Refused(
                rule="optimizer.brand_colour",
                says="Padding in the brand's colour needs to know it, and none is given.",
                fix="Set brand_colour, such as #0a3d62, or use another padding.",
            )
        return parse_hex(self.brand_colour)


class Export(Operation[Params]):
    """Decode once, look once, then every rendition, on all cores."""

    name = "optimizer.export"
    summary = "Make a rendition for each placement: exact size, smart crop, bytes within limits."
    limits = (
        "never enlarges: what would have to be fails alone, with the size that it needs",
        "a cut-out too small to fill a placement stands free in it, if it is half of the safe zone",
        "a placement that requires alt text refuses pictures without",
    )

    def pinned(self, params: Params) -> Mapping[str, Any]:
        """The placement data of now."""
        return {"placements_version": placement_book(params.placements_version).version}

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """The placements exist, and the fit can be done."""
        _chosen(params)
        params.fitting()

    def failures(self, image: ImageFacts | None, params: Params) -> Sequence[Failure]:
        """The placements that this picture is too small for, whatever is in it.

        Transparency may be that of a cut-out as large as the picture, which would stand free:
        whether it is, only the run sees.
        """
        if image is None or params.too_small == "contain" or params.fit == "contain":
            return ()
        size = (image.width, image.height)
        may_stand_free = image.alpha and params.fit == "smart" and not params.regions
        return [
            _too_small(size, one)
            for one in _chosen(params)
            if needed_upscale(size, one, size if may_stand_free and not one.product else None)
        ]

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """One image a placement, of its exact size."""
        alpha = image.alpha if image else False
        failed = {one.label for one in self.failures(image, params)}
        return [
            _expected(one, params, alpha=alpha) for one in _chosen(params) if one.id not in failed
        ]

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Renditions in the order of the placements; what cannot be made does not stop the rest."""
        image, params = work.needed_image(), work.params
        focus = await self._focus(work, image)
        alt_text = params.alt_text or work.about.alt_text
        logo = await self._logo(work)
        batch = _Batch(image, focus, params, alt_text, logo)
        return await compute(batch.exported, _chosen(params))

    async def _logo(self, work: Work[Params]) -> Image | None:
        overlay = work.params.overlay
        if overlay is None or overlay.logo is None:
            return None
        return await compute(decode, await work.read_blob(overlay.logo))

    async def _focus(self, work: Work[Params], image: Image) -> Focus:
        """Found once for a master; what the user names is not looked for."""
        if work.params.regions:
            return await compute(find_focus, image, work.params.regions)

        async def look() -> dict[str, Any]:
            return (await compute(find_focus, image)).as_document()

        return Focus.from_document(await work.found(f"focus {FOCUS_VERSION}", look))


class _Batch:
    """All renditions of one master."""

    def __init__(
        self,
        image: Image,
        focus: Focus,
        params: Params,
        alt_text: str | None,
        logo: Image | None,
    ) -> None:
        self._image, self._focus, self._params = image, focus, params
        self._pyramid = Pyramid(image.pixels)
        self._alt_text, self._logo = alt_text, logo

    def exported(self, placements: Sequence[Placement]) -> list[Output | Failure]:
        """One output or failure a placement, the largest made first."""
        return in_threads(self._export, placements, _effort)

    def _export(self, placement: Placement) -> Output | Failure:
        details: dict[str, Any] = {"placement": placement.id, "platform": placement.platform}
        try:
            self._check_alt_text(placement)
            rendition = self._fitted(placement)
            rendition, laid = self._with_overlay(rendition, placement)
            encoded = encode_for(rendition.image, placement, self._params.wish())
        except Refused as refused:
            if isinstance(refused, TooSmall):
                details["remedy"] = _remedy(refused.long_side)
            return Failure(refused.as_problem(), label=placement.id, details=details)
        return self._output(details, rendition, encoded, laid)

    def _fitted(self, placement: Placement) -> Rendition:
        """The pixels: a product as its shop wants it, all else by the fit that was asked for."""
        fitting = self._params.fitting()
        product = framed(self._image, placement, fitting, self._pyramid)
        if product:
            return product
        fitted = render(self._image, placement, self._focus, fitting, pyramid=self._pyramid)
        return reviewed(fitted, placement)

    def _with_overlay(
        self, rendition: Rendition, placement: Placement
    ) -> tuple[Rendition, Laid | None]:
        """The rendition with its words and logo, if any are asked for."""
        overlay = self._params.overlay
        if overlay is None:
            return rendition, None
        if placement.product and "text" in placement.product.forbids:
            raise Refused(
                rule="optimizer.text_forbidden",
                says=f"{placement.id} takes no picture with text or a logo on it.",
                fix="Leave the overlay out for this placement.",
            )
        shown = [rendition.shown(region.box) for region in self._focus.regions]
        laid = lay_out(
            rendition.image.pixels,
            overlay,
            placement.safe_zone,
            [box for box in shown if box],
            self._logo.pixels if self._logo else None,
        )
        review = rendition.needs_review or (laid.notes[0] if laid.notes else None)
        image = rendition.image.with_pixels(laid.pixels)
        return replace(rendition, image=image, needs_review=review), laid

    def _check_alt_text(self, placement: Placement) -> None:
        if placement.alt_text_required and not self._alt_text:
            raise Refused(
                rule="optimizer.alt_text",
                says=f"{placement.id} takes no picture without a text for those who cannot see it.",
                fix="Set alt_text in the step, or on the asset.",
            )

    def _output(
        self,
        details: dict[str, Any],
        rendition: Rendition,
        encoded: Encoded,
        laid: Laid | None,
    ) -> Output:
        facts = ImageFacts(
            width=encoded.width,
            height=encoded.height,
            media_type=encoded.media_type,
            alpha=rendition.image.has_alpha and encoded.media_type != "image/jpeg",
        )
        focus, encoding = self._focus, encoded.encoding
        details |= told(rendition) | {
            "placements_version": placement_book(self._params.placements_version).version,
            "detectors": [one.model_dump() for one in focus.detectors],
            "faces": sum(one.kind == "face" for one in focus.regions),
            "bytes": len(encoded.data),
            "quality": encoding.quality,
            "encoder": encoding.media_type.removeprefix("image/"),
            "subsampling": encoding.subsampling if encoding.quality else None,
            "trials": encoded.trials,
            "ssim": encoded.ssim,
            "alt_text": self._alt_text,
            "overlay": [_told_block(block) for block in laid.blocks] if laid else [],
        }
        notes = (*focus.notes, *encoded.notes)
        return Output(
            data=encoded.data,
            facts=facts,
            label=details["placement"],
            details=details,
            notes=notes,
        )


def _told_block(block: Block) -> dict[str, Any]:
    return asdict(block) | {"box": block.box.model_dump()}


def _chosen(params: Params) -> list[Placement]:
    return placement_book(params.placements_version).chosen(params.placements)


def _too_small(size: tuple[int, int], placement: Placement) -> Failure:
    """With the size that fills the placement: that one is enough for every picture."""
    refused = TooSmall(size, placement)
    return Failure(refused.as_problem(), placement.id, {"remedy": _remedy(refused.long_side)})


def _remedy(long_side: int) -> dict[str, Any]:
    """The step that makes a picture large enough, as a run takes it."""
    return {"operation": "upscale.conservative", "params": {"long_side": long_side}}


def _expected(placement: Placement, params: Params, *, alpha: bool) -> ImageFacts:
    clear = params.padding == "transparent" if params.fit == "contain" else alpha
    usual = params.format or next(
        (one for one in placement.formats if not clear or one != "jpeg"), placement.formats[0]
    )
    return ImageFacts(
        width=placement.width,
        height=placement.height,
        media_type=f"image/{usual}",
        alpha=clear and usual != "jpeg",
    )


def _effort(placement: Placement) -> float:
    return float(placement.width * placement.height)
