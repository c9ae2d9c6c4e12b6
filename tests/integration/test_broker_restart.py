"""A broker that goes away cuts off no work that is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from studio.bus.base import Delivery, Done, Message, Queue, Settlement
from studio.bus.rabbit import RabbitBus
from tests.servers.rabbitmq import RabbitNode, private_node


@pytest.fixture
def node() -> Iterator[RabbitNode]:
    with private_node() as node:
        yield node


async def test_work_that_is_under_way_goes_to_its_end_though_the_broker_is_gone(node, unique):
    begun, may_end, went = asyncio.Event(), asyncio.Event(), asyncio.Queue()

    async def handle(delivery: Delivery) -> Settlement:
        begun.set()
        try:
            await may_end.wait()
        except asyncio.CancelledError:
            went.put_nowait("cut off")
            raise
        went.put_nowait("to its end")
        return Done()

    bus = RabbitBus(node.url, prefix=unique, name="test")
    consumption = await bus.consume(Queue("edit", bindings=("*.*.edit",)), handle, prefetch=1)
    await bus.publish(Message(b"{}", "image.created.edit", "one", addressed=True))
    await asyncio.wait_for(begun.wait(), 60)
    await asyncio.to_thread(node.stop)
    await asyncio.sleep(1)  # for the connection's end to be noticed
    may_end.set()
    assert await asyncio.wait_for(went.get(), 60) == "to its end"
    await consumption.drain(0)
    await bus.close()
