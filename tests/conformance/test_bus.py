"""What every bus does, whichever broker carries it."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from studio.bus.base import Bus, Dead, Delivery, Done, Lane, Later, Message, Queue
from studio.bus.memory import MemoryBus
from studio.bus.rabbit import RabbitBus
from studio.problems import Problem, Refused, Unavailable

DELAYS = (0.05, 0.2)
PATIENCE = 20
PROBLEM = Problem(kind="refused", rule="test.rule", says="It cannot be done.")


@pytest.fixture(params=["memory", "rabbit"])
async def bus(request, unique) -> AsyncIterator[Bus]:
    if request.param == "memory":
        one = MemoryBus(retry_delays=DELAYS)
    else:
        url = request.getfixturevalue("broker_url")
        one = RabbitBus(url, prefix=unique, retry_delays=DELAYS)
    yield one
    await one.close()


EDIT = Queue("edit", bindings=("*.*.edit",))


class Handler:
    """Remembers what it was given, and settles as it is told."""

    def __init__(self, settle: Callable[[Delivery], object] = lambda _: Done()) -> None:
        self.seen: list[Delivery] = []
        self._settle = settle
        self._changed = asyncio.Condition()

    async def __call__(self, delivery):
        async with self._changed:
            self.seen.append(delivery)
            self._changed.notify_all()
        settlement = self._settle(delivery)
        return await settlement if asyncio.iscoroutine(settlement) else settlement

    async def has_seen(self, count: int) -> list[Delivery]:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: len(self.seen) >= count)
        return self.seen


def message(
    text: str = "hello", key: str = "image.created.edit", lane: Lane = Lane.INTERACTIVE, **more
) -> Message:
    return Message(text.encode(), key, message_id=f"id-{text}", lane=lane, **more)


async def quiet() -> None:
    """Long enough for what must not come to have come."""
    await asyncio.sleep(0.4)


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_a_message_reaches_every_bound_queue_once(bus):
    edit, tracker = Handler(), Handler()
    await bus.consume(EDIT, edit, prefetch=2)
    await bus.consume(Queue("tracker", bindings=("image.#", "*.created.*")), tracker, prefetch=2)
    await bus.publish(message())
    assert (await edit.has_seen(1))[0].message.body == b"hello"
    await tracker.has_seen(1)
    await quiet()
    assert len(edit.seen) == len(tracker.seen) == 1


async def test_a_queue_hears_only_what_its_patterns_match(bus):
    edit, library = Handler(), Handler()
    await bus.consume(EDIT, edit, prefetch=2)
    await bus.consume(Queue("library", bindings=("image.created.#",)), library, prefetch=2)
    await bus.publish(message("fact", key="image.created"))
    await bus.publish(message("other", key="image.edited.upscale"))
    await bus.publish(message("mine", key="image.edited.edit"))
    assert [one.message.body for one in await edit.has_seen(1)] == [b"mine"]
    assert [one.message.body for one in await library.has_seen(1)] == [b"fact"]


async def test_a_message_arrives_as_it_was_sent(bus):
    edit = Handler()
    await bus.consume(EDIT, edit, prefetch=1)
    sent = message(lane=Lane.BULK, addressed=True, headers={"x-colour": "blue"})
    await bus.publish(sent)
    [delivery] = await edit.has_seen(1)
    got = delivery.message
    assert (got.body, got.routing_key, got.message_id, got.lane) == (
        sent.body,
        sent.routing_key,
        sent.message_id,
        Lane.BULK,
    )
    assert got.headers["x-colour"] == "blue"
    assert (delivery.attempt, delivery.crashes, delivery.is_last_attempt) == (1, 0, False)


async def test_a_message_waits_for_its_consumer(bus):
    await bus.declare(EDIT)
    await bus.publish(message(addressed=True))
    edit = Handler()
    await bus.consume(EDIT, edit, prefetch=1)
    await edit.has_seen(1)


async def test_an_addressed_message_that_nobody_listens_to_is_an_error_and_a_fact_is_not(bus):
    await bus.declare(EDIT)
    await bus.publish(message(key="image.created.nobody"))
    with pytest.raises(Unavailable, match="nobody") as error:
        await bus.publish(message(key="image.created.nobody", addressed=True))
    assert error.value.rule == "bus.unroutable"


async def test_that_others_overhear_it_does_not_make_an_addressed_message_routable(bus):
    tracker = Handler()
    await bus.consume(Queue("tracker", bindings=("image.#",)), tracker, prefetch=1)
    with pytest.raises(Unavailable) as error:
        await bus.publish(message(key="image.created.edit", addressed=True))
    assert error.value.rule == "bus.unroutable"
    await bus.declare(EDIT)
    await bus.publish(message(key="image.created.edit", addressed=True))
    await tracker.has_seen(1)
    await quiet()
    assert len(tracker.seen) == 1


async def test_a_message_that_is_too_large_is_refused(bus):
    await bus.declare(EDIT)
    with pytest.raises(Refused) as error:
        await bus.publish(message("x" * 1_100_000))
    assert error.value.rule == "bus.message_too_large"


async def test_later_comes_again_and_counts_until_it_is_dead(bus):
    edit = Handler(lambda _: Later(PROBLEM))
    await bus.consume(EDIT, edit, prefetch=1)
    await bus.publish(message())
    seen = await edit.has_seen(3)
    assert [one.attempt for one in seen] == [1, 2, 3]
    assert [one.is_last_attempt for one in seen] == [False, False, True]
    assert {one.message.routing_key for one in seen} == {"image.created.edit"}

    async def is_buried():
        return bool(await bus.dead_letters("edit"))

    await until(is_buried)
    [letter] = await bus.dead_letters("edit")
    assert (letter.attempts, letter.problem.rule) == (3, "test.rule")


async def test_an_uncounted_wait_uses_up_no_attempt(bus):
    edit = Handler(lambda _: Later(PROBLEM, delay=0.01, counted=False))
    await bus.consume(EDIT, edit, prefetch=1)
    await bus.publish(message())
    seen = await edit.has_seen(5)
    assert {one.attempt for one in seen} == {1}


async def test_a_handler_that_raises_is_tried_again(bus):
    def settle(delivery):
        if delivery.attempt == 1:
            raise ValueError("once")
        return Done()

    edit = Handler(settle)
    await bus.consume(EDIT, edit, prefetch=1)
    await bus.publish(message())
    assert [one.attempt for one in await edit.has_seen(2)] == [1, 2]
    await quiet()
    assert len(edit.seen) == 2


async def test_a_dead_letter_keeps_everything_and_can_be_replayed(bus):
    edit = Handler(lambda one: Done() if len(edit.seen) > 2 else Dead(PROBLEM))
    await bus.consume(EDIT, edit, prefetch=1)
    await bus.publish(message("one", lane=Lane.BULK, headers={"x-colour": "blue"}))
    await bus.publish(message("two"))
    await edit.has_seen(2)

    async def both_are_buried():
        return len(await bus.dead_letters("edit")) == 2

    await until(both_are_buried)
    letters = {one.id: one for one in await bus.dead_letters("edit")}
    kept = letters["id-one"]
    assert (kept.message.body, kept.message.routing_key) == (b"one", "image.created.edit")
    assert (kept.message.lane, kept.message.headers["x-colour"]) == (Lane.BULK, "blue")
    assert (kept.problem, kept.attempts, kept.queue) == (PROBLEM, 1, "edit")

    assert await bus.replay("edit", ["id-one"]) == 1
    again = (await edit.has_seen(3))[2]
    assert (again.message.body, again.message.lane, again.attempt) == (b"one", Lane.BULK, 1)
    assert again.message.routing_key == "image.created.edit"
    assert [one.id for one in await bus.dead_letters("edit")] == ["id-two"]
    assert await bus.replay("edit") == 1
    assert await bus.dead_letters("edit") == []


async def test_no_more_than_the_prefetch_is_handled_at_a_time_in_a_lane(bus):
    at_a_time, most = 0, 0

    async def settle():
        nonlocal at_a_time, most
        at_a_time += 1
        most = max(most, at_a_time)
        await asyncio.sleep(0.03)
        at_a_time -= 1
        return Done()

    edit = Handler(lambda _: settle())
    await bus.declare(EDIT)
    for number in range(12):
        await bus.publish(message(str(number)))
    await bus.consume(EDIT, edit, prefetch=3)
    await edit.has_seen(12)
    assert most == 3


async def test_a_busy_bulk_lane_does_not_hold_up_the_interactive_one(bus):
    release = asyncio.Event()

    async def settle(delivery):
        if delivery.message.lane is Lane.BULK:
            await release.wait()
        return Done()

    edit = Handler(settle)
    await bus.consume(EDIT, edit, prefetch=1)
    for number in range(5):
        await bus.publish(message(f"bulk{number}", lane=Lane.BULK))
    await edit.has_seen(1)
    await bus.publish(message("quick"))
    seen = await edit.has_seen(2)
    assert seen[1].message.body == b"quick"
    release.set()
    await edit.has_seen(6)


async def test_competing_consumers_share_a_queue_and_double_nothing(bus):
    one, other = Handler(_slowly), Handler(_slowly)
    await bus.consume(EDIT, one, prefetch=1)
    await bus.consume(EDIT, other, prefetch=1)
    for number in range(20):
        await bus.publish(message(str(number)))

    async def all_seen():
        return len(one.seen) + len(other.seen) >= 20

    await until(all_seen)
    await quiet()
    bodies = [delivery.message.body for delivery in one.seen + other.seen]
    assert len(bodies) == len(set(bodies)) == 20
    assert one.seen
    assert other.seen


async def _slowly(_):
    await asyncio.sleep(0.02)
    return Done()


async def test_draining_finishes_what_has_started_and_hands_back_the_rest(bus):
    finished = []

    async def settle(delivery):
        await asyncio.sleep(0.2)
        finished.append(delivery.message.body)
        return Done()

    first = Handler(settle)
    await bus.declare(EDIT)
    for number in range(6):
        await bus.publish(message(str(number)))
    consumption = await bus.consume(EDIT, first, prefetch=2)
    await first.has_seen(1)
    await consumption.drain(grace=5)
    started = [one.message.body for one in first.seen]
    assert sorted(finished) == sorted(started)
    await quiet()
    assert len(first.seen) == len(started)

    second = Handler()
    await bus.consume(EDIT, second, prefetch=2)
    seen = await second.has_seen(6 - len(started))
    assert {one.message.body for one in seen}.isdisjoint(started)


async def test_work_that_outlasts_the_grace_is_handed_back(bus):
    first = Handler(lambda _: asyncio.sleep(60))
    consumption = await bus.consume(EDIT, first, prefetch=1)
    await bus.publish(message())
    await first.has_seen(1)
    await consumption.drain(grace=0.05)
    second = Handler()
    await bus.consume(EDIT, second, prefetch=1)
    assert (await second.has_seen(1))[0].message.body == b"hello"


async def test_the_depth_tells_what_waits_in_each_lane_and_what_is_dead(bus):
    await bus.declare(EDIT)
    await bus.publish(message("a"))
    await bus.publish(message("b", lane=Lane.BULK))
    await bus.publish(message("c", lane=Lane.BULK))

    async def is_told():
        depth = await bus.depth("edit")
        return (depth["interactive"], depth["bulk"], depth["dead"]) == (1, 2, 0)

    await until(is_told)


async def test_it_answers_a_ping(bus):
    await bus.ping()
