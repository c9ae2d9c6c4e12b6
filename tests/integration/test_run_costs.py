"""What a run has cost: everything that was paid, also for nothing, and each of it once."""

from __future__ import annotations

from uuid import UUID, uuid4

from gateway.store import RunStore
from gateway.tracker import _logged
from studio.endings import failure_of
from studio.events import EVENT_TYPES, Event, ImageRef
from studio.metadata import Database
from studio.money import Money
from studio.problems import Problem

IMAGE = ImageRef(blob="sha256:" + "0" * 64, bytes=1, width=8, height=8)
PROBLEM = Problem(kind="refused", rule="provider.moderated", says="It was filtered.")


def told(run: UUID, type_: str, cost: str, **fields: object) -> Event:
    step = {
        "id": uuid4(),
        "operation": "create.generate",
        "index": 0,
        "provider": "stability",
        "cost": {"amount": cost},
    }
    data = EVENT_TYPES[type_].model_validate(
        {"run": run, "item": uuid4(), "asset": uuid4(), "slip": {"steps": []}, "step": step}
        | fields
    )
    return Event.of(type_, data, id_=uuid4(), source="/studio/create")


async def test_what_was_paid_for_nothing_counts_and_nothing_counts_twice(
    database: Database,
) -> None:
    store, run = RunStore(database), uuid4()
    made = told(run, "image.created", "0.03", image=IMAGE)
    filtered = told(run, "image.failed", "0.08", problem=PROBLEM, returned="1/2")
    later = failure_of(made, PROBLEM, by="edit", attempts=5)  # a free step after it failed
    for event in (made, filtered, later):
        await store.log(_logged(event, run))
    assert await store.cost(str(run)) == Money.of("0.11")
