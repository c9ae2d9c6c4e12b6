"""Renditions: the pixels of one placement, exactly its size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from PIL import Image as Pillow

from services.optimizer.circle import round_window
from services.optimizer.crop import WHOLE, focal_crop, kept_weight, portrait_crop
from services.optimizer.focus import Focus
from services.optimizer.padding import Padding, padded
from services.optimizer.placements import Placement
from services.optimizer.placing import corner_of, placed_at, safe_kept, whole_in
from services.optimizer.resize import Edges, Pyramid
from services.optimizer.review import KEPT_ENOUGH, SAFE_ENOUGH, Fitted, Review
from services.optimizer.sizing import TooSmall, needed_upscale
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.problems import Refused

Fit = Literal["smart", "cover", "contain", "stretch"]
Gravity = Literal[
    "centre", "north", "south", "east", "west", "northeast", "northwest", "southeast", "southwest"
]
TooSmallPolicy = Literal["refuse", "contain", "smaller"]
Rgb = tuple[int, int, int]

#: A cut-out that stands free takes this much of the safe zone's side, with this much of its own
#: sides around it, for edges that are softer than the box of its opaque part.
_FREE_FILL, _SOFT = 0.9, 0.01


@dataclass(frozen=True, slots=True)
class Fitting:
    """How a master is brought to a placement's size."""

    fit: Fit = "smart"
    gravity: Gravity = "centre"  # of cover
    padding: Padding = "blur"  # of contain
    colour: Rgb = (255, 255, 255)  # of the padding, and under transparency
    unsafe: Literal["review", "contain"] = "review"  # where the subject leaves the safe zone
    too_small: TooSmallPolicy = "refuse"  # where it would have to be enlarged
    force: bool = False  # stretch

    def check(self) -> None:
        """Refused (optimizer.stretch): what distorts is not done by accident."""
        if self.fit == "stretch" and not self.force:
            raise Refused(
                rule="optimizer.stretch",
                says="Stretching distorts what is in the picture, so it is not done by accident.",
                fix="Use fit: smart or contain, or add force: true.",
            )


@dataclass(frozen=True, slots=True)
class Rendition:
    """The pixels, and how they were got."""

    image: Image
    fit: Fit
    crop: Box  # of the master, normalised
    placed: Box  # where that part of the master lies in the rendition, normalised
    focal_kept: float  # fraction of the focal weight that is in the rendition
    safe_kept: float  # fraction of the subject's area that lies in the safe zone, or the circle
    needs_review: str | None
    remedy: dict[str, Any] | None = None  # the step before the export that spares the review

    @property
    def safe_zone_ok(self) -> bool:
        """Whether nothing of the subject will be covered."""
        return self.safe_kept >= SAFE_ENOUGH

    def shown(self, part: Box) -> Box | None:
        """Where a part of the master is in the rendition, normalised; None if it was cut off."""
        across = self.placed.width / self.crop.width
        down = self.placed.height / self.crop.height
        return Box.clipped(
            self.placed.x0 + (part.x0 - self.crop.x0) * across,
            self.placed.y0 + (part.y0 - self.crop.y0) * down,
            self.placed.x0 + (part.x1 - self.crop.x0) * across,
            self.placed.y0 + (part.y1 - self.crop.y0) * down,
        )


def render(
    image: Image,
    placement: Placement,
    focus: Focus,
    fitting: Fitting | None = None,
    *,
    pyramid: Pyramid | None = None,
) -> Rendition:
    """Cut, pad and scale a master to a placement; to a smaller size of its ratio, if need be and
    the policy allows it.

    pyramid: of the image's pixels, shared by all renditions of one master.
    TooSmall (optimizer.would_upscale); Refused: optimizer.stretch.
    """
    fitting, pyramid = fitting or Fitting(), pyramid or Pyramid(image.pixels)
    fitting.check()
    if fitting.fit == "contain":
        return _contained(image, placement, focus, fitting, pyramid)
    size = (image.width, image.height)
    part = _free(focus) if fitting.fit == "smart" else None
    cut_out = (part.width * size[0], part.height * size[1]) if part else None
    if needed_upscale(size, placement, cut_out):
        if fitting.too_small == "contain":
            return _contained(image, placement, focus, fitting, pyramid)
        refused = TooSmall(size, placement, cut_out=cut_out)
        if fitting.too_small == "smaller" and refused.smaller:
            return render(image, placement.at(*refused.smaller), focus, fitting, pyramid=pyramid)
        raise refused
    if part and needed_upscale(size, placement):
        return _standing_free(image, placement, part, pyramid)
    return _cut(image, placement, focus, fitting, pyramid)


def _cut(
    image: Image, placement: Placement, focus: Focus, fitting: Fitting, pyramid: Pyramid
) -> Rendition:
    """The window that fills the placement, unless it loses too much: then what the policy says."""
    box = WHOLE if fitting.fit == "stretch" else _window(image, placement, focus, fitting)
    safe = safe_kept(placement, focus, box, WHOLE)
    review = _review(image, placement, focus, box, safe, fitting)
    part = _free(focus) if fitting.fit == "smart" else None
    if part and (review or not box.contains(part)):
        return _standing_free(image, placement, part, pyramid)
    if review and fitting.unsafe == "contain":
        return _contained(image, placement, focus, fitting, pyramid)
    edges = _edges(box, image)
    pixels = _opaque(pyramid.resized((placement.width, placement.height), edges))
    return Rendition(
        image=image.with_pixels(pixels),
        fit=fitting.fit,
        crop=box,
        placed=WHOLE,
        focal_kept=round(kept_weight(focus.weights, box), 4),
        safe_kept=round(safe, 4),
        needs_review=review.says if review else None,
        remedy=review.remedy if review else None,
    )


def _opaque(pixels: Pillow.Image) -> Pillow.Image:
    """Without an alpha channel that says nothing: formats that have none may then be smaller."""
    if pixels.mode == "RGBA" and pixels.getchannel("A").getextrema() == (255, 255):
        return pixels.convert("RGB")
    return pixels


def _window(image: Image, placement: Placement, focus: Focus, fitting: Fitting) -> Box:
    relative = placement.ratio / (image.width / image.height)
    if fitting.fit == "smart":
        return _smart_window(image, placement, focus, relative)
    wide, tall = min(1.0, relative), min(1.0, 1 / relative)
    x, y = _leaning(fitting.gravity)
    left, top = x * (1 - wide), y * (1 - tall)
    return Box(x0=left, y0=top, x1=min(1.0, left + wide), y1=min(1.0, top + tall))


def _smart_window(image: Image, placement: Placement, focus: Focus, relative: float) -> Box:
    """The largest window; where a circle of it is shown, one that has the subject in the circle."""
    box = focal_crop(
        focus.weights, relative, keep=focus.keep, words=focus.words, safe=placement.safe_zone
    ).box
    if placement.shape != "circle":
        return box
    least = placement.width / (box.width * image.width)
    if focus.portrait:
        return portrait_crop(box, focus.portrait, least=least)
    if _free(focus):
        return box  # whole in the circle on clear ground, if it is not in this window
    return round_window(box, focus, least, enough=SAFE_ENOUGH, kept=KEPT_ENOUGH)


def _leaning(gravity: Gravity) -> tuple[float, float]:
    """How far to the right and down, 0..1."""
    x = 0.0 if "west" in gravity else 1.0 if "east" in gravity else 0.5
    y = 0.0 if "north" in gravity else 1.0 if "south" in gravity else 0.5
    return x, y


def _edges(box: Box, image: Image) -> Edges:
    width, height = image.width, image.height
    return box.x0 * width, box.y0 * height, box.x1 * width, box.y1 * height


def _contained(
    image: Image, placement: Placement, focus: Focus, fitting: Fitting, pyramid: Pyramid
) -> Rendition:
    """The whole picture inside the placement; never enlarged, and no pixel is lost."""
    size = (placement.width, placement.height)
    inner, corner = whole_in((image.width, image.height), placement)
    pixels = padded(image, pyramid.resized(inner), size, corner, fitting.padding, fitting.colour)
    placed = placed_at(corner, inner, placement)
    safe = safe_kept(placement, focus, WHOLE, placed)
    review = _review(image, placement, focus, WHOLE, safe, replace(fitting, fit="contain"))
    return Rendition(
        image=image.with_pixels(pixels),
        fit="contain",
        crop=WHOLE,
        placed=placed,
        focal_kept=1.0,
        safe_kept=round(safe, 4),
        needs_review=review.says if review else None,
        remedy=review.remedy if review else None,
    )


def _free(focus: Focus) -> Box | None:
    """A cut-out with its soft edges; None if there is none, or if the picture's edge cuts it."""
    box = focus.cut_out
    if box is None:
        return None
    x, y = _SOFT * box.width, _SOFT * box.height
    if box.x0 < x or box.y0 < y or box.x1 > 1 - x or box.y1 > 1 - y:
        return None  # its straight edge belongs at the rendition's edge, not in the middle
    return Box(x0=box.x0 - x, y0=box.y0 - y, x1=box.x1 + x, y1=box.y1 + y)


def _standing_free(image: Image, placement: Placement, part: Box, pyramid: Pyramid) -> Rendition:
    """A cut-out whole in the safe zone, on clear ground: there is no scene to fill the frame."""
    size, zone = (placement.width, placement.height), placement.safe_zone
    wide, tall = part.width * image.width, part.height * image.height
    room = _FREE_FILL * zone.width * size[0], _FREE_FILL * zone.height * size[1]
    scale = min(room[0] / wide, room[1] / tall, 1.0)
    inner = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    corner = corner_of(inner, placement)
    canvas = Pillow.new("RGBA", size)
    canvas.paste(pyramid.resized(inner, _edges(part, image)), corner)
    return Rendition(
        image=image.with_pixels(canvas),
        fit="smart",
        crop=part,
        placed=placed_at(corner, inner, placement),
        focal_kept=1.0,
        safe_kept=1.0,
        needs_review=None,
    )


def _review(
    image: Image, placement: Placement, focus: Focus, box: Box, safe: float, fitting: Fitting
) -> Review | None:
    size = (image.width, image.height)
    fitted = Fitted(size, placement, focus, box, safe, fitting.fit, fitting.gravity)
    return fitted.review()


def told(rendition: Rendition) -> dict[str, Any]:
    """What is recorded of a rendition."""
    remedy = {"remedy": rendition.remedy} if rendition.remedy else {}
    return remedy | {
        "fit": rendition.fit,
        "crop": rendition.crop.model_dump(),
        "focal_kept": rendition.focal_kept,
        "safe_kept": rendition.safe_kept,
        "safe_zone_ok": rendition.safe_zone_ok,
        "needs_review": rendition.needs_review,
    }
