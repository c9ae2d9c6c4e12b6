"""Review: why a person should look at a rendition, and what helps.

Only what helps is named: each way is tried on paper first, with the subject that was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.optimizer.crop import WHOLE, kept_weight
from services.optimizer.focus import Focus
from services.optimizer.placements import Placement
from services.optimizer.placing import placed_at, safe_kept, whole_in
from studio.imaging.decode import DEFAULT_LIMITS
from studio.imaging.geometry import Box

#: The subject's part that must lie in the safe zone (platforms.md, 3.3 rule 4).
SAFE_ENOUGH = 0.95
#: The focal weight's part that must be kept where nobody named what matters. On the photos of the
#: tests, windows that cut an eye of the cat or the rim of the cup keep at most 0.74, those that
#: people would take 0.79 and more (2026-11-25).
KEPT_ENOUGH = 0.75
#: What edit.outpaint goes on from, and adds at most; px a side. A test holds both to its limits.
_OUTPAINT_FROM, _OUTPAINT_MOST = 32, 2000


@dataclass(frozen=True, slots=True)
class Review:
    """What to look at, in words with what helps; and the step before the export that does it."""

    says: str
    remedy: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A picture (its size in px) whose part `box` was fitted to a placement, and how."""

    size: tuple[int, int]
    placement: Placement
    focus: Focus
    box: Box
    safe: float  # the subject's part that nothing covers
    fit: str
    gravity: str = "centre"

    def review(self) -> Review | None:
        """What a person should look at, or None: something cut, too little kept, or covered."""
        id_ = self.placement.id
        is_portrait = self.placement.shape == "circle" and self.focus.portrait is not None
        # Whoever zooms to a head leaves words on purpose.
        if cut := self.focus.cut_by(self.box, words=not (is_portrait and self.fit == "smart")):
            return self._with_ways(self._not_whole(cut), is_cut=True)
        kept = kept_weight(self.focus.weights, self.box)
        # Faces outweigh all else, and a person is often cut below a head: whole heads suffice.
        if kept < KEPT_ENOUGH and not self.focus.keep and not self.focus.is_guess:
            said = f"{id_} keeps {kept:.0%} of what stands out; {KEPT_ENOUGH:.0%} should be kept."
            return self._with_ways(said, is_cut=True, named="must not be cut")
        if self.safe < SAFE_ENOUGH:
            where = "circle" if self.placement.shape == "circle" else "safe zone"
            said = (
                f"{self.safe:.0%} of the subject lies in the {where} of {id_}; "
                f"{SAFE_ENOUGH:.0%} should."
            )
            return self._with_ways(said, is_cut=False, named="must be seen")
        return None

    def _not_whole(self, cut: str) -> str:
        id_ = self.placement.id
        if self.fit == "cover":
            return f"Cover with gravity {self.gravity} does not keep {cut} in {id_}."
        shape = "flat" if self.box.height < self.box.width else "narrow"
        return f"{id_} is too {shape} for {cut}."

    def _with_ways(self, said: str, *, is_cut: bool, named: str | None = None) -> Review:
        """The reason with what helps. named: what regions name, where those were only guessed."""
        ways = ["fit: smart"] if self.fit == "cover" and is_cut and self._has_room() else []
        inner, corner = whole_in(self.size, self.placement)
        if self.fit != "contain" and self._is_safe(placed_at(corner, inner, self.placement)):
            ways.append("unsafe: contain")
        remedy = None
        if self._may_be_extended() and self._is_safe(self._extended()):
            ratio = f"{self.placement.width}:{self.placement.height}"
            remedy = {"operation": "edit.outpaint", "params": {"ratio": ratio}}
            ways.append(f"edit.outpaint with ratio {ratio} before the export")
        if not ways and is_cut:
            ways.append("unsafe: contain, which keeps it whole but partly covered")
        elif not ways:
            ways.append("a picture with more room around it (edit.outpaint makes it)")
        if named and not any(one.kind == "given" for one in self.focus.regions):
            ways.append(f"regions that name what {named}")
        return Review(f"{said} Use {_listed(ways)}.", remedy)

    def _has_room(self) -> bool:
        """Whether a window of this size, elsewhere, holds all that must not be cut."""
        boxes = [*self.focus.keep, *self.focus.words] or [WHOLE]
        wide = max(one.x1 for one in boxes) - min(one.x0 for one in boxes)
        tall = max(one.y1 for one in boxes) - min(one.y0 for one in boxes)
        return wide <= self.box.width and tall <= self.box.height

    def _is_safe(self, placed: Box) -> bool:
        return safe_kept(self.placement, self.focus, WHOLE, placed) >= SAFE_ENOUGH

    def _extended(self) -> Box:
        """Where the picture lies in itself extended to the placement's ratio, its middle kept."""
        relative = self.size[0] / self.size[1] / self.placement.ratio
        wide, tall = min(1.0, relative), min(1.0, 1 / relative)
        return Box(x0=(1 - wide) / 2, y0=(1 - tall) / 2, x1=(1 + wide) / 2, y1=(1 + tall) / 2)

    def _may_be_extended(self) -> bool:
        """Whether edit.outpaint makes it of the placement's ratio, and has anything to add."""
        wide, tall = self.size
        width = max(wide, round(tall * self.placement.ratio))
        height = max(tall, round(wide / self.placement.ratio))
        return (
            (width, height) != self.size
            and min(self.size) >= _OUTPAINT_FROM
            and max(width - wide, height - tall) <= 2 * _OUTPAINT_MOST
            and width * height <= DEFAULT_LIMITS.max_pixels
            and max(width, height) <= DEFAULT_LIMITS.max_side
        )


def _listed(ways: list[str]) -> str:
    first, last = ways[:-1], ways[-1]
    if len(first) > 1:
        return f"{', '.join(first)}, or {last}"
    return f"{first[0]} or {last}" if first else last
