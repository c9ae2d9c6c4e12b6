"""Sizing: whether a picture is large enough for a placement, and what can be made if it is not.

Nothing is ever enlarged silently. A picture that is too small is refused, with the upscale that
would help, or made smaller where the placement states the least that it takes.
"""

from __future__ import annotations

from services.optimizer.placements import Placement
from services.optimizer.placements.model import RATIO_ROUNDING
from studio.imaging.enlargement import may_be_made
from studio.problems import Refused

Size = tuple[float, float]  # px

#: A picture may lack this much of the size: half a pixel in a hundred is rounding, not enlarging.
ROUNDING = 1.005
#: A cut-out that is smaller than this part of the safe zone, both ways, is lost on its ground.
_FREE_LEAST = 0.5


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
        scale = scale or needed_scale(size, placement, cut_out)
        self.long_side = _long_side(size, scale)  # px that the picture should have
        self.is_mendable = _may_be_enlarged(size, self.long_side)  # by an upscale
        self.smaller = _smaller(placement, scale)  # px that it would have, made smaller
        super().__init__(
            rule="optimizer.would_upscale",
            says=_lacks(size, placement, scale, cut_out),
            fix=self._ways_out(),
        )

    def _ways_out(self) -> str:
        fix = (
            f"Add upscale.conservative with long_side {self.long_side} before it, or use "
            "fit: contain."
            if self.is_mendable
            else "Use a larger master, or fit: contain: no upscale here makes this one so large."
        )
        if self.smaller is None:
            return fix
        wide, tall = self.smaller
        return f"{fix} With too_small: smaller it is made at {wide}×{tall}."


def needed_upscale(
    size: tuple[int, int], placement: Placement, cut_out: Size | None = None
) -> int | None:
    """The long side, px, to which a picture must be enlarged for a placement.

    size:    of the picture, px.
    cut_out: px of what may stand free in the safe zone where the picture does not fill the
             placement: half of the zone's width or height is then enough.
    None if it is large enough as it is.
    """
    scale = needed_scale(size, placement, cut_out)
    return _long_side(size, scale) if scale > ROUNDING else None


def needed_scale(size: tuple[int, int], placement: Placement, cut_out: Size | None) -> float:
    """How much larger a picture must be to fill a placement, or its cut-out to stand free."""
    filling = max(placement.width / size[0], placement.height / size[1])
    return min(filling, _standing(cut_out, placement)) if cut_out else filling


def smaller_note(placement: Placement, made: tuple[int, int]) -> str | None:
    """What is to be said of a rendition that is smaller than its placement, px; None if it is not.

    Also the day from which the placement will refuse that size, if it has announced one.
    """
    wide, tall = made
    if wide >= placement.width:
        return None
    said = (
        f"{wide}×{tall} instead of {placement.width}×{placement.height}: the picture fills no "
        "more without being enlarged."
    )
    for change in placement.upcoming:
        least = change.changes.get("min_width", 0), change.changes.get("min_height", 0)
        if wide < least[0] or tall < least[1]:
            return (
                f"{said} From {change.since} on, {placement.id} takes at least "
                f"{least[0]}×{least[1]}."
            )
    return said


def _smaller(placement: Placement, scale: float) -> tuple[int, int] | None:
    """The largest size, px, of the placement's ratio that is `scale` times smaller than its own.

    None where the placement takes its own size only, or none that is so small.
    """
    least = placement.least
    if least is None:
        return None
    for width in range(int(placement.width / max(scale, 1) + 1e-6), least[0] - 1, -1):
        height = int(width * placement.height / placement.width + 1e-6)
        if height < least[1]:
            return None
        if abs(width / height / placement.ratio - 1) <= RATIO_ROUNDING:
            return width, height
    return None


def _lacks(size: tuple[int, int], placement: Placement, scale: float, cut_out: Size | None) -> str:
    own = (
        f"{placement.id} is {placement.width}×{placement.height}; this {size[0]}×{size[1]} picture"
    )
    if cut_out:
        return (
            f"{own} does not fill it, and its cut-out of {cut_out[0]:.0f}×{cut_out[1]:.0f} px "
            f"would be less than {_FREE_LEAST:.0%} of the safe zone's width and height."
        )
    wide, tall = round(placement.width / scale), round(placement.height / scale)
    return f"{own} has only {wide}×{tall} px for it."


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
