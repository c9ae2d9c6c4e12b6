"""Telling: the run hears what became of a call that was in doubt.

A call in doubt is told to its run with the most that it may cost. When its bill is settled, or a
late worker or a replay has fetched it after all, the book of purchases knows better than the run:
the row is untold, in the same write. Here it is told, as what the whole step has cost, and only
then marked; a crash in between tells the very same fact again.
"""

from __future__ import annotations

import logging

from studio import telemetry
from studio.bus.base import Bus
from studio.events import Event, RunBilled
from studio.providers.purchases import Purchases
from studio.slip import derived

log = logging.getLogger(__name__)

#: s between two looks, at most.
EVERY = 10.0


class Telling:
    """Publishes `workflow.billed`. Any service that buys may tell what any other has bought."""

    def __init__(self, purchases: Purchases, bus: Bus, service: str) -> None:
        self._purchases, self._bus = purchases, bus
        self._source = f"/studio/{service}"

    async def tell(self) -> int:
        """Tell what is untold; returns how many purchases were. Raises Unavailable."""
        untold = await self._purchases.untold()
        for key, step, purchase in untold:
            paid = await self._purchases.paid(step)
            if paid is None or purchase.run is None:
                log.warning("Nobody can be told what %s has cost: its run is not on record", key)
            else:
                run = purchase.run
                fact = Event.of(
                    "workflow.billed",
                    RunBilled(run=run.id, step_id=step, paid=paid),
                    id_=derived(step, "billed", paid.revision),
                    source=self._source,
                    subject=str(run.id),
                    workspace=run.workspace,
                )
                with telemetry.producing(fact, fact.routing_key) as carried:
                    await self._bus.publish(carried.to_message())
            await self._purchases.told(key, purchase)
        return len(untold)
