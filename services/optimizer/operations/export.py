"""`optimizer.export`: one master in, a rendition for every placement out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

from pydantic import Field

from services.optimizer.batch import in_threads
from services.optimizer.encoding import (
    BEST_QUALITY,
    DEFAULT_FLOOR,
    LEAST_QUALITY,
    Encoded,
    Wish,
    encode_for,
    keeps_transparency,
)
from services.optimizer.focus import FOCUS_VERSION, Focus, Region, find_focus
from services.optimizer.overlay import Block, Laid, Overlay, check_logo, lay_out
from services.optimizer.padding import Padding
from services.optimizer.placements import Format, Placement, placement_book
from services.optimizer.placements.demands import check_alt_text, check_format, check_text
from services.optimizer.product import frame_scale, framed, reviewed
from services.optimizer.rendition import (
    Fit,
    Fitting,
    Gravity,
    Rendition,
    TooSmallPolicy,
    render,
    told,
)
from services.optimizer.resize import Pyramid
from services.optimizer.sizing import ROUNDING, TooSmall, needed_upscale, smaller_note
from services.optimizer.visible import is_clear, nothing_seen, shows_clear
from studio.compute import compute
from studio.imaging.colour import RGB, parse_hex
from studio.imaging.colour_names import HexColour
from studio.imaging.decode import decode
from studio.imaging.encode import Effort
from studio.imaging.facts import ImageFacts
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Refused

_MOST_REGIONS = 8  # of the focus that are told with every rendition; named ones and faces first


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
    background: HexColour = Field(
        default="#ffffff", description="under transparency; padding: colour"
    )
    brand_colour: HexColour | None = Field(
        default=None, description="for padding: brand", examples=["#0a3d62"]
    )
    force: bool = Field(default=False, description="stretch distorts; this says it is meant")
    unsafe: Literal["review", "contain"] = Field(
        default="review", description="where the subject leaves the safe zone: flag it, or pad"
    )
    too_small: TooSmallPolicy = Field(
        default="refuse",
        description="where it would have to be enlarged: refuse, pad, or make it smaller, where "
        "the placement takes that (min_width and min_height)",
    )
    regions: list[Box] = Field(
        default_factory=list, max_length=50, description="what matters, normalised; found if empty"
    )
    format: Format | None = Field(
        default=None,
        description="null: the smallest that the placement takes, at equal quality; avif only "
        "where a placement names it, and none does yet",
    )
    quality: int | None = Field(
        default=None,
        ge=LEAST_QUALITY,
        le=BEST_QUALITY,
        description="of JPEG, WebP and AVIF, each on its own scale; null: 85, 86 and 69, which "
        "look alike. Finer where the floor asks for it, less where a limit of bytes does",
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
            quality=self.quality,
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
        "without a format, which of its formats a file has is known once it is written",
    )

    def pinned(self, params: Params) -> Mapping[str, Any]:
        """The placement data of now."""
        return {"placements_version": placement_book(params.placements_version).version}

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """The placements exist, and the fit can be done."""
        _chosen(params)
        params.fitting().check()

    def failures(self, image: ImageFacts | None, params: Params) -> Sequence[Failure]:
        """The placements that refuse what is asked, or that this picture is surely too small for.

        What only the run sees is left to it: whether transparency is that of a cut-out that stands
        free, and whether the asset has the alt text that the step does not give.
        """
        outlooks = (_outlook(image, params, one) for one in _chosen(params))
        return [one for one in outlooks if isinstance(one, Failure)]

    def notes(self, image: ImageFacts | None, params: Params) -> Sequence[str]:
        """What only the run sees: whether the asset has the alt text that a placement needs, and
        how large the cut-out is, if there is one."""
        notes = []
        needing = [one.id for one in _chosen(params) if one.alt_text_required]
        if needing and not params.alt_text:
            notes.append(
                f"{' and '.join(needing)} takes no picture without alt text: the step gives none, "
                "so each picture must have its own."
            )
        if open_ := [one.id for one in _chosen(params) if _depends_on_cut_out(image, params, one)]:
            notes.append(
                f"How large the cut-out in the picture is decides whether {' and '.join(open_)} "
                "can be made, and at full size."
            )
        return notes

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """One image a placement, of its exact size; smaller where the policy is so.

        Where no format is asked for, the media type is the one that the placement names first (and
        that keeps transparency, if there is any): which is smallest, only the run sees.
        """
        alpha = image.alpha if image else False
        outlooks = (_outlook(image, params, one) for one in _chosen(params))
        return [
            _expected(one, params, alpha=alpha) for one in outlooks if isinstance(one, Placement)
        ]

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Renditions in the order of the placements; what cannot be made does not stop the rest."""
        image, params = work.needed_image(), work.params
        focus = await self._focus(work, image)
        alt_text = params.alt_text or work.about.alt_text
        logo = await self._logo(work)
        batch = await compute(Batch, image, focus, params, alt_text, logo)
        return await batch.exported(_chosen(params))

    async def _logo(self, work: Work[Params]) -> Image | None:
        overlay = work.params.overlay
        if overlay is None or overlay.logo is None:
            return None
        logo = await compute(decode, await work.read_blob(overlay.logo))
        check_logo(logo.pixels)
        return logo

    async def _focus(self, work: Work[Params], image: Image) -> Focus:
        """Found once for a master; what the user names is not looked for."""
        if work.params.regions:
            return await compute(find_focus, image, work.params.regions)

        async def look() -> dict[str, Any]:
            return (await compute(find_focus, image)).as_document()

        return Focus.from_document(await work.found(f"focus {FOCUS_VERSION}", look))


class Batch:
    """All renditions of one master: its halves are shared, and nothing is decoded twice."""

    def __init__(
        self,
        image: Image,
        focus: Focus,
        params: Params,
        alt_text: str | None,
        logo: Image | None,
        today: date | None = None,
    ) -> None:
        """today: the day for which a placement must be valid; by default the day of now (UTC)."""
        self._image, self._focus, self._params = image, focus, params
        self._pyramid = Pyramid(image.pixels)
        alpha = image.pixels.getchannel("A") if image.has_alpha else None
        self._cut_out = alpha if alpha and shows_clear(alpha) else None
        self._is_clear = is_clear(image.pixels)
        self._alt_text, self._logo = alt_text, logo
        self._today = today or datetime.now(UTC).date()

    async def exported(self, placements: Sequence[Placement]) -> list[Output | Failure]:
        """One output or failure a placement, the largest made first."""
        return await in_threads(self._export, placements, _effort)

    def _export(self, placement: Placement) -> Output | Failure:
        details = _named(placement)
        try:
            _check_demands(placement, self._params)
            rendition = self._fitted(placement)
            check_alt_text(placement, self._alt_text)
            made = placement.at(*rendition.image.pixels.size)  # smaller, if the policy is so
            rendition, laid = self._with_overlay(self._seen(rendition, made), made)
            encoded = encode_for(rendition.image, made, self._params.wish())
        except Refused as refused:
            if isinstance(refused, TooSmall) and refused.is_mendable:
                details["remedy"] = _remedy(refused.long_side)
            return Failure(refused.as_problem(), label=placement.id, details=details)
        notes = _notes(placement, rendition, self._today)
        output = self._output(placement, rendition, encoded, laid)
        return replace(output, notes=(*notes, *output.notes))

    def _fitted(self, placement: Placement) -> Rendition:
        """The pixels: a product as its shop wants it, all else by the fit that was asked for."""
        fitting = self._params.fitting()
        product = framed(self._image, placement, fitting, self._pyramid)
        if product:
            return product
        fitted = render(self._image, placement, self._focus, fitting, pyramid=self._pyramid)
        wish = self._params.wish()
        background = None if keeps_transparency(placement, wish) else wish.background
        return reviewed(fitted, placement, asked=fitting.fit, background=background)

    def _seen(self, rendition: Rendition, placement: Placement) -> Rendition:
        """As it will be seen: on the background, if no file for the placement is transparent."""
        wish = self._params.wish()
        if not keeps_transparency(placement, wish):
            flat = rendition.image.flattened(wish.background)
            rendition = replace(rendition, image=rendition.image.with_pixels(flat))
        of_cut_out = bool(placement.product and self._cut_out)  # framed closely: no rim is clear
        of_cut_out = of_cut_out or self._shows_clear(rendition.crop)
        blank = nothing_seen(rendition, of_cut_out=of_cut_out, of_nothing=self._is_clear)
        return replace(rendition, needs_review=blank, remedy=None) if blank else rendition

    def _shows_clear(self, part: Box) -> bool:
        """Whether a part of the master is less than opaque anywhere."""
        alpha = self._cut_out
        return alpha is not None and shows_clear(alpha.crop(part.pixels(*alpha.size)))

    def _with_overlay(
        self, rendition: Rendition, placement: Placement
    ) -> tuple[Rendition, Laid | None]:
        """The rendition with its words and logo, if any are asked for."""
        overlay = self._params.overlay
        if overlay is None:
            return rendition, None
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
        if self._logo:
            image = image.with_part(self._logo)
        return replace(rendition, image=image, needs_review=review), laid

    def _output(
        self,
        placement: Placement,
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
        details = (
            _named(placement)
            | told(rendition)
            | {
                "placements_version": placement_book(self._params.placements_version).version,
                "detectors": [one.model_dump() for one in focus.detectors],
                "faces": sum(one.kind == "face" for one in focus.regions),
                "focus": [_told_region(one) for one in focus.regions[:_MOST_REGIONS]],
                "bytes": len(encoded.data),
                "quality": encoding.quality,
                "encoder": encoding.media_type.removeprefix("image/"),
                "subsampling": encoding.subsampling if encoding.quality else None,
                "trials": encoded.trials,
                "ssim": encoded.ssim,
                "alt_text": self._alt_text,
                "overlay": [_told_block(block) for block in laid.blocks] if laid else [],
            }
        )
        return Output(
            data=encoded.data,
            facts=facts,
            label=placement.id,
            details=details,
            notes=(*focus.notes, *encoded.notes),
        )


def _named(placement: Placement) -> dict[str, Any]:
    return {"placement": placement.id, "platform": placement.platform}


def _notes(placement: Placement, rendition: Rendition, today: date) -> Iterator[str]:
    """What is to be said of a rendition because of where it will be published."""
    yield from _validity(placement, today)
    if small := smaller_note(placement, rendition.image.pixels.size):
        yield small
    if placement.min_images > 1:
        most = f" to {placement.max_images}" if placement.max_images else " or more"
        yield (f"{placement.id} needs {placement.min_images}{most} pictures; this is one of them.")


def _validity(placement: Placement, today: date) -> tuple[str, ...]:
    """What is to be said of a placement that does not hold on a day."""
    if placement.valid_until and placement.valid_until < today:
        return (f"{placement.id} was valid until {placement.valid_until}: see its newest version.",)
    if placement.valid_from and placement.valid_from > today:
        return (f"{placement.id} is valid from {placement.valid_from} on, and not before.",)
    return ()


def _told_region(region: Region) -> dict[str, Any]:
    """Where on the master, normalised; to a fraction of a pixel of any rendition."""
    box = {name: round(edge, 5) for name, edge in region.box.model_dump().items()}
    return region.model_dump(include={"kind", "weight", "detector"}) | {"box": box}


def _told_block(block: Block) -> dict[str, Any]:
    return asdict(block) | {"box": block.box.model_dump()}


def _chosen(params: Params) -> list[Placement]:
    return placement_book(params.placements_version).chosen(params.placements)


def _depends_on_cut_out(image: ImageFacts | None, params: Params, one: Placement) -> bool:
    """Whether a picture is too small to fill a placement, unless it is a cut-out that need not."""
    if image is None or not image.alpha or params.fit != "smart" or params.too_small == "contain":
        return False
    size = (image.width, image.height)
    return bool(one.product) or needed_upscale(size, one) is not None


def _check_demands(placement: Placement, params: Params) -> None:
    """Refused, if the placement takes no picture such as is asked for; quote and run ask this."""
    check_format(placement, params.format)
    if params.overlay is not None:
        check_text(placement)


def _outlook(image: ImageFacts | None, params: Params, placement: Placement) -> Placement | Failure:
    """The placement at the size at which it will be made, as far as is known; or why it will not.

    Transparency may be that of a cut-out as large as the picture, which would stand free, or be
    framed as a product; so may what no upscale would mend. Whether it is, only the run sees.
    """
    try:
        _check_demands(placement, params)
    except Refused as refused:
        return Failure(refused.as_problem(), placement.id, _named(placement))
    if image is None or "contain" in (params.too_small, params.fit):
        return placement
    size = (image.width, image.height)
    may_stand_free = image.alpha and params.fit == "smart" and not params.regions
    cut_out = size if may_stand_free and not placement.product else None
    frame = _frame(image, params, placement)
    if not needed_upscale(size, placement, cut_out) or (frame and frame <= ROUNDING):
        return placement
    small = TooSmall(size, placement, cut_out=cut_out).smaller
    small = small or (TooSmall(size, placement, frame).smaller if frame else None)
    if small and params.too_small == "smaller":
        return placement.at(*small)
    return _too_small(size, placement)


def _frame(image: ImageFacts, params: Params, one: Placement) -> float | None:
    """How much larger it must be if the run frames it as a product; None if it hardly will.

    An opaque picture that an upscale would help is more often a photo to be enlarged.
    """
    size = (image.width, image.height)
    may_be_product = image.alpha or not TooSmall(size, one).is_mendable
    return frame_scale(size, one) if params.fit == "smart" and may_be_product else None


def _too_small(size: tuple[int, int], placement: Placement) -> Failure:
    """With the size that fills the placement: that one is enough for every picture.

    The remedy covers the placement, whatever the picture's size, so that one step can help many;
    there is none where that is more than an upscale makes of this picture.
    """
    refused = TooSmall(size, placement)
    remedy = {
        "operation": "upscale.conservative",
        "params": {"cover": {"width": placement.width, "height": placement.height}},
    }
    details = {"remedy": remedy} if refused.is_mendable else {}
    return Failure(refused.as_problem(), placement.id, details)


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
