"""Compliance: which rules of a version of the placement data an existing rendition breaks.

Only facts that are kept with a rendition are asked for; no pixel is looked at. So of the safe zone
it is only known whether the rendition was composed for one that covers at least as much: where the
new version covers more, the rendition has to be composed again, and the rule says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from services.optimizer.placements import Placement, PlacementBook, placement_books
from services.optimizer.placements.model import RATIO_ROUNDING


class RenditionFacts(BaseModel):
    """What is kept of a rendition."""

    model_config = ConfigDict(frozen=True)

    placement: str
    width: int = Field(ge=1, description="px")
    height: int = Field(ge=1, description="px")
    format: str = Field(description="jpeg, png, webp, avif …")
    bytes: int = Field(ge=0)
    version: str = Field(default="", description="of the data it was made with; empty: not known")
    has_alt_text: bool = True


class Breach(BaseModel):
    """A rule that is broken, in words; `since` is set if it is announced and not in force yet."""

    model_config = ConfigDict(frozen=True)

    rule: str
    says: str
    since: date | None = None


def breaches(facts: RenditionFacts, book: PlacementBook) -> list[Breach]:
    """The rules of a version that a rendition breaks, those in force first; [] if it complies."""
    placement = book.get(facts.placement)
    if placement is None:
        says = f"There is no {facts.placement} in {book.version} any more."
        return [Breach(rule="placement.removed", says=says)]
    now = [*_size(facts, placement), *_file(facts, placement)]
    now += _zone(facts, placement, book.version)
    announced = []
    for change in placement.upcoming:
        later = placement.after(change)
        announced += [
            one.model_copy(update={"since": change.since, "says": f"{one.says[:-1]}, from "
                                   f"{change.since:%Y-%m-%d} on."})
            for one in (*_size(facts, later), *_file(facts, later))
            if one.rule not in {known.rule for known in now}
        ]  # fmt: skip
    return now + announced


def _size(facts: RenditionFacts, placement: Placement) -> Iterator[Breach]:
    """Smaller than the exact size is right only where the placement states the least that it takes,
    since only there does the export make smaller pictures."""
    size, id_ = f"{facts.width}×{facts.height}", placement.id
    least = (placement.min_width or 0, placement.min_height or 0)
    most = (placement.max_width, placement.max_height)
    if facts.width < least[0] or facts.height < least[1]:
        says = f"{id_} takes at least {least[0]}×{least[1]} px; this has {size}."
        yield Breach(rule="placement.min_size", says=says)
    if facts.width > (most[0] or facts.width) or facts.height > (most[1] or facts.height):
        says = f"{id_} takes at most {most[0]}×{most[1]} px; this has {size}."
        yield Breach(rule="placement.max_size", says=says)
    if placement.max_pixels and facts.width * facts.height > placement.max_pixels:
        says = f"{id_} takes at most {placement.max_pixels:,} pixels; this has {size}."
        yield Breach(rule="placement.max_pixels", says=says)
    is_smaller = placement.least is not None and facts.width < placement.width
    if not is_smaller and (facts.width, facts.height) != (placement.width, placement.height):
        says = f"{id_} is {placement.width}×{placement.height} px; this has {size}."
        yield Breach(rule="placement.size", says=says)
    elif abs(facts.width / facts.height / placement.ratio - 1) > RATIO_ROUNDING:
        says = f"{id_} is {placement.aspect}; this is {facts.width / facts.height:.3f}:1."
        yield Breach(rule="placement.ratio", says=says)


def _file(facts: RenditionFacts, placement: Placement) -> Iterator[Breach]:
    id_ = placement.id
    taken = (*placement.formats, *placement.also_accepts)
    if facts.format not in taken and "image/*" not in taken:
        says = f"{id_} takes {', '.join(taken)}; this is {facts.format}."
        yield Breach(rule="placement.format", says=says)
    if placement.max_bytes and facts.bytes > placement.max_bytes:
        says = f"{id_} takes at most {placement.max_bytes:,} bytes; this has {facts.bytes:,}."
        yield Breach(rule="placement.max_bytes", says=says)
    if facts.bytes < placement.min_bytes:
        says = f"{id_} takes at least {placement.min_bytes:,} bytes; this has {facts.bytes:,}."
        yield Breach(rule="placement.min_bytes", says=says)
    if placement.alt_text_required and not facts.has_alt_text:
        says = f"{id_} takes no picture without alt text; this has none."
        yield Breach(rule="placement.alt_text", says=says)


def _zone(facts: RenditionFacts, placement: Placement, version: str) -> Iterator[Breach]:
    book = placement_books().get(facts.version)
    made_for = book.get(facts.placement) if book else None
    if made_for is None or placement.safe_zone.contains(made_for.safe_zone):
        return
    was, now = made_for.safe_margins.model_dump(), placement.safe_margins.model_dump()
    more = [f"{now[side] - px:,} px more at the {side}" for side, px in was.items()
            if now[side] > px]  # fmt: skip
    says = f"{placement.id} covers {' and '.join(more)} in {version} than in {facts.version}"
    if not more:  # the picture itself has another size: the fractions moved
        says = f"The safe zone of {placement.id} in {version} is not the one of {facts.version}"
    yield Breach(
        rule="placement.safe_zone", says=f"{says}, for which this was composed; it must be again."
    )
