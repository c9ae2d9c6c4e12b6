"""Settling and sweeping share what changed, and neither loses what the other saw."""

import asyncio
from fractions import Fraction

from gateway.tracker import Tracker
from studio.bus.memory import MemoryBus
from studio.supervision import Supervision


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


async def test_a_sweep_in_the_middle_of_settling_disturbs_neither(caplog):
    store, tasks = SlowStore(), Supervision("gateway")
    tracker = Tracker(MemoryBus(), store)
    tasks.repeat("settling", tracker.settle_changed, every=0.001)
    tasks.repeat("sweeping", tracker.sweep, every=0.001)
    async with asyncio.timeout(20):
        while len(store.looked) <= 30:
            await asyncio.sleep(0.01)
    await tasks.stop()
    assert [line.getMessage() for line in caplog.records if line.levelname == "ERROR"] == []
