"""A broker that delivers some messages twice, made of a plain aio-pika client.

It overhears both exchanges and publishes a copy of a fifth of what it hears, byte for byte, under
the same routing key. Copies are marked, so that they are not copied again.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

_MARK = "x-test-copy"


class Doubling:
    """How many messages were heard and how many were copied."""

    def __init__(self) -> None:
        self.heard = 0
        self.copied = 0


@asynccontextmanager
async def doubling(url: str, prefix: str, share: float, seed: int) -> AsyncIterator[Doubling]:
    """Copy `share` of all events while the block runs."""
    dice, count = random.Random(seed), Doubling()
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        for name in (f"{prefix}.events", f"{prefix}.events.bulk"):
            exchange = await channel.get_exchange(name)
            queue = await channel.declare_queue(exclusive=True, auto_delete=True)
            await queue.bind(exchange, "#")

            async def copy(
                message: AbstractIncomingMessage, exchange: aio_pika.abc.AbstractExchange = exchange
            ) -> None:
                if message.headers.get(_MARK):
                    return
                count.heard += 1
                if dice.random() >= share:
                    return
                count.copied += 1
                twin = aio_pika.Message(
                    message.body,
                    headers={**message.headers, _MARK: "1"},
                    content_type=message.content_type,
                    message_id=message.message_id,
                )
                await exchange.publish(twin, message.routing_key or "", mandatory=False)

            await queue.consume(copy, no_ack=True)
        yield count
