"""Consuming on RabbitMQ: the lanes of a queue, each on a connection of its own.

A delivery is acknowledged after it was settled, and handed back where that was not possible. A
lane that cannot begin holds up no other and is tried again; a lane whose queue was deleted gets a
new one. So there is no way to end for good but to be drained.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel

from studio import metrics
from studio.bus.base import (
    Consumption,
    Dead,
    Delivery,
    Done,
    Handler,
    Lane,
    Later,
    Queue,
    Settlement,
)
from studio.bus.outages import AWAY, CLOSE_SECONDS, PATIENCE, unavailable
from studio.bus.recovery import PatientChannel, PatientConnection, connected
from studio.bus.topology import Names, declare_lane
from studio.bus.wire import delivery_of
from studio.problems import Broken, Problem, Unavailable
from studio.supervision import Supervision

log = logging.getLogger(__name__)

#: How long a broker may take to let a lane begin, s. An election takes a second or two.
BEGIN_SECONDS = 8.0

#: How long a lane that could not begin waits at most before it is tried again, s.
_BEGIN_AGAIN_SECONDS = 5.0

#: How often a consumer looks whether its queues are still there, s.
MENDING_SECONDS = 15.0

Deliver = Callable[[AbstractIncomingMessage], Awaitable[None]]


class Home(Protocol):
    """The bus, as its consumers see it."""

    url: str
    name: str
    names: Names
    delays: tuple[float, ...]

    async def bury(self, queue: str, one: Delivery, problem: Problem) -> None:
        """Put a message among the dead letters, with the reason."""

    async def delay(self, queue: str, lane: Lane, one: Delivery, settlement: Later) -> None:
        """Send a message to wait; it comes back to its queue by itself."""

    async def mend(self, queue: Queue, lane: Lane) -> bool:
        """Declare a lane's queue anew if somebody deleted it; True if so."""


class LaneConsumer:
    """The consumer of one lane, on a connection of its own."""

    def __init__(self, bus: Home, queue: Queue, lane: Lane, prefetch: int) -> None:
        self._bus, self._queue, self._lane, self._prefetch = bus, queue, lane, prefetch
        self._connection: PatientConnection | None = None
        self._channel: AbstractRobustChannel | None = None
        self._cancel: Callable[[], Awaitable[object]] | None = None
        self._stopping = asyncio.Lock()
        gauge = metrics.lane_consuming.labels(queue.name, lane)
        gauge.set_function(lambda: float(self.is_consuming))

    @property
    def is_consuming(self) -> bool:
        """Whether the broker sends it what comes: not while it begins, or is restored."""
        connection, channel = self._connection, self._channel
        if self._cancel is None or connection is None or not connection.connected.is_set():
            return False
        return isinstance(channel, PatientChannel) and channel.is_whole

    @property
    def name(self) -> str:
        """The name of its queue."""
        return self._bus.names.work(self._queue.name, self._lane)

    async def begin(self, deliver: Deliver) -> None:
        """Connect, declare, consume. Unavailable if that fails or takes too long."""
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                await self._consume(deliver)
        except BaseException as error:
            await self.end()  # or the connection would go on by itself
            if isinstance(error, AWAY):
                raise unavailable(error) from error
            raise

    async def stop(self) -> bool:
        """Fetch no more; what was fetched can still be settled. Whether the broker knows; else
        asking again tells it again."""
        async with self._stopping:
            if self._cancel:
                try:
                    await asyncio.wait_for(self._cancel(), CLOSE_SECONDS)
                except AWAY:
                    return False
                self._cancel = None
            return True

    async def end(self) -> None:
        """Close the connection; the broker takes back what was never settled."""
        connection, self._connection, self._cancel = self._connection, None, None
        self._channel = None
        if connection:
            with suppress(*AWAY):
                await asyncio.wait_for(connection.close(), CLOSE_SECONDS)

    async def _consume(self, deliver: Deliver) -> None:
        bus = self._bus
        whose = f"{bus.name} consumes {self.name}"
        self._connection = await connected(bus.url, whose, patience=PATIENCE)
        # A plain channel: a robust one would declare again whenever it is restored. Its end is
        # not waited for when declaring fails: then the whole connection ends.
        declaring = aio_pika.Channel(self._connection)
        await declaring.initialize()
        await declare_lane(declaring, bus.names, self._queue, self._lane)
        await declaring.close()
        channel = self._channel = await self._connection.channel()
        await channel.set_qos(prefetch_count=self._prefetch)
        work = await channel.get_queue(self.name)
        self._cancel = partial(work.cancel, await work.consume(deliver))


class QueueConsumer(Consumption):
    """The consumer of one queue: its lanes do not wait for each other."""

    def __init__(self, bus: Home, queue: Queue, handler: Handler, prefetch: int) -> None:
        self._bus, self._queue, self._handler = bus, queue, handler
        self._lanes = {lane: LaneConsumer(bus, queue, lane, prefetch) for lane in queue.lanes}
        self._tasks = Supervision(bus.name, longest=_BEGIN_AGAIN_SECONDS)
        self._busy: set[asyncio.Task[Any]] = set()
        self._is_draining = False

    async def begin(self) -> None:
        """Begin all lanes side by side; go on trying those that cannot if any could."""
        begins = {lane: partial(self._begin, lane) for lane in self._lanes}
        outcomes = await asyncio.gather(
            *(begin() for begin in begins.values()), return_exceptions=True
        )
        failed = {lane: outcome for lane, outcome in zip(begins, outcomes, strict=True) if outcome}
        if len(failed) == len(begins):
            raise next(iter(failed.values()))
        for lane in failed:
            self._tasks.once(f"consuming {self._lanes[lane].name}", begins[lane])
        self._tasks.repeat(f"minding {self._queue.name}", self._mend, every=MENDING_SECONDS)

    async def drain(self, grace: float) -> None:
        """Stop fetching, finish what has started, hand back what has not ended in time."""
        now = asyncio.get_running_loop().time
        deadline = now() + grace
        self._is_draining = True
        await self._fetch_no_more()
        await self._tasks.stop()
        await self._fetch_no_more()  # nor in a lane that has begun meanwhile
        if self._busy:
            await asyncio.wait(set(self._busy), timeout=max(0, deadline - now()))
        late = list(self._busy)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        await asyncio.gather(*(lane.end() for lane in self._lanes.values()))

    async def _fetch_no_more(self) -> None:
        await asyncio.gather(*(lane.stop() for lane in self._lanes.values()))

    async def _mend(self) -> None:
        """A deleted queue never comes back by itself, and its consumer would wait for ever."""
        for lane, one in self._lanes.items():
            if await self._bus.mend(self._queue, lane):
                log.error("%s had been deleted, with all it held; it is there again", one.name)

    async def _begin(self, lane: Lane) -> None:
        await self._lanes[lane].begin(partial(self._take, lane))

    async def _take(self, lane: Lane, incoming: AbstractIncomingMessage) -> None:
        if self._is_draining:  # it was under way when we said that we fetch no more
            # Not handed back before the broker knows that: it would come again and again, and each
            # time counts as a crash. If it cannot be told, the connection's end hands it back.
            if await self._lanes[lane].stop():
                with suppress(*AWAY):
                    await incoming.nack(requeue=True)
            return
        # A task of our own: aiormq cancels its tasks when a connection is lost, and a broker that
        # restarts must not cut off work that is under way, such as a call that is paid for.
        task = asyncio.create_task(self._work(lane, incoming))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _work(self, lane: Lane, incoming: AbstractIncomingMessage) -> None:
        last = len(self._bus.delays)
        delivery = delivery_of(incoming, lane, last)
        try:
            settlement = await self._handler(delivery)
        except asyncio.CancelledError:
            with suppress(*AWAY):
                await incoming.nack(requeue=True)
            raise
        except Exception as error:
            log.exception("A handler failed")
            settlement = Later(Broken.because(error).as_problem())
        try:
            await self._settle(lane, delivery, settlement)
            await incoming.ack()
        except (Unavailable, *AWAY) as away:
            log.warning("A delivery could not be settled and will come again: %s", away)
            with suppress(*AWAY):
                await incoming.nack(requeue=True)

    async def _settle(self, lane: Lane, delivery: Delivery, settlement: Settlement) -> None:
        name = self._queue.name
        match settlement:
            case Done():
                pass
            case Dead(problem):
                await self._bus.bury(name, delivery, problem)
            case Later(problem, counted=True) if delivery.is_last_attempt:
                await self._bus.bury(name, delivery, problem)
            case Later():
                await self._bus.delay(name, lane, delivery, settlement)
