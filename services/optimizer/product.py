"""Product pictures: what a shop demands of the picture itself, beyond its file.

Shops ask for one product on a plain ground that fills most of the frame. A cut-out, or a photo on
such a ground, is framed so; any other picture is fitted as usual and left for people to look at.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from services.optimizer.placements import Placement, ProductRules
from services.optimizer.placing import placed_at
from services.optimizer.rendition import Fit, Fitting, Rendition
from services.optimizer.resize import Pyramid
from services.optimizer.review import Review
from services.optimizer.sizing import ROUNDING, TooSmall
from studio.imaging.colour import RGB, parse_hex
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.imaging.shrink import shrunk

Mask = npt.NDArray[np.bool_]  # (h, w): where the product is

_CUT_OUT = {"operation": "edit.remove_background", "params": {}}

_WHITE: RGB = (255, 255, 255)
_FILL = 0.9  # of the frame's side, where the shop names no more than a least fill
_VISIBLE = 8  # of 255: fainter alpha is no part of the product
_PLAIN = 6  # of 255: how far a channel may be from the ground's colour
_PLAIN_SHARE = 0.98  # of the edge that must have the ground's colour
_EDGE = 0.01  # of the shorter side
_LOOK = 512  # px of the long side on which the product is looked for
_MET = 0.03  # of a side, from which a cut-out ends there
_FILL_ROUNDING = 0.005  # of the frame's side: a product is found to a pixel of `_LOOK`


def framed(
    image: Image, placement: Placement, fitting: Fitting, pyramid: Pyramid
) -> Rendition | None:
    """The product alone, centred on the shop's ground, as large as the shop asks.

    None where there are no such rules or where the product cannot be told from its ground: fit it
    as usual, and ask `review`. TooSmall if it would have to be enlarged.
    """
    rules = placement.product
    if rules is None or not (rules.background or rules.min_fill) or fitting.fit != "smart":
        return None
    ground = parse_hex(rules.background) if rules.background else _WHITE
    mask = _product_mask(image, ground)
    product = _around(mask) if mask is not None else None
    if mask is None or product is None:
        return None
    left, top, right, bottom = product.pixels(image.width, image.height)
    wide, tall = right - left, bottom - top
    scale = frame_scale((wide, tall), placement) or 1.0
    if scale > ROUNDING:
        if fitting.too_small == "contain":
            return None
        refused = TooSmall((image.width, image.height), placement, scale)
        if fitting.too_small == "smaller" and refused.smaller:
            return framed(image, placement.at(*refused.smaller), fitting, pyramid)
        raise refused
    inner = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    corner = (placement.width - inner[0]) // 2, (placement.height - inner[1]) // 2
    cut = pyramid.resized(inner, (left, top, right, bottom))
    canvas = Pillow.new("RGB", (placement.width, placement.height), ground)
    canvas.paste(cut.convert("RGB"), corner, cut.getchannel("A") if image.has_alpha else None)
    return Rendition(
        image=image.with_pixels(canvas),
        fit="smart",
        crop=product,
        placed=placed_at(corner, inner, placement),
        focal_kept=1.0,
        safe_kept=1.0,
        needs_review=_cut_off(mask) if image.has_alpha else None,
    )


def reviewed(
    rendition: Rendition, placement: Placement, *, asked: Fit, background: RGB | None
) -> Rendition:
    """A rendition that was fitted as usual, with what the shop may not like about it.

    asked:      the fit that was asked for; it may have become another.
    background: what clear places have in the file; None if they stay clear.
    """
    rules = placement.product
    if rules is None or rendition.needs_review:
        return rendition
    ground = parse_hex(rules.background) if rules.background else _WHITE
    image = rendition.image
    if background not in (None, ground):  # else what is clear is as good as the ground
        image = image.with_pixels(image.flattened(background))
    product = product_box(image, ground)
    review = _of_fill(product, placement, asked) if product else _of_ground(placement, rules)
    if product is None and "border" in rules.forbids and _has_border(rendition):
        review = Review(
            f"{placement.id} takes no picture with a border, and padding is one where it shows. "
            "Put edit.remove_background before the export, or use a fit that does not pad.",
            _CUT_OUT,
        )
    if review is None:
        return rendition
    return replace(rendition, needs_review=review.says, remedy=review.remedy)


def _of_fill(product: Box, placement: Placement, fit: Fit) -> Review | None:
    """Whether the shop takes a product of that size in its frame."""
    rules = placement.product or ProductRules()
    fill = max(product.width, product.height)
    least, most = rules.min_fill or 0.0, rules.max_fill or 1.0
    if least <= fill <= most + _FILL_ROUNDING:
        return None
    says = f"The product fills {fill:.0%} of the frame; {placement.id} asks for {_range(rules)}."
    if fit != "smart":
        return Review(f"{says} Use fit: smart, which frames it so.")
    return Review(f"{says} Put edit.remove_background before the export.", _CUT_OUT)


def _of_ground(placement: Placement, rules: ProductRules) -> Review | None:
    """What is asked where no product can be told from what is around it."""
    if rules.background:
        says = (
            f"{placement.id} asks for a plain {rules.background} ground; put "
            "edit.remove_background before the export."
        )
        return Review(says, _CUT_OUT)
    if not (rules.min_fill or rules.max_fill):
        return None
    return Review(
        f"{placement.id} asks for a product that fills {_range(rules)} of the frame, which cannot "
        "be told on this ground. Look, or put edit.remove_background before the export.",
        _CUT_OUT,
    )


def _range(rules: ProductRules) -> str:
    """What part of the frame's side a product may take, in words."""
    if rules.min_fill and rules.max_fill:
        return f"{rules.min_fill:.0%} to {rules.max_fill:.0%}"
    if rules.max_fill:
        return f"at most {rules.max_fill:.0%}"
    return f"{rules.min_fill or 0:.0%}"


def _has_border(rendition: Rendition) -> bool:
    """Whether there is padding around an opaque picture."""
    placed = rendition.placed
    return rendition.fit == "contain" and min(placed.width, placed.height) < 1 - _EDGE


def product_box(image: Image, ground: RGB) -> Box | None:
    """Around what is visible of a cut-out, or differs from a plain ground; None if neither.

    Normalised. A picture of nothing but ground has no product.
    """
    mask = _product_mask(image, ground)
    return None if mask is None else _around(mask)


def _product_mask(image: Image, ground: RGB) -> Mask | None:
    if image.has_alpha:
        alpha = shrunk(image.pixels.getchannel("A"), _LOOK)
        mask: Mask = np.asarray(np.asarray(alpha) > _VISIBLE)
        return None if mask.all() else mask
    pixels = np.asarray(shrunk(image.pixels, _LOOK), np.int16)
    mask = np.asarray((np.abs(pixels - np.asarray(ground, np.int16)) > _PLAIN).any(axis=2))
    return mask if _is_framed(mask) else None


def _cut_off(mask: Mask) -> str | None:
    """What to look at where a cut-out ends with its picture; a trimmed one meets every side."""
    sides = {"top": mask[0], "bottom": mask[-1], "left": mask[:, 0], "right": mask[:, -1]}
    if all(side.any() for side in sides.values()):
        return None
    met = [name for name, side in sides.items() if side.mean() >= _MET]
    if not met:
        return None
    return (
        f"The cut-out reaches the edge of its picture ({', '.join(met)}): the product may be cut "
        "off there, or something behind or under it be part of the cut-out."
    )


def _is_framed(mask: Mask) -> bool:
    """Whether the edge of the picture is ground."""
    depth = max(1, round(_EDGE * min(mask.shape)))
    edge = np.concatenate(
        [
            mask[:depth].ravel(),
            mask[-depth:].ravel(),
            mask[:, :depth].ravel(),
            mask[:, -depth:].ravel(),
        ]
    )
    return float(edge.mean()) <= 1 - _PLAIN_SHARE


def _around(mask: Mask) -> Box | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    height, width = mask.shape
    return Box.clipped(
        columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height
    )


def frame_scale(size: tuple[int, int], placement: Placement) -> float | None:
    """How much larger a product of a size, px, must be in the shop's frame; None: no such rules."""
    rules = placement.product
    if rules is None or not (rules.background or rules.min_fill):
        return None
    return _fill(placement) * min(placement.width / size[0], placement.height / size[1])


def _fill(placement: Placement) -> float:
    """Of the frame's side: between the least and the most that the shop takes."""
    rules = placement.product
    if rules and rules.min_fill and rules.max_fill:
        return (rules.min_fill + rules.max_fill) / 2
    return max(_FILL, rules.min_fill or 0.0) if rules else _FILL
