"""Endings: the event that tells why an item ends without its image, and returns its share."""

from __future__ import annotations

from studio.events import Event, ImageFailed, ItemData
from studio.problems import Problem
from studio.slip import derived


def failure_of(event: Event, problem: Problem, *, by: str, attempts: int) -> Event | None:
    """The `image.failed` for the item that an event carries; None if it carries none.

    Its id is derived from the event and the service: failing again tells the same.
    """
    if not isinstance(event.data, ItemData):
        return None
    data = ImageFailed(
        **event.data.model_dump(exclude={"returned", "problem", "attempts"}),
        returned=event.data.share,
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
