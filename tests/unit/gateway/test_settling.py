"""Settling and sweeping share what changed, and neither ends the other."""

import asyncio
from fractions import Fraction

from gateway.tracker import Tracker
from studio.bus.memory import MemoryBus


class SlowStore:
    """Two runs that stay open; every answer lets others go first."""

    def __init__(self) -> None:
        self.looked: list[str] = []

    async def unfinished(self):
        await asyncio.sleep(0.003)
        return [{"_id": "a"}, {"_id": "b"}, {"_id": str(len(self.looked))}]

    async def returned(self, run):
        self.looked.append(run)
        await asyncio.sleep(0.004)
        return Fraction(1, 2), {}


async def test_a_sweep_in_the_middle_of_settling_does_not_end_it():
    store = SlowStore()
    tracker = Tracker(MemoryBus(), store, settle_every=0.001)
    settling = asyncio.create_task(tracker.keep_settling())
    sweeping = asyncio.create_task(tracker.keep_sweeping(0.001))
    await asyncio.sleep(0.5)
    assert not settling.done()
    assert not sweeping.done()
    assert len(store.looked) > 10
    for task in (settling, sweeping):
        task.cancel()
    await asyncio.gather(settling, sweeping, return_exceptions=True)
