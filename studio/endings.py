"""Endings: the event that tells why an item ends without its image, and returns its share."""

from __future__ import annotations

from studio.events import Event, ImageFailed, ItemData
from studio.problems import Problem
from studio.slip import derived


def failure_of(event: Event, problem: Problem, *, by: str, attempts: int) -> Event:
    """The `image.failed` for the item that an event carries.

    Its id is derived from the event and the service: failing again tells the same.
    """
    item: ItemData = event.data
    data = ImageFailed(
        **item.model_dump(exclude={"returned", "problem", "attempts"}),
        returned=item.share,
        problem=problem,
        attempts=attempts,
    )
    return Event.of(
        "image.failed",
        data,
        id_=derived(event.source, event.id, by, "failed"),
        source=f"/studio/{by}",
        subject=str(data.item),
        workspace=event.workspace,
        lane=event.lane,
    )
