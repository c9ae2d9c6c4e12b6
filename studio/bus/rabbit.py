"""The bus on RabbitMQ, through aio-pika.

Everything that is published is confirmed by the broker; everything that is consumed is
acknowledged only after its effects are stored. Connections heal themselves: after an outage
consumers go on, and what had been in flight comes back by itself. Each lane that is consumed has a
connection of its own, and everything else has another: no lane waits for a queue that is not its
own (docs/adr/0012).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import aio_pika
from aio_pika import DeliveryMode
from aio_pika.abc import (
    AbstractChannel,
    AbstractIncomingMessage,
    AbstractQueue,
    AbstractRobustConnection,
)
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AMQPError,
    ChannelInvalidStateError,
    DeliveryError,
    PublishError,
)

from studio.bus.base import (
    RETRY_DELAYS,
    Bus,
    Consumption,
    Dead,
    DeadLetter,
    Delivery,
    Done,
    Handler,
    Lane,
    Later,
    Message,
    Queue,
    Settlement,
    check_size,
    unroutable,
)
from studio.bus.recovery import connected
from studio.bus.topology import Names, declare_common, declare_dead, declare_lane
from studio.problems import Broken, Problem, Unavailable
from studio.supervision import Supervision

log = logging.getLogger(__name__)

#: How long a publisher waits for a broker that is away before it is told.
PATIENCE = 8.0

#: How long a queue that was seen is believed to exist, s.
_REMEMBERED = 60.0

#: A broker that was restarted may never confirm the end of a consumer or of a channel (seen with
#: RabbitMQ 3.10); closing the connection ends both.
_CLOSE_SECONDS = 3.0

#: How long a broker may take to let a lane begin, s. An election takes a second or two.
_BEGIN_SECONDS = 8.0

#: How long a lane that could not begin waits at most before it is tried again, s.
_BEGIN_AGAIN_SECONDS = 5.0

_ATTEMPT = "x-studio-attempt"
_KEY = "x-studio-routing-key"
_LANE = "x-studio-lane"
_PROBLEM = "x-studio-problem"
_DIED_AT = "x-studio-died-at"
_OURS = (_ATTEMPT, _KEY, _LANE, _PROBLEM, _DIED_AT)
_AWAY = (*CONNECTION_EXCEPTIONS, AMQPError, ChannelInvalidStateError, ConnectionError, TimeoutError)
_CONTENT_TYPE = "application/cloudevents+json"

Deliver = Callable[[AbstractIncomingMessage], Awaitable[None]]


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
        self._url, self._name = url, name
        self._names, self._delays = Names(prefix), tuple(retry_delays)
        self._opening = asyncio.Lock()
        self._connection: AbstractRobustConnection | None = None
        self._publishing: AbstractChannel | None = None
        self._consumers: list[_Consumer] = []
        self._seen: dict[str, float] = {}  # queues that exist, until when that is believed

    async def declare(self, queue: Queue) -> None:
        """Create the queue with all that belongs to it."""
        await self._declare_shared(queue)
        async with self._channel() as channel, asyncio.timeout(PATIENCE):
            for lane in queue.lanes:
                await declare_lane(channel, self._names, queue, lane)

    async def publish(self, message: Message) -> None:
        """Publish to the lane's exchange and wait for the confirm."""
        check_size(message)
        if message.address is not None and not await self._has_queue(message.address, message.lane):
            raise unroutable(message)
        exchange = self._names.exchange(message.lane)
        await self._send(
            exchange,
            message.routing_key,
            _outgoing(message, dict(message.headers)),
            mandatory=message.addressed,
            unroutable_=message,
        )

    async def consume(self, queue: Queue, handler: Handler, *, prefetch: int) -> Consumption:
        """Consume each lane on a connection of its own. Unavailable if none can begin.

        A lane that cannot begin while another can is tried again in the background.
        """
        await self._declare_shared(queue)
        consumer = _Consumer(self, queue, handler, prefetch)
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
            dead = await _existing(channel, self._names.dead(queue))
            while dead and len(letters) < limit:
                incoming = await dead.get(fail=False)
                if incoming is None:
                    break
                letters.append(_letter(queue, incoming))
        return letters

    async def replay(self, queue: str, ids: Sequence[str] | None = None) -> int:
        """Send letters home to their lane's queue; each is removed once it is confirmed there."""
        replayed: set[str] = set()
        async with self._channel() as channel:
            dead = await _existing(channel, self._names.dead(queue))
            while dead and (incoming := await dead.get(fail=False)):
                letter = _letter(queue, incoming)
                if letter.id in replayed:
                    break  # it died again already: once round is enough
                if ids is not None and letter.id not in ids:
                    continue  # stays unsettled, and goes back when the channel closes
                home = self._names.work(queue, letter.message.lane)
                headers = {**letter.message.headers, _KEY: letter.message.routing_key}
                await self._send("", home, _outgoing(letter.message, headers), mandatory=True)
                await incoming.ack()
                replayed.add(letter.id)
        return len(replayed)

    async def depth(self, queue: str) -> Mapping[str, int]:
        """Messages ready in each queue; what is delayed is not told by queue."""
        names = {str(lane): self._names.work(queue, lane) for lane in Lane}
        names["dead"] = self._names.dead(queue)
        counts = {}
        for label, name in names.items():
            async with self._channel() as channel:
                found = await _existing(channel, name)
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
            with suppress(*_AWAY):
                await asyncio.wait_for(self._connection.close(), _CLOSE_SECONDS)

    async def delay(self, queue: str, lane: Lane, one: Delivery, settlement: Later) -> None:
        """Send a message to wait; it comes back to its queue by itself."""
        wanted = settlement.delay
        if wanted is None:
            wanted = self._delays[min(one.attempt, len(self._delays)) - 1]
        step = next((seconds for seconds in self._delays if seconds >= wanted), self._delays[-1])
        headers = {
            **one.message.headers,
            _ATTEMPT: one.attempt + settlement.counted,
            _KEY: one.message.routing_key,
        }
        home = self._names.work(queue, lane)
        await self._send(
            self._names.delay(step), home, _outgoing(one.message, headers), mandatory=True
        )

    async def bury(self, queue: str, one: Delivery, problem: Problem) -> None:
        """Put a message among the dead letters, with the reason."""
        headers = {
            **one.message.headers,
            _ATTEMPT: one.attempt,
            _KEY: one.message.routing_key,
            _LANE: str(one.message.lane),
            _PROBLEM: problem.model_dump_json(),
            _DIED_AT: datetime.now(UTC).isoformat(),
        }
        await self._send(
            "", self._names.dead(queue), _outgoing(one.message, headers), mandatory=True
        )

    async def _declare_shared(self, queue: Queue) -> None:
        """What the lanes of a queue have in common."""
        async with self._channel() as channel, asyncio.timeout(PATIENCE):
            await declare_common(channel, self._names, self._delays)
            limits = await self._server_version() >= (4,)
            await declare_dead(channel, self._names, queue.name, limits_by_default=limits)

    async def _send(
        self,
        exchange: str,
        key: str,
        outgoing: aio_pika.Message,
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
                    await target.publish(outgoing, key, mandatory=mandatory)
                return
            except PublishError as returned:  # the broker had nowhere to put it
                message = unroutable_ or Message(b"", key, "")
                raise unroutable(message) from returned
            except DeliveryError as refused:  # a queue is full or has no leader
                error: BaseException = refused
            except _AWAY as away:
                error = away
            if asyncio.get_running_loop().time() + 0.2 >= deadline:
                raise _unavailable() from error
            await asyncio.sleep(0.2)

    async def _has_queue(self, name: str, lane: Lane) -> bool:
        """Whether a service has its queue. Mandatory publishing cannot tell: whoever overhears
        every event makes it routable. Queues are durable, so the answer is kept for a while."""
        work, now = self._names.work(name, lane), asyncio.get_running_loop().time()
        if self._seen.get(work, 0) > now:
            return True
        async with self._channel() as channel:
            if await _existing(channel, work) is None:
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
                    await declare_common(self._publishing, self._names, self._delays)
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
                with suppress(*_AWAY):
                    await asyncio.wait_for(channel.close(), _CLOSE_SECONDS)
        except _AWAY as error:
            raise _unavailable() from error

    async def _connected(self) -> AbstractRobustConnection:
        async with self._opening:
            if self._connection is None:
                try:
                    self._connection = await connected(self._url, self._name, patience=PATIENCE)
                except _AWAY as error:
                    raise _unavailable() from error
        async with asyncio.timeout(PATIENCE):
            await self._connection.ready()
        return self._connection

    async def _server_version(self) -> tuple[int, ...]:
        transport = (await self._connected()).transport
        properties: Mapping[str, Any] = transport.connection.server_properties if transport else {}
        version = properties.get("version", b"3")
        text = version.decode() if isinstance(version, bytes) else str(version)
        return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


class _LaneConsumer:
    """The consumer of one lane, on a connection of its own."""

    def __init__(self, bus: RabbitBus, queue: Queue, lane: Lane, prefetch: int) -> None:
        self._bus, self._queue, self._lane, self._prefetch = bus, queue, lane, prefetch
        self._connection: AbstractRobustConnection | None = None
        self._cancel: Callable[[], Awaitable[object]] | None = None

    @property
    def name(self) -> str:
        """The name of its queue."""
        return self._bus._names.work(self._queue.name, self._lane)

    async def begin(self, deliver: Deliver) -> None:
        """Connect, declare, consume. Unavailable if that fails or takes too long."""
        try:
            async with asyncio.timeout(_BEGIN_SECONDS):
                await self._consume(deliver)
        except BaseException as error:
            await self.end()  # or the connection would go on by itself
            if isinstance(error, _AWAY):
                raise _unavailable() from error
            raise

    async def stop(self) -> None:
        """Fetch no more; what was fetched can still be settled."""
        cancel, self._cancel = self._cancel, None
        if cancel:
            with suppress(*_AWAY):
                await asyncio.wait_for(cancel(), _CLOSE_SECONDS)

    async def end(self) -> None:
        """Close the connection; the broker takes back what was never settled."""
        connection, self._connection, self._cancel = self._connection, None, None
        if connection:
            with suppress(*_AWAY):
                await asyncio.wait_for(connection.close(), _CLOSE_SECONDS)

    async def _consume(self, deliver: Deliver) -> None:
        bus = self._bus
        whose = f"{bus._name} consumes {self.name}"
        self._connection = await connected(bus._url, whose, patience=PATIENCE)
        # A plain channel: a robust one would declare again whenever it is restored. Its end is
        # not waited for when declaring fails: then the whole connection ends.
        declaring = aio_pika.Channel(self._connection)
        await declaring.initialize()
        await declare_lane(declaring, bus._names, self._queue, self._lane)
        await declaring.close()
        channel = await self._connection.channel()
        await channel.set_qos(prefetch_count=self._prefetch)
        work = await channel.get_queue(self.name)
        self._cancel = partial(work.cancel, await work.consume(deliver))


class _Consumer(Consumption):
    """The consumer of one queue: its lanes do not wait for each other."""

    def __init__(self, bus: RabbitBus, queue: Queue, handler: Handler, prefetch: int) -> None:
        self._bus, self._queue, self._handler = bus, queue, handler
        self._lanes = {lane: _LaneConsumer(bus, queue, lane, prefetch) for lane in queue.lanes}
        self._late = Supervision(bus._name, longest=_BEGIN_AGAIN_SECONDS)
        self._busy: set[asyncio.Task[Any]] = set()

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
            self._late.once(f"consuming {self._lanes[lane].name}", begins[lane])

    async def drain(self, grace: float) -> None:
        """Stop fetching, finish what has started, hand back what has not ended in time."""
        await self._late.stop()
        await asyncio.gather(*(lane.stop() for lane in self._lanes.values()))
        if self._busy:
            await asyncio.wait(set(self._busy), timeout=grace)
        late = list(self._busy)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        await asyncio.gather(*(lane.end() for lane in self._lanes.values()))

    async def _begin(self, lane: Lane) -> None:
        async def deliver(incoming: AbstractIncomingMessage) -> None:
            task = asyncio.current_task()
            if task:
                self._busy.add(task)
                task.add_done_callback(self._busy.discard)
            await self._work(lane, incoming)

        await self._lanes[lane].begin(deliver)

    async def _work(self, lane: Lane, incoming: AbstractIncomingMessage) -> None:
        last = len(self._bus._delays)
        delivery = _delivery(incoming, lane, last)
        try:
            settlement = await self._handler(delivery)
        except asyncio.CancelledError:
            with suppress(*_AWAY):
                await incoming.nack(requeue=True)
            raise
        except Exception as error:
            log.exception("A handler failed")
            settlement = Later(Broken.because(error).as_problem())
        try:
            await self._settle(lane, delivery, settlement)
            await incoming.ack()
        except (Unavailable, *_AWAY) as away:
            log.warning("A delivery could not be settled and will come again: %s", away)
            with suppress(*_AWAY):
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


async def _existing(channel: AbstractChannel, name: str) -> AbstractQueue | None:
    try:
        return await channel.declare_queue(name, passive=True)
    except aio_pika.exceptions.ChannelNotFoundEntity:
        return None


def _outgoing(message: Message, headers: Mapping[str, Any]) -> aio_pika.Message:
    return aio_pika.Message(
        message.body,
        headers=dict(headers),
        content_type=_CONTENT_TYPE,
        message_id=message.message_id,
        delivery_mode=DeliveryMode.PERSISTENT,
        timestamp=datetime.now(UTC),
    )


def _delivery(incoming: AbstractIncomingMessage, lane: Lane, retries: int) -> Delivery:
    attempt = _count(incoming, _ATTEMPT, 1)
    message = _message(incoming, lane, incoming.routing_key or "")
    return Delivery(
        message,
        attempt=attempt,
        is_last_attempt=attempt > retries,
        crashes=_count(incoming, "x-delivery-count", 0),
    )


def _letter(queue: str, incoming: AbstractIncomingMessage) -> DeadLetter:
    headers = incoming.headers
    buried_by_us = _PROBLEM in headers
    deaths: Any = headers.get("x-death") or [{}]
    first = deaths[0]
    lane = str(headers.get(_LANE) or str(first.get("queue", "")).rpartition(".")[2])
    key = str((first.get("routing-keys") or [incoming.routing_key])[0])
    message = _message(incoming, Lane(lane) if lane in set(Lane) else Lane.INTERACTIVE, key)
    problem = (
        Problem.model_validate_json(str(headers[_PROBLEM]))
        if buried_by_us
        else Problem(
            kind="broken",
            rule="bus.delivery_limit",
            says="The broker gave this message up: its consumers ended again and again.",
            fix="Look for workers that run out of memory, then replay it.",
        )
    )
    died = str(headers.get(_DIED_AT, ""))
    when = datetime.fromisoformat(died) if died else incoming.timestamp or datetime.now(UTC)
    return DeadLetter(
        message.message_id, queue, message, problem, _count(incoming, _ATTEMPT, 1), when
    )


def _message(incoming: AbstractIncomingMessage, lane: Lane, key: str) -> Message:
    """The message as it was published, whoever published it."""
    headers = {
        name: str(value)
        for name, value in incoming.headers.items()
        if name not in _OURS and not name.startswith(("x-death", "x-first-death", "x-delivery"))
    }
    return Message(
        body=incoming.body,
        routing_key=str(incoming.headers.get(_KEY) or key),
        message_id=incoming.message_id or hashlib.sha256(incoming.body).hexdigest(),
        lane=lane,
        addressed=True,
        headers=headers,
    )


def _count(incoming: AbstractIncomingMessage, name: str, default: int) -> int:
    value = incoming.headers.get(name, default)
    return value if isinstance(value, int) else default


def _unavailable() -> Unavailable:
    return Unavailable(
        rule="bus.unavailable",
        says="The broker (RabbitMQ) does not answer.",
        fix="Nothing, if it is restarting; the work goes on when it is back.",
        retry_after=2,
    )
