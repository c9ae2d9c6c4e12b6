"""The way of one item through a studio: every effect once, whatever happens to the messages."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import pytest
from PIL import Image as Pillow

from studio.bus.base import Done, Lane, Message, Queue
from studio.bus.memory import MemoryBus
from studio.events import Event, ImageCreated, ImageRef, RunCancelled, WorkflowStarted
from studio.imaging.encode import encode
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.ledger import Ledger, Outcome
from studio.money import Money, PriceRange
from studio.operation import Failure, Operation, OperationParams, Output, Work
from studio.problems import Problem, Refused, StoreAway, Unavailable
from studio.service import Ports, StudioService, running
from studio.settings import Settings
from studio.slip import Slip, Step

PATIENCE = 20


class Params(OperationParams):
    variations: int = 1


class Paint(Operation[Params]):
    """An operation that counts its calls and fails as often as it is told to."""

    name = "create.paint"
    summary = "Paint squares."
    needs_image = False

    def __init__(self) -> None:
        self.calls = 0
        self.trouble: list[Exception] = []
        self.pause = asyncio.Event()
        self.pause.set()

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        return [ImageFacts(width=8, height=8)] * params.variations

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        self.calls += 1
        await self.pause.wait()
        if self.trouble:
            raise self.trouble.pop(0)
        return [
            Output(image=Image(Pillow.new("RGB", (8, 8), (number, 0, 0))), label=f"v{number}")
            for number in range(work.params.variations)
        ]


class Lossy(Paint):
    """Makes every other output only."""

    name = "create.lossy"

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        problem = Problem(kind="refused", rule="test.lost", says="This one could not be made.")
        made = await super().run(work)
        return [Failure(problem) if i % 2 else one for i, one in enumerate(made)]


class Dear(Paint):
    """Costs four cents an image."""

    name = "create.dear"

    def price(self, image: ImageFacts | None, params: Params, provider: str) -> PriceRange:
        return PriceRange.exactly(Money.of("0.04")) * params.variations


class Studio:
    """A create studio in this process, and what it has told."""

    def __init__(self, bus: MemoryBus, database, blobs) -> None:
        self.bus, self.database, self.blobs = bus, database, blobs
        self.paint, self.lossy, self.dear = Paint(), Lossy(), Dear()
        self.told: list[Event] = []

    async def hear(self, delivery):
        self.told.append(Event.parse(delivery.message.body))
        return Done()

    async def has_told(self, count: int) -> list[Event]:
        async with asyncio.timeout(PATIENCE):
            while len(self.told) < count:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        return self.told

    async def buried(self, count: int = 1):
        async with asyncio.timeout(PATIENCE):
            while len(letters := await self.bus.dead_letters("create")) < count:
                await asyncio.sleep(0.02)
        return letters

    async def steps(self):
        return await self.database.collection("steps").find({})


@pytest.fixture
async def studio(database, blobs) -> AsyncIterator[Studio]:
    bus = MemoryBus(retry_delays=(0.02, 0.05))
    one = Studio(bus, database, blobs)
    await bus.consume(Queue("tracker", bindings=("image.#",)), one.hear, prefetch=1)
    ports = Ports(bus, blobs, database, Settings(lease=1))
    service = StudioService("create", ports, [one.paint, one.lossy, one.dear])
    async with running(service):
        yield one
    await bus.close()


def started(operation="create.paint", budget=None, rest=(), **params) -> Message:
    slip = Slip(steps=(Step(operation=operation, params=params), *rest))
    data = WorkflowStarted(run=uuid4(), item=uuid4(), slip=slip, budget=budget)
    event = Event.of("workflow.started", data, id_=uuid4(), source="/test")
    return event.to_message()


async def test_a_step_tells_one_fact_an_image_and_divides_the_share(studio):
    await studio.bus.publish(started(variations=3))
    facts = await studio.has_told(3)
    assert [fact.type for fact in facts] == ["image.created"] * 3
    assert sum(fact.data.share for fact in facts) == 1
    assert len({fact.data.item for fact in facts}) == 3
    for fact in facts:
        assert await studio.blobs.size(fact.data.image.blob) == fact.data.image.bytes


async def test_a_redelivered_message_buys_nothing_twice_and_tells_the_same(studio):
    message = started(variations=2)
    await studio.bus.publish(message)
    first = list(await studio.has_told(2))
    await studio.bus.publish(message)
    again = (await studio.has_told(4))[2:]
    assert studio.paint.calls == 1
    assert {one.id for one in first} == {one.id for one in again}
    assert {one.data.asset for one in first} == {one.data.asset for one in again}


async def test_a_message_delivered_twice_at_once_is_worked_on_once(studio):
    studio.paint.pause.clear()
    message = started()
    await studio.bus.publish(message)
    await studio.bus.publish(message)
    await asyncio.sleep(0.2)
    studio.paint.pause.set()
    first, second = await studio.has_told(2)
    assert first.id == second.id
    assert studio.paint.calls == 1
    [row] = await studio.steps()
    assert row["claims"] == 1


async def test_a_claim_whose_holder_died_is_taken_over_when_its_lease_has_run_out(studio):
    message = started()
    dead = Ledger(studio.database, lease=1)
    from studio.slip import step_id

    data = Event.parse(message.body).data
    await dead._claim(step_id(data.run, data.item, data.slip), {})
    await studio.bus.publish(message)
    [fact] = await studio.has_told(1)
    assert fact.type == "image.created"
    [row] = await studio.steps()
    assert row["claims"] == 2


async def test_of_two_workers_that_both_ended_a_step_the_first_is_believed(database):
    first, late = (Ledger(database, lease=1) for _ in range(2))
    step = uuid4()
    await first._claim(step, {})
    one, other = (Outcome(provider=name, outputs=[]) for name in ("one", "other"))
    assert await first.record(step, one) == one
    assert await late.record(step, other) == one
    assert await late.outcome(step) == one


async def test_what_may_work_later_is_tried_again(studio):
    studio.paint.trouble = [Unavailable(rule="test.away", says="Away.")]
    await studio.bus.publish(started())
    [fact] = await studio.has_told(1)
    assert fact.type == "image.created"
    assert studio.paint.calls == 2


async def test_a_store_that_is_away_for_long_ends_no_item(studio):
    attempts = 3  # two delays
    studio.paint.trouble = [StoreAway(rule="test.away", says="Away.")] * (attempts * 2)
    await studio.bus.publish(started())
    [fact] = await studio.has_told(1)
    assert fact.type == "image.created"
    assert studio.paint.calls == attempts * 2 + 1


async def test_what_is_refused_ends_the_item_with_the_reason_and_returns_its_share(studio):
    studio.paint.trouble = [Refused(rule="test.no", says="It cannot be.", fix="Do not.")]
    await studio.bus.publish(started())
    [fact] = await studio.has_told(1)
    assert fact.type == "image.failed"
    assert fact.data.returned == 1
    assert (fact.data.problem.rule, fact.data.problem.fix) == ("test.no", "Do not.")
    [letter] = await studio.buried()
    assert letter.problem.rule == "test.no"
    assert studio.paint.calls == 1


async def test_a_dead_letter_that_is_replayed_is_worked_on_again(studio):
    studio.paint.trouble = [Refused(rule="test.no", says="Not now.")]
    await studio.bus.publish(started())
    await studio.buried()
    assert await studio.bus.replay("create") == 1
    failed, made = await studio.has_told(2)
    assert (failed.type, made.type) == ("image.failed", "image.created")
    assert failed.data.item == made.data.item


async def test_an_unexpected_error_is_told_without_its_insides(studio):
    studio.paint.trouble = [ValueError("password=hunter2")] * 3
    await studio.bus.publish(started())
    [fact] = await studio.has_told(1)
    assert fact.type == "image.failed"
    assert fact.data.problem.kind == "broken"
    assert "hunter2" not in fact.model_dump_json()
    assert studio.paint.calls == 3


async def test_of_several_outputs_those_that_can_be_made_are_delivered(studio):
    await studio.bus.publish(started("create.lossy", variations=4))
    facts = await studio.has_told(4)
    assert sorted(fact.type for fact in facts) == ["image.created"] * 2 + ["image.failed"] * 2
    assert sum(fact.data.share for fact in facts) == 1
    assert all(fact.data.returned for fact in facts if fact.type == "image.failed")


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        (started("create.nothing"), "operation.unknown"),
        (started(size=3), "create.paint.params"),
    ],
)
async def test_a_step_that_cannot_be_understood_ends_its_item(studio, message, rule):
    await studio.bus.publish(message)
    [fact] = await studio.has_told(1)
    assert (fact.type, fact.data.problem.rule) == ("image.failed", rule)
    assert fact.data.problem.valid


async def test_a_malformed_message_is_kept_with_the_reason_and_the_worker_lives(studio):
    for body in (b"", b"{}", b"\xff" * 100, b'{"specversion":"9"}'):
        await studio.bus.publish(Message(body, "image.created.create", body.hex()[:9] or "none"))
    letters = await studio.buried(4)
    assert {letter.problem.rule for letter in letters} == {"event.malformed"}
    await studio.bus.publish(started())
    [fact] = await studio.has_told(1)
    assert fact.type == "image.created"


async def test_an_item_spends_no_more_than_it_may(studio):
    await studio.bus.publish(started("create.dear", Money.of("0.07"), variations=2))
    [fact] = await studio.has_told(1)
    assert (fact.type, fact.data.problem.rule) == ("image.failed", "budget.exhausted")
    assert studio.dear.calls == 0
    await studio.bus.publish(started("create.dear", Money.of("0.08"), variations=2))
    assert len(await studio.has_told(3)) == 3


async def test_what_is_free_is_done_whatever_an_item_has_spent(studio):
    overspent = Money.of("-0.01")  # a reply may tell more than the price book's maximum
    await studio.bus.publish(started(budget=overspent))
    [fact] = await studio.has_told(1)
    assert (fact.type, fact.data.budget) == ("image.created", overspent)


async def test_the_items_of_a_cancelled_run_end_without_work(studio):
    message = started()
    run = Event.parse(message.body).data.run
    off = Event.of("workflow.cancelled", RunCancelled(run=run), id_=uuid4(), source="/test")
    await studio.bus.publish(off.to_message(address="create"))
    async with asyncio.timeout(PATIENCE):
        while not await studio.database.collection("cancelled_runs").get(str(run)):
            await asyncio.sleep(0.02)
    await studio.bus.publish(message)
    [fact] = await studio.has_told(1)
    assert (fact.data.problem.kind, fact.data.returned) == ("cancelled", 1)
    assert studio.paint.calls == 0
    assert await studio.bus.dead_letters("create") == []


async def test_the_next_studio_is_addressed_and_the_lane_is_kept(studio):
    await studio.bus.declare(Queue("edit", bindings=("*.*.edit",)))
    message = started(rest=(Step(operation="edit.adjust"),))
    event = Event.parse(message.body).model_copy(update={"lane": Lane.BULK})
    await studio.bus.publish(event.to_message())
    [fact] = await studio.has_told(1)
    assert (fact.routing_key, fact.lane) == ("image.created.edit", Lane.BULK)
    assert (await studio.bus.depth("edit"))["bulk"] == 1


async def test_no_more_pixels_are_at_work_at_once_than_the_settings_say(database, blobs):
    bus, wash = MemoryBus(), Wash()
    ports = Ports(bus, blobs, database, Settings(lease=5, pixels_at_once=1_000_000, prefetch=4))
    large, small = [await blobs.put(encode(white(side))) for side in (900, 400)]
    async with running(StudioService("edit", ports, [wash])):
        for blob, side in ((large, 900), (small, 400), (small, 400)):
            await bus.publish(edited(blob, side))
        async with asyncio.timeout(PATIENCE):
            while sum(wash.done.values()) < 3:
                await asyncio.sleep(0.02)
    assert wash.most <= 1_000_000
    assert wash.done == {900: 1, 400: 2}
    await bus.close()


class Wash(Operation[Params]):
    """An operation that counts the pixels that it has at work."""

    name = "edit.wash"
    summary = "Wash."

    def __init__(self) -> None:
        self.at_work = self.most = 0
        self.done = Counter[int]()

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        return [image] if image else []

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        image = work.needed_image()
        pixels = image.width * image.height
        self.at_work += pixels
        self.most = max(self.most, self.at_work)
        await asyncio.sleep(0.2)
        self.at_work -= pixels
        self.done[image.width] += 1
        return [Output(image=image)]


def white(side: int) -> Image:
    return Image(Pillow.new("RGB", (side, side), "white"))


def edited(blob: str, side: int) -> Message:
    slip = Slip(steps=(Step(operation="edit.wash", params={}),))
    image = ImageRef(blob=blob, width=side, height=side, media_type="image/png")
    data = ImageCreated(run=uuid4(), item=uuid4(), asset=uuid4(), slip=slip, image=image)
    event = Event.of("image.created", data, id_=uuid4(), source="/test")
    return event.to_message()
