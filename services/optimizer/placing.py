"""Placing: where a picture lies in a placement, and how much of its subject is uncovered there."""

from __future__ import annotations

from services.optimizer.crop import round_fraction, safe_fraction
from services.optimizer.focus import Focus
from services.optimizer.placements import Placement
from studio.imaging.geometry import Box

Size = tuple[int, int]  # px


def whole_in(size: Size, placement: Placement) -> tuple[Size, Size]:
    """The size, px, of a picture that is shown whole and not enlarged, and its upper left."""
    scale = min(placement.width / size[0], placement.height / size[1], 1.0)
    inner = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    return inner, corner_of(inner, placement)


def corner_of(inner: Size, placement: Placement) -> Size:
    """Where the picture begins: centred in the safe zone as far as the canvas allows."""
    x, y = placement.safe_zone.centre
    return (
        min(max(round(x * placement.width - inner[0] / 2), 0), placement.width - inner[0]),
        min(max(round(y * placement.height - inner[1] / 2), 0), placement.height - inner[1]),
    )


def placed_at(corner: Size, inner: Size, placement: Placement) -> Box:
    """Where a picture of a size lies in a rendition, normalised. All in px."""
    return Box(
        x0=corner[0] / placement.width,
        y0=corner[1] / placement.height,
        x1=min(1.0, (corner[0] + inner[0]) / placement.width),
        y1=min(1.0, (corner[1] + inner[1]) / placement.height),
    )


def safe_kept(placement: Placement, focus: Focus, box: Box, placed: Box) -> float:
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
