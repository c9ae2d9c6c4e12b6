"""The bus on RabbitMQ, through aio-pika.

Everything that is published is confirmed by the broker; everything that is consumed is
acknowledged only after its effects are stored. Connections heal themselves: after an outage
consumers go on, and what had been in flight comes back by itself. Each lane that is consumed has a
connection of its own, and everything else has another: no lane waits for a queue that is not its
own (docs/adr/0012). studio.bus.consuming has the consumers, studio.bus.topology the names.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractRobustConnection
from aio_pika.exceptions import DeliveryError, PublishError

from studio.bus.base import (
    RETRY_DELAYS,
    Bus,
    Consumption,
    DeadLetter,
    Delivery,
    Handler,
    Lane,
    Later,
    Message,
    Queue,
    check_size,
    unroutable,
)
from studio.bus.consuming import QueueConsumer
from studio.bus.outages import AWAY, CLOSE_SECONDS, PATIENCE, unavailable
from studio.bus.recovery import connected
from studio.bus.topology import Names, declare_common, declare_dead, declare_lane, existing
from studio.bus.wire import ATTEMPT, DIED_AT, KEY, LANE, PROBLEM, letter_of, outgoing
from studio.problems import Problem

#: How long a queue that was seen is believed to exist, s.
_REMEMBERED = 60.0


class RabbitBus(Bus):
    """RabbitMQ: one connection for publishing and asking, opened when it is first needed, and one
    for each lane that is consumed."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "studio",
        name: str = "image-studio",
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        self.url, self.name = url, name
        self.names, self.delays = Names(prefix), tuple(retry_delays)
        self._opening = asyncio.Lock()
        self._connection: AbstractRobustConnection | None = None
        self._publishing: AbstractChannel | None = None
        self._consumers: list[QueueConsumer] = []
        self._seen: dict[str, float] = {}  # queues that exist, until when that is believed

    async def declare(self, queue: Queue) -> None:
        """Create the queue with all that belongs to it."""
        await self._declare_shared(queue)
        for lane in queue.lanes:
            await self._declare_lane(queue, lane)

    async def publish(self, message: Message) -> None:
        """Publish to the lane's exchange and wait for the confirm."""
        check_size(message)
        if message.address is not None and not await self._has_queue(message.address, message.lane):
            raise unroutable(message)
        exchange = self.names.exchange(message.lane)
        await self._send(
            exchange,
            message.routing_key,
            outgoing(message, dict(message.headers)),
            mandatory=message.addressed,
            unroutable_=message,
        )

    async def consume(self, queue: Queue, handler: Handler, *, prefetch: int) -> Consumption:
        """Consume each lane on a connection of its own. Unavailable if none can begin.

        A lane that cannot begin while another can is tried again in the background.
        """
        await self._declare_shared(queue)
        consumer = QueueConsumer(self, queue, handler, prefetch)
        try:
            await consumer.begin()
        except BaseException:
            await consumer.drain(0)
            raise
        self._consumers.append(consumer)
        return consumer

    async def dead_letters(self, queue: str, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Take the oldest ones and hand them back, by closing the channel that took them."""
        letters: list[DeadLetter] = []
        async with self._channel() as channel:
            dead = await existing(channel, self.names.dead(queue))
            while dead and len(letters) < limit:
                incoming = await dead.get(fail=False)
                if incoming is None:
                    break
                letters.append(letter_of(queue, incoming))
        return letters

    async def replay(self, queue: str, ids: Sequence[str] | None = None) -> int:
        """Send letters home to their lane's queue; each is removed once it is confirmed there."""
        replayed: set[str] = set()
        async with self._channel() as channel:
            dead = await existing(channel, self.names.dead(queue))
            while dead and (incoming := await dead.get(fail=False)):
                letter = letter_of(queue, incoming)
                if letter.id in replayed:
                    break  # it died again already: once round is enough
                if ids is not None and letter.id not in ids:
                    continue  # stays unsettled, and goes back when the channel closes
                home = self.names.work(queue, letter.message.lane)
                headers = {**letter.message.headers, KEY: letter.message.routing_key}
                await self._send("", home, outgoing(letter.message, headers), mandatory=True)
                await incoming.ack()
                replayed.add(letter.id)
        return len(replayed)

    async def depth(self, queue: str) -> Mapping[str, int]:
        """Messages ready in each queue; what is delayed is not told by queue."""
        names = {str(lane): self.names.work(queue, lane) for lane in Lane}
        names["dead"] = self.names.dead(queue)
        counts = {}
        for label, name in names.items():
            async with self._channel() as channel:
                found = await existing(channel, name)
                if found:
                    counts[label] = found.declaration_result.message_count or 0
        return counts

    async def ping(self) -> None:
        """Open and close a channel."""
        async with self._channel():
            pass

    async def close(self) -> None:
        """Close the connection; the broker takes back what is not settled."""
        for consumer in self._consumers:
            await consumer.drain(0)
        if self._connection:
            with suppress(*AWAY):
                await asyncio.wait_for(self._connection.close(), CLOSE_SECONDS)

    async def delay(self, queue: str, lane: Lane, one: Delivery, settlement: Later) -> None:
        """Send a message to wait; it comes back to its queue by itself."""
        wanted = settlement.delay
        if wanted is None:
            wanted = self.delays[min(one.attempt, len(self.delays)) - 1]
        step = next((seconds for seconds in self.delays if seconds >= wanted), self.delays[-1])
        headers = {
            **one.message.headers,
            ATTEMPT: one.attempt + settlement.counted,
            KEY: one.message.routing_key,
        }
        home = self.names.work(queue, lane)
        later = outgoing(one.message, headers, wait=step)
        await self._send(self.names.delay(step), home, later, mandatory=True)

    async def bury(self, queue: str, one: Delivery, problem: Problem) -> None:
        """Put a message among the dead letters, with the reason."""
        headers = {
            **one.message.headers,
            ATTEMPT: one.attempt,
            KEY: one.message.routing_key,
            LANE: str(one.message.lane),
            PROBLEM: problem.model_dump_json(),
            DIED_AT: datetime.now(UTC).isoformat(),
        }
        await self._send("", self.names.dead(queue), outgoing(one.message, headers), mandatory=True)

    async def mend(self, queue: Queue, lane: Lane) -> bool:
        """Declare a lane's queue anew if somebody deleted it; True if so."""
        async with self._channel() as channel, asyncio.timeout(PATIENCE):
            if await existing(channel, self.names.work(queue.name, lane)):
                return False
        await self._declare_shared(queue)
        await self._declare_lane(queue, lane)
        return True

    async def _declare_lane(self, queue: Queue, lane: Lane) -> None:
        async with self._channel() as channel, asyncio.timeout(PATIENCE):
            await declare_lane(channel, self.names, queue, lane)

    async def _declare_shared(self, queue: Queue) -> None:
        """What the lanes of a queue have in common."""
        async with self._channel() as channel, asyncio.timeout(PATIENCE):
            await declare_common(channel, self.names, self.delays)
            limits = await self._server_version() >= (4,)
            await declare_dead(channel, self.names, queue.name, limits_by_default=limits)

    async def _send(
        self,
        exchange: str,
        key: str,
        sent: aio_pika.Message,
        *,
        mandatory: bool,
        unroutable_: Message | None = None,
    ) -> None:
        """Publish with confirm, again until the patience ends; repeating is harmless."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    channel = await self._publisher()
                    target = (
                        await channel.get_exchange(exchange, ensure=False)
                        if exchange
                        else channel.default_exchange
                    )
                    await target.publish(sent, key, mandatory=mandatory)
                return
            except PublishError as returned:  # the broker had nowhere to put it
                message = unroutable_ or Message(b"", key, "")
                raise unroutable(message) from returned
            except DeliveryError as refused:  # a queue is full or has no leader
                error: BaseException = refused
            except AWAY as away:
                error = away
            if asyncio.get_running_loop().time() + 0.2 >= deadline:
                raise unavailable(error) from error
            await asyncio.sleep(0.2)

    async def _has_queue(self, name: str, lane: Lane) -> bool:
        """Whether a service has its queue. Mandatory publishing cannot tell: whoever overhears
        every event makes it routable. Queues are durable, so the answer is kept for a while."""
        work, now = self.names.work(name, lane), asyncio.get_running_loop().time()
        if self._seen.get(work, 0) > now:
            return True
        async with self._channel() as channel:
            if await existing(channel, work) is None:
                return False
        self._seen[work] = now + _REMEMBERED
        return True

    async def _publisher(self) -> AbstractChannel:
        connection = await self._connected()
        if self._publishing is None or self._publishing.is_closed:
            async with self._opening:
                if self._publishing is None or self._publishing.is_closed:
                    self._publishing = await connection.channel(
                        publisher_confirms=True, on_return_raises=True
                    )
                    await declare_common(self._publishing, self.names, self.delays)
        return self._publishing

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        """A channel for one purpose; closing it hands back whatever it took."""
        try:
            connection = await self._connected()
            async with asyncio.timeout(PATIENCE):
                # a plain channel: a robust one would reopen itself and take again
                channel = aio_pika.Channel(connection, publisher_confirms=True)
                await channel.initialize()
            try:
                yield channel
            finally:
                with suppress(*AWAY):
                    await asyncio.wait_for(channel.close(), CLOSE_SECONDS)
        except AWAY as error:
            raise unavailable(error) from error

    async def _connected(self) -> AbstractRobustConnection:
        async with self._opening:
            if self._connection is None:
                try:
                    self._connection = await connected(self.url, self.name, patience=PATIENCE)
                except AWAY as error:
                    raise unavailable(error) from error
        async with asyncio.timeout(PATIENCE):
            await self._connection.ready()
        return self._connection

    async def _server_version(self) -> tuple[int, ...]:
        transport = (await self._connected()).transport
        properties: Mapping[str, Any] = transport.connection.server_properties if transport else {}
        version = properties.get("version", b"3")
        text = version.decode() if isinstance(version, bytes) else str(version)
        return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
