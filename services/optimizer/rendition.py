"""Renditions: the pixels of one placement, exactly its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image as Pillow

from services.optimizer.circle import round_window
from services.optimizer.crop import (
    WHOLE,
    focal_crop,
    kept_weight,
    portrait_crop,
    round_fraction,
    safe_fraction,
)
from services.optimizer.focus import Focus
from services.optimizer.padding import Padding, padded
from services.optimizer.placements import Placement
from services.optimizer.resize import Edges, Pyramid
from studio.imaging.enlargement import may_be_made
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.problems import Refused

Fit = Literal["smart", "cover", "contain", "stretch"]
Gravity = Literal[
    "centre", "north", "south", "east", "west", "northeast", "northwest", "southeast", "southwest"
]
Rgb = tuple[int, int, int]
Size = tuple[float, float]  # px

#: The subject's part that must lie in the safe zone (platforms.md, 3.3 rule 4).
SAFE_ENOUGH = 0.95
#: The focal weight's part that must be kept where nobody named what matters. On the photos of the
#: tests, windows that cut an eye of the cat or the rim of the cup keep at most 0.74, those that
#: people would take 0.79 and more (2026-11-25).
KEPT_ENOUGH = 0.75
#: A picture may lack this much of the size: half a pixel in a hundred is rounding, not enlarging.
_ROUNDING = 1.005
#: A cut-out that stands free takes this much of the safe zone's side, with this much of its own
#: sides around it, for edges that are softer than the box of its opaque part.
_FREE_FILL, _SOFT = 0.9, 0.01
#: A cut-out that is smaller than this part of the safe zone, both ways, is lost on its ground.
_FREE_LEAST = 0.5


@dataclass(frozen=True, slots=True)
class Fitting:
    """How a master is brought to a placement's size."""

    fit: Fit = "smart"
    gravity: Gravity = "centre"  # of cover
    padding: Padding = "blur"  # of contain
    colour: Rgb = (255, 255, 255)  # of the padding, and under transparency
    unsafe: Literal["review", "contain"] = "review"  # where the subject leaves the safe zone
    too_small: Literal["refuse", "contain"] = "refuse"  # where it would have to be enlarged
    force: bool = False  # stretch


class TooSmall(Refused):
    """A picture would have to be enlarged, which is never done silently."""

    def __init__(
        self,
        size: tuple[int, int],
        placement: Placement,
        scale: float | None = None,
        cut_out: Size | None = None,
    ) -> None:
        """size: of the picture, px; scale: how much larger it must be, by default to fill.

        cut_out: px of what could stand free in it, but is too small for that, too.
        """
        scale = scale or _needed_scale(size, placement, cut_out)
        self.long_side = _long_side(size, scale)  # px that the picture should have
        self.is_mendable = _may_be_enlarged(size, self.long_side)  # by an upscale
        wide, tall = round(placement.width / scale), round(placement.height / scale)
        says = (
            f"{placement.id} is {placement.width}×{placement.height}; this "
            f"{size[0]}×{size[1]} picture has only {wide}×{tall} px for it."
        )
        if cut_out:
            says = (
                f"{placement.id} is {placement.width}×{placement.height}; this "
                f"{size[0]}×{size[1]} picture does not fill it, and its cut-out of "
                f"{cut_out[0]:.0f}×{cut_out[1]:.0f} px would be less than {_FREE_LEAST:.0%} of "
                "the safe zone's width and height."
            )
        super().__init__(
            rule="optimizer.would_upscale",
            says=says,
            fix=f"Add upscale.conservative with long_side {self.long_side} before it, or use "
            "fit: contain."
            if self.is_mendable
            else "Use a larger master, or fit: contain: no upscale here makes this one so large.",
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
    """Cut, pad and scale a master to a placement.

    pyramid: of the image's pixels, shared by all renditions of one master.
    TooSmall (optimizer.would_upscale); Refused: optimizer.stretch.
    """
    fitting, pyramid = fitting or Fitting(), pyramid or Pyramid(image.pixels)
    if fitting.fit == "stretch" and not fitting.force:
        raise Refused(
            rule="optimizer.stretch",
            says="Stretching distorts what is in the picture, so it is not done by accident.",
            fix="Use fit: smart or contain, or add force: true.",
        )
    if fitting.fit == "contain":
        return _contained(image, placement, focus, fitting, pyramid)
    size = (image.width, image.height)
    part = _free(focus) if fitting.fit == "smart" else None
    cut_out = (part.width * size[0], part.height * size[1]) if part else None
    if needed_upscale(size, placement, cut_out):
        if fitting.too_small == "contain":
            return _contained(image, placement, focus, fitting, pyramid)
        raise TooSmall(size, placement, cut_out=cut_out)
    if part and needed_upscale(size, placement):
        return _standing_free(image, placement, part, pyramid)
    return _cut(image, placement, focus, fitting, pyramid)


def _cut(
    image: Image, placement: Placement, focus: Focus, fitting: Fitting, pyramid: Pyramid
) -> Rendition:
    """The window that fills the placement, unless it loses too much: then what the policy says."""
    box = WHOLE if fitting.fit == "stretch" else _window(image, placement, focus, fitting)
    safe = _safe_kept(placement, focus, box, WHOLE)
    review = _review(placement, focus, box, safe, fitting)
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
        needs_review=review,
    )


def _opaque(pixels: Pillow.Image) -> Pillow.Image:
    """Without an alpha channel that says nothing: formats that have none may then be smaller."""
    if pixels.mode == "RGBA" and pixels.getchannel("A").getextrema() == (255, 255):
        return pixels.convert("RGB")
    return pixels


def needed_upscale(
    size: tuple[int, int], placement: Placement, cut_out: Size | None = None
) -> int | None:
    """The long side, px, to which a picture must be enlarged for a placement.

    size:    of the picture, px.
    cut_out: px of what may stand free in the safe zone where the picture does not fill the
             placement: half of the zone's width or height is then enough.
    None if it is large enough as it is.
    """
    scale = _needed_scale(size, placement, cut_out)
    return _long_side(size, scale) if scale > _ROUNDING else None


def _needed_scale(size: tuple[int, int], placement: Placement, cut_out: Size | None) -> float:
    """How much larger a picture must be to fill a placement, or its cut-out to stand free."""
    filling = _filling(size, placement)
    return min(filling, _standing(cut_out, placement)) if cut_out else filling


def _standing(cut_out: Size, placement: Placement) -> float:
    """How much larger a cut-out must be to take enough of the safe zone's width or height."""
    zone = placement.safe_zone
    across = zone.width * placement.width / cut_out[0]
    down = zone.height * placement.height / cut_out[1]
    return _FREE_LEAST * min(across, down)


def _long_side(size: tuple[int, int], scale: float) -> int:
    return round(max(size) * scale + 0.5)


def _may_be_enlarged(size: tuple[int, int], long_side: int) -> bool:
    """Whether an upscale makes a picture of this size so long, px."""
    scale = long_side / max(size)
    return may_be_made(*(max(1, round(side * scale)) for side in size))


def _filling(size: tuple[int, int], placement: Placement) -> float:
    """How much larger a picture of this size must be to fill a placement."""
    return max(placement.width / size[0], placement.height / size[1])


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
    box = focal_crop(focus.weights, relative, keep=focus.keep, safe=placement.safe_zone).box
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
    scale = min(size[0] / image.width, size[1] / image.height, 1.0)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    corner = _corner(inner, size, placement.safe_zone)
    pixels = padded(image, pyramid.resized(inner), size, corner, fitting.padding, fitting.colour)
    placed = _placed(corner, inner, size)
    safe = _safe_kept(placement, focus, WHOLE, placed)
    return Rendition(
        image=image.with_pixels(pixels),
        fit="contain",
        crop=WHOLE,
        placed=placed,
        focal_kept=1.0,
        safe_kept=round(safe, 4),
        needs_review=_review(placement, focus, WHOLE, safe, fitting),
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
    corner = _corner(inner, size, zone)
    canvas = Pillow.new("RGBA", size)
    canvas.paste(pyramid.resized(inner, _edges(part, image)), corner)
    return Rendition(
        image=image.with_pixels(canvas),
        fit="smart",
        crop=part,
        placed=_placed(corner, inner, size),
        focal_kept=1.0,
        safe_kept=1.0,
        needs_review=None,
    )


def _placed(corner: tuple[int, int], inner: tuple[int, int], size: tuple[int, int]) -> Box:
    """Where a picture of a size lies in a rendition, normalised. All in px."""
    return Box(
        x0=corner[0] / size[0],
        y0=corner[1] / size[1],
        x1=min(1.0, (corner[0] + inner[0]) / size[0]),
        y1=min(1.0, (corner[1] + inner[1]) / size[1]),
    )


def _corner(inner: tuple[int, int], size: tuple[int, int], safe: Box) -> tuple[int, int]:
    """Where the picture begins: centred in the safe zone as far as the canvas allows."""
    x, y = safe.centre
    return (
        min(max(round(x * size[0] - inner[0] / 2), 0), size[0] - inner[0]),
        min(max(round(y * size[1] - inner[1] / 2), 0), size[1] - inner[1]),
    )


def _safe_kept(placement: Placement, focus: Focus, box: Box, placed: Box) -> float:
    """The fraction of the subject's area that nothing covers, where `box` of it lies at `placed`.

    A circle shows all that is in it: its safe zone, the square inside, is one for words.
    """
    if placement.shape == "circle":
        wide, tall = box.width / placed.width, box.height / placed.height
        left, top = box.x0 - placed.x0 * wide, box.y0 - placed.y0 * tall
        return round_fraction(focus.subject, (left, top, left + wide, top + tall))
    zone = _seen_through(placement.safe_zone, placed)
    return safe_fraction(focus.subject, box, zone) if zone else 0.0


def _seen_through(zone: Box, placed: Box) -> Box | None:
    """A box of the rendition in coordinates of the picture that lies at `placed`."""
    return Box.clipped(
        (zone.x0 - placed.x0) / placed.width,
        (zone.y0 - placed.y0) / placed.height,
        (zone.x1 - placed.x0) / placed.width,
        (zone.y1 - placed.y0) / placed.height,
    )


def _review(
    placement: Placement, focus: Focus, box: Box, safe: float, fitting: Fitting
) -> str | None:
    """What a person should look at, or None: something cut, too little kept, or covered."""
    if cut := focus.cut_by(box):
        return _not_whole(placement, box, cut, fitting)
    kept = kept_weight(focus.weights, box)
    # Faces outweigh all else, and a person is often cut below a head: heads that are whole suffice.
    if kept < KEPT_ENOUGH and not focus.keep and not focus.is_guess:
        return (
            f"{placement.id} keeps {kept:.0%} of what stands out; {KEPT_ENOUGH:.0%} should be "
            "kept. Use contain, or name in regions what must not be cut."
        )
    if safe < SAFE_ENOUGH:
        where = "circle" if placement.shape == "circle" else "safe zone"
        return (
            f"{safe:.0%} of the subject lies in the {where} of {placement.id}; "
            f"{SAFE_ENOUGH:.0%} should."
        )
    return None


def _not_whole(placement: Placement, box: Box, cut: str, fitting: Fitting) -> str:
    if fitting.fit == "cover":
        return f"Cover with gravity {fitting.gravity} does not keep {cut} in {placement.id}."
    shape = "flat" if box.height < box.width else "narrow"
    return f"{placement.id} is too {shape} for {cut}."


def told(rendition: Rendition) -> dict[str, Any]:
    """What is recorded of a rendition."""
    return {
        "fit": rendition.fit,
        "crop": rendition.crop.model_dump(),
        "focal_kept": rendition.focal_kept,
        "safe_kept": rendition.safe_kept,
        "safe_zone_ok": rendition.safe_zone_ok,
        "needs_review": rendition.needs_review,
    }
