"""Endings: the event that tells why an item ends without its image, and returns its share."""

from __future__ import annotations

from studio.events import Event, ImageFailed, ItemData, StepRecord
from studio.problems import Problem
from studio.slip import derived


def failure_of(
    event: Event, problem: Problem, *, by: str, attempts: int, paid: StepRecord | None = None
) -> Event:
    """The `image.failed` for the item that an event carries.

    Its id is derived from the event and the service: failing again tells the same, unless more is
    known by then of what the step has cost.
    paid: the step that ended it, if that has cost something; the step before is told otherwise.
    """
    item: ItemData = event.data
    if paid is not None:
        made_of = {"asset": derived(paid.id, "asset", 0), "step": paid}
        parents = [item.asset] if item.image and item.asset else []
        item = item.model_copy(update={**made_of, "parents": parents})
    data = ImageFailed(
        **item.model_dump(exclude={"returned", "problem", "attempts"}),
        returned=item.share,
        problem=problem,
        attempts=attempts,
    )
    known = [paid.paid.revision] if paid and paid.paid else []
    return Event.of(
        "image.failed",
        data,
        id_=derived(event.source, event.id, by, "failed", *known),
        source=f"/studio/{by}",
        subject=str(data.item),
        workspace=event.workspace,
        lane=event.lane,
    )
