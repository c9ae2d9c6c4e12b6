"""The broker's topology: every exchange and queue that Image Studio has on RabbitMQ.

    studio.events        topic   the interactive lane, and what outsiders publish to
    studio.events.bulk   topic   the bulk lane
    studio.edit.interactive, studio.edit.bulk      quorum queues, bound to their lane's exchange
    studio.edit.dead                               quorum queue, the dead letters of both lanes
    studio.delay.2000    fanout exchange and quorum queue: what is published here under the name
                         of a queue comes back to that queue after two seconds

A delay queue has a TTL and dead-letters to the default exchange *without* a routing key of its
own, so the message's own key, the name of the queue it came from, takes it home.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractQueue
from aio_pika.exceptions import ChannelNotFoundEntity

from studio.bus.base import Lane, Queue

#: Deliveries without an answer until the broker itself buries a message: the last resort, after
#: the service has had MAX_CRASHES chances to end the item with a reason.
DELIVERY_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called, under one prefix."""

    prefix: str

    def exchange(self, lane: Lane) -> str:
        """The topic exchange of a lane."""
        return f"{self.prefix}.events" + ("" if lane is Lane.INTERACTIVE else f".{lane}")

    def work(self, queue: str, lane: Lane) -> str:
        """The work queue of a service in a lane."""
        return f"{self.prefix}.{queue}.{lane}"

    def dead(self, queue: str) -> str:
        """The dead letters of a service."""
        return f"{self.prefix}.{queue}.dead"

    def delay(self, seconds: float) -> str:
        """The delay exchange and queue for that many seconds."""
        return f"{self.prefix}.delay.{round(seconds * 1000)}"


async def declare_common(channel: AbstractChannel, names: Names, delays: Sequence[float]) -> None:
    """The exchanges of both lanes, and the delay queues. Idempotent."""
    for lane in Lane:
        await channel.declare_exchange(names.exchange(lane), ExchangeType.TOPIC, durable=True)
    for seconds in delays:
        name = names.delay(seconds)
        exchange = await channel.declare_exchange(name, ExchangeType.FANOUT, durable=True)
        waiting: dict[str, Any] = {
            **_quorum(),
            "x-message-ttl": round(seconds * 1000),
            "x-dead-letter-exchange": "",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
        queue = await channel.declare_queue(name, durable=True, arguments=waiting)
        await queue.bind(exchange)


async def declare_dead(
    channel: AbstractChannel, names: Names, queue: str, *, limits_by_default: bool
) -> None:
    """The queue of a service's dead letters, of all lanes. Idempotent.

    limits_by_default: the broker (RabbitMQ ≥ 4) limits deliveries of every quorum queue; dead
    letters are browsed by taking and handing back, which must not use them up.
    """
    unlimited: dict[str, Any] = {"x-delivery-limit": -1} if limits_by_default else {}
    await channel.declare_queue(
        names.dead(queue), durable=True, arguments={**_quorum(), **unlimited}
    )


async def declare_lane(channel: AbstractChannel, names: Names, queue: Queue, lane: Lane) -> None:
    """A service's work queue in one lane, and what it listens to. Idempotent."""
    working: dict[str, Any] = {
        **_quorum(),
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": names.dead(queue.name),
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    work = await channel.declare_queue(
        names.work(queue.name, lane), durable=True, arguments=working
    )
    for pattern in queue.bindings:
        await work.bind(names.exchange(lane), pattern)


async def existing(channel: AbstractChannel, name: str) -> AbstractQueue | None:
    """The queue of that name; None if there is none, and then the channel is closed."""
    try:
        return await channel.declare_queue(name, passive=True)
    except ChannelNotFoundEntity:
        return None


def _quorum() -> dict[str, Any]:
    return {"x-queue-type": "quorum"}
