"""Renditions: the pixels of one placement, exactly its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PIL import Image as Pillow
from PIL import ImageFilter

from services.optimizer.crop import WHOLE, Crop, focal_crop, safe_fraction
from services.optimizer.focus import Focus
from services.optimizer.placements import Placement
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.problems import Refused

Fit = Literal["smart", "cover", "contain"]
Padding = Literal["blur", "colour", "transparent"]
Rgb = tuple[int, int, int]

#: The subject's part that must lie in the safe zone (platforms.md, 3.3 rule 4).
SAFE_ENOUGH = 0.95

_LANCZOS = Pillow.Resampling.LANCZOS


@dataclass(frozen=True, slots=True)
class Rendition:
    """The pixels, and how they were got."""

    image: Image
    crop: Box
    focal_kept: float
    safe_zone_ok: bool
    needs_review: str | None


def render(
    image: Image,
    placement: Placement,
    focus: Focus | None,
    *,
    fit: Fit = "smart",
    padding: Padding = "blur",
    background: Rgb = (255, 255, 255),
) -> Rendition:
    """Cut and scale a master to a placement. Refused (`optimizer.would_upscale`) if too small."""
    if fit == "contain":
        pixels = _contained(image, placement, padding, background)
        return Rendition(image.with_pixels(pixels), WHOLE, 1.0, True, None)
    crop = _window(image, placement, focus if fit == "smart" else None)
    _check_enough_pixels(image, placement, crop.box)
    box = crop.box
    edges = (
        box.x0 * image.width,
        box.y0 * image.height,
        box.x1 * image.width,
        box.y1 * image.height,
    )
    pixels = image.pixels.resize(
        (placement.width, placement.height), _LANCZOS, box=edges, reducing_gap=3.0
    )
    safe = safe_fraction(focus.subject, box, placement.safe_zone) if focus else 1.0
    return Rendition(
        image.with_pixels(pixels),
        box,
        round(crop.focal_kept, 4),
        safe >= SAFE_ENOUGH,
        _review(placement, crop, safe),
    )


def _window(image: Image, placement: Placement, focus: Focus | None) -> Crop:
    relative = placement.ratio / (image.width / image.height)
    if focus is not None:
        return focal_crop(focus.weights, relative, keep=focus.keep, safe=placement.safe_zone)
    wide, tall = min(1.0, relative), min(1.0, 1 / relative)
    box = Box(x0=(1 - wide) / 2, y0=(1 - tall) / 2, x1=(1 + wide) / 2, y1=(1 + tall) / 2)
    return Crop(box, 1.0, cuts_head=False)


def _check_enough_pixels(image: Image, placement: Placement, box: Box) -> None:
    wide, tall = box.width * image.width, box.height * image.height
    short = max(placement.width / wide, placement.height / tall)
    if short <= 1.005:  # half a pixel in a hundred is rounding, not enlarging
        return
    needed = round(max(image.width, image.height) * short + 0.5)
    raise Refused(
        rule="optimizer.would_upscale",
        says=f"{placement.id} is {placement.width}×{placement.height}; the crop of this "
        f"{image.width}×{image.height} picture has only {round(wide)}×{round(tall)} px.",
        fix=f"Add upscale.conservative with long_side {needed} before it, or use fit: contain.",
    )


def _contained(
    image: Image, placement: Placement, padding: Padding, background: Rgb
) -> Pillow.Image:
    """The whole picture inside the placement; never enlarged, and no pixel is lost."""
    size = (placement.width, placement.height)
    scale = min(size[0] / image.width, size[1] / image.height, 1.0)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    scaled = image.pixels.resize(inner, _LANCZOS, reducing_gap=3.0)
    corner = ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2)
    if padding == "transparent":
        ground = Pillow.new("RGBA", size)
    elif padding == "colour":
        ground = Pillow.new("RGB", size, background)
    else:
        ground = _blurred_cover(image.flattened(background), size)
    ground.paste(
        scaled, corner, scaled if scaled.mode == "RGBA" and padding != "transparent" else None
    )
    return ground


def _blurred_cover(pixels: Pillow.Image, size: tuple[int, int]) -> Pillow.Image:
    """The picture itself, covering everything, far out of focus and a little darker."""
    scale = max(size[0] / pixels.width, size[1] / pixels.height)
    wide, tall = size[0] / scale, size[1] / scale
    left, top = (pixels.width - wide) / 2, (pixels.height - tall) / 2
    small = (max(1, size[0] // 8), max(1, size[1] // 8))
    edges = (
        max(left, 0),
        max(top, 0),
        min(left + wide, pixels.width),
        min(top + tall, pixels.height),
    )
    cover = pixels.resize(small, Pillow.Resampling.BILINEAR, box=edges)
    cover = cover.filter(ImageFilter.GaussianBlur(max(small) / 24)).point(lambda v: v * 0.85)
    return cover.resize(size, Pillow.Resampling.BICUBIC)


def _review(placement: Placement, crop: Crop, safe: float) -> str | None:
    if crop.cuts_head:
        return f"{placement.id} is too flat or too narrow for the whole head."
    if safe < SAFE_ENOUGH:
        return (
            f"{safe:.0%} of the subject lies in the safe zone of {placement.id}; "
            f"{SAFE_ENOUGH:.0%} should."
        )
    return None
