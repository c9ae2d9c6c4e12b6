"""Steps that are bought: what is delivered, told and asked again, by the worker."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image as Pillow
from pydantic import SecretStr

from gateway.store import RunStore
from gateway.tracker import _logged
from services.create.operations.generate import Generate
from services.create.service import engines as create_engines
from services.upscale.service import operations as upscale_operations
from studio.blobs.s3 import S3BlobStore
from studio.bus.base import Dead, Delivery, Done, Later, Message, Queue, Settlement
from studio.bus.memory import MemoryBus
from studio.events import Event, ImageCreated, ImageRef, RunCancelled, WorkflowStarted
from studio.findings import Findings
from studio.imaging.encode import encode
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.ledger import Ledger
from studio.metadata import Database
from studio.money import Money
from studio.problems import Refused
from studio.providers.accounts import Account
from studio.providers.buying import Buyer
from studio.providers.limits import product_limits
from studio.providers.prices import price_book
from studio.providers.purchases import Purchase, Purchases
from studio.providers.turns import Turns
from studio.slip import Slip, Step, step_id
from studio.worker import Worker
from tests.integration.test_fallbacks import PRICE, Buy, Params, Seller
from tests.servers.shop import Shop, open_shop
from tests.simulator import RunningSimulator, running_simulator

PATIENCE = 20
CENTS = Money.of("0.03")
OPENAI = Step(operation="create.buy", provider="openai")


class Picky(Seller):
    """Refuses by a limit, once it is told to."""

    is_picky = False

    def check(self, image: ImageFacts | None, params: Params) -> None:
        if self.is_picky:
            raise Refused(rule="test.limit", says="The limits have changed.")


class Counting(S3BlobStore):
    """Says how often each blob was read."""

    def __init__(self, blobs: S3BlobStore) -> None:
        self._blobs, self.read = blobs, Counter[str]()

    async def get(self, key: str) -> bytes:
        self.read[key] += 1
        return await self._blobs.get(key)

    async def put(self, data: bytes) -> str:
        return await self._blobs.put(data)


class Studio:
    """A worker, the messages that it is handed, and what it tells."""

    def __init__(self, name: str, operations: Sequence[Any], buyer: Buyer, **ports: Any) -> None:
        self.bus, database, blobs = ports["bus"], ports["database"], ports["blobs"]
        self.buyer, self.heard = buyer, asyncio.Queue[Event]()
        self._worker = Worker(
            name, operations, self.bus, blobs, Ledger(database, 5), Findings(database), buyer
        )

    async def hear(self, delivery: Delivery) -> Done:
        await self.heard.put(Event.parse(delivery.message.body))
        return Done()

    async def handed(self, message: Message, **how: Any) -> Settlement:
        return await self._worker.handle(Delivery(message, **how))

    async def until_done(self, message: Message) -> None:
        async with asyncio.timeout(PATIENCE):
            while not isinstance(await self.handed(message), Done):
                await asyncio.sleep(0.05)

    async def told(self, count: int = 1) -> list[Event]:
        async with asyncio.timeout(PATIENCE):
            return [await self.heard.get() for _ in range(count)]

    async def purchases(self, step: UUID) -> list[Purchase]:
        return await self.buyer.purchases.of_step(step)


@pytest.fixture
async def bus() -> AsyncIterator[MemoryBus]:
    bus = MemoryBus()
    yield bus
    await bus.close()


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as open_:
        yield open_


@pytest.fixture
def seller() -> Picky:
    return Picky("openai", "/job")


async def opened(studio: Studio) -> Studio:
    queue = Queue("tracker", bindings=("image.#",))
    await studio.bus.consume(queue, studio.hear, prefetch=1)
    return studio


@pytest.fixture
async def studio(
    bus: MemoryBus, shop: Shop, seller: Picky, database: Database, blobs: S3BlobStore
) -> AsyncIterator[Studio]:
    """Buys from the shop, where a job takes two questions."""
    accounts = {"openai": Account("openai", shop.url, SecretStr("sk-one"))}
    buyer = Buyer(accounts, Purchases(database), Turns(database), blobs)
    operation = Buy().with_engines([seller])
    yield await opened(
        Studio("create", [operation], buyer, bus=bus, database=database, blobs=blobs)
    )
    await buyer.close()


def begun(step: Step, budget: Money | None = None, run: UUID | None = None) -> tuple[Message, UUID]:
    """The message that a run begins with, and the id of its step."""
    slip = Slip(steps=(step,))
    data = WorkflowStarted(run=run or uuid4(), item=uuid4(), slip=slip, budget=budget)
    assert data.run is not None
    assert data.item is not None
    event = Event.of("workflow.started", data, id_=uuid4(), source="/test")
    return event.to_message(), step_id(data.run, data.item, slip)


def cancelled(run: UUID) -> Message:
    data = RunCancelled(run=run)
    off = Event.of("workflow.cancelled", data, id_=uuid4(), source="/test")
    return off.to_message(address="create")


async def cost_of(database: Database, run: UUID, facts: Sequence[Event]) -> Money:
    """Of a run, as the tracker adds it up."""
    store = RunStore(database)
    for fact in facts:
        await store.log(_logged(fact, run))
    return await store.cost(str(run))


async def test_what_is_bought_is_not_refused_by_limits_that_changed_meanwhile(
    studio: Studio, seller: Picky, shop: Shop
) -> None:
    message, _ = begun(OPENAI)
    assert isinstance(await studio.handed(message), Later)
    seller.is_picky = True
    await studio.until_done(message)
    [fact] = await studio.told()
    assert fact.type == "image.created"
    assert shop.billed == {"/job": 1}


async def test_what_is_bought_is_not_refused_by_a_price_that_rose_meanwhile(
    studio: Studio, seller: Picky, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, _ = begun(OPENAI, budget=PRICE)
    assert isinstance(await studio.handed(message), Later)
    dear = await asyncio.to_thread(lambda: seller.price(None, Params(), "openai") * 3)
    monkeypatch.setattr(seller, "price", lambda *_: dear)
    await studio.until_done(message)
    [fact] = await studio.told()
    assert fact.type == "image.created"


async def test_what_is_not_bought_yet_is_held_to_limits_and_budget(
    studio: Studio, seller: Picky, shop: Shop
) -> None:
    poor, _ = begun(OPENAI, budget=Money.of("0.01"))
    assert isinstance(await studio.handed(poor), Dead)
    seller.is_picky = True
    message, _ = begun(OPENAI)
    assert isinstance(await studio.handed(message), Dead)
    rules = [fact.data.problem.rule for fact in await studio.told(2)]
    assert rules == ["budget.exhausted", "test.limit"]
    assert shop.asked.total() == 0


async def test_a_cancelled_item_whose_job_was_ordered_tells_what_it_cost(
    studio: Studio, database: Database
) -> None:
    run = uuid4()
    message, step = begun(OPENAI, run=run)
    assert isinstance(await studio.handed(message), Later)
    await studio.handed(cancelled(run))
    for _ in range(2):  # also if it comes twice
        assert isinstance(await studio.handed(message), Done)
    facts = await studio.told(2)
    assert {one.data.problem.kind for one in facts} == {"cancelled"}
    [purchase] = await studio.purchases(step)
    assert purchase.state == "in_doubt"
    assert facts[0].data.step.cost == purchase.cost == purchase.ceiling
    assert (facts[0].data.step.id, facts[0].data.step.provider) == (step, "openai")
    assert await cost_of(database, run, facts) == purchase.cost
    assert facts[0].data.returned == 1


async def test_a_cancelled_item_that_bought_nothing_tells_no_cost(studio: Studio) -> None:
    run = uuid4()
    message, _ = begun(OPENAI, run=run)
    await studio.handed(cancelled(run))
    assert isinstance(await studio.handed(message), Done)
    [fact] = await studio.told()
    assert fact.data.step is None


async def test_a_step_that_keeps_killing_its_worker_tells_what_it_cost(studio: Studio) -> None:
    message, step = begun(OPENAI)
    assert isinstance(await studio.handed(message), Later)
    assert isinstance(await studio.handed(message, crashes=10), Dead)
    [fact] = await studio.told()
    [purchase] = await studio.purchases(step)
    assert fact.data.problem.rule == "step.crashes"
    assert fact.data.step.cost == purchase.cost
    assert purchase.cost


async def test_a_job_that_nobody_tells_of_ends_the_item_and_a_replay_fetches_it(
    studio: Studio, shop: Shop, database: Database
) -> None:
    run = uuid4()
    message, step = begun(OPENAI, run=run)
    assert isinstance(await studio.handed(message), Later)
    shop.is_locked = True
    assert isinstance(await studio.handed(message, is_last_attempt=True), Dead)
    [purchase] = await studio.purchases(step)
    [failed] = await studio.told()
    assert failed.data.step.cost == purchase.cost == purchase.ceiling
    shop.is_locked = False
    await studio.until_done(message)  # as a dead letter that is replayed
    [made] = await studio.told()
    assert made.type == "image.created"
    assert shop.billed == {"/job": 1}
    assert made.data.asset == failed.data.asset
    assert made.data.step.cost < failed.data.step.cost
    for facts in ([failed, made], [made, failed]):  # told twice, and the later one holds
        assert await cost_of(database, run, facts) == made.data.step.cost


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSimulator]:
    with running_simulator(poll_s=0.0, job_s=0.5) as simulator:
        yield simulator


@pytest.fixture
def simulator(running: RunningSimulator) -> RunningSimulator:
    running.reset()
    return running


@pytest.fixture
async def stability(
    simulator: RunningSimulator, database: Database, blobs: S3BlobStore
) -> AsyncIterator[Buyer]:
    key = SecretStr(simulator.keys["stability"][0])
    account = Account("stability", simulator.base["stability"], key)
    buyer = Buyer({"stability": account}, Purchases(database), Turns(database), blobs)
    yield buyer
    await buyer.close()


def variations(count: int) -> Step:
    params = {"prompt": "a lighthouse at dusk", "variations": count}
    return Step(operation="create.generate", provider="stability", params=params)


@pytest.mark.parametrize("lost", ["first", "last"])
async def test_on_the_last_attempt_what_was_bought_is_delivered_and_the_rest_fails(
    simulator: RunningSimulator,
    stability: Buyer,
    bus: MemoryBus,
    database: Database,
    blobs: S3BlobStore,
    lost: str,
) -> None:
    operation = Generate().with_engines(create_engines(["stability"]))
    ports = {"bus": bus, "database": database, "blobs": blobs}
    studio = await opened(Studio("create", [operation], stability, **ports))
    message, step = begun(variations(3), budget=Money.of("1"))
    simulator.faults("stability", "503", after=0 if lost == "first" else 2)
    assert isinstance(await studio.handed(message), Later)
    simulator.faults("stability", "503")
    assert isinstance(await studio.handed(message, is_last_attempt=True), Done)
    facts = sorted(await studio.told(3), key=lambda one: one.data.step.label)
    failed = facts.pop(0 if lost == "first" else 2)
    assert [one.type for one in facts] == ["image.created"] * 2
    assert [one.data.step.cost for one in facts] == [CENTS] * 2
    assert (failed.type, failed.data.problem.rule) == ("image.failed", "provider.away")
    assert failed.data.step.cost == Money.zero()
    assert sum(one.data.share for one in [*facts, failed]) == 1
    assert sum(one.data.budget.amount for one in [*facts, failed]) == Money.of("0.94").amount
    assert simulator.bill()["total"]["USD"] == "0.06"
    assert len(await studio.purchases(step)) == 2


async def test_a_provider_that_was_away_all_the_time_ends_the_item_without_cost(
    simulator: RunningSimulator,
    stability: Buyer,
    bus: MemoryBus,
    database: Database,
    blobs: S3BlobStore,
) -> None:
    operation = Generate().with_engines(create_engines(["stability"]))
    ports = {"bus": bus, "database": database, "blobs": blobs}
    studio = await opened(Studio("create", [operation], stability, **ports))
    message, _ = begun(variations(2))
    simulator.faults("stability", "503", times=2)
    assert isinstance(await studio.handed(message, is_last_attempt=True), Dead)
    [fact] = await studio.told()
    assert fact.data.problem.rule == "provider.away"
    assert fact.data.step is None


async def test_a_job_is_asked_for_without_touching_the_picture(
    simulator: RunningSimulator,
    stability: Buyer,
    bus: MemoryBus,
    database: Database,
    blobs: S3BlobStore,
) -> None:
    counting = Counting(blobs)
    ports = {"bus": bus, "database": database, "blobs": counting}
    studio = await opened(Studio("upscale", upscale_operations(["stability"]), stability, **ports))
    picture = Image(Pillow.linear_gradient("L").resize((96, 64)).convert("RGB"))
    data, facts = encode(picture), picture.facts
    blob = await blobs.put(data)
    image = ImageRef(blob=blob, bytes=len(data), **facts.model_dump())
    step = Step(operation="upscale.creative", provider="stability", params={"factor": 2})
    item = ImageCreated(
        run=uuid4(), item=uuid4(), asset=uuid4(), image=image, slip=Slip(steps=(step,))
    )
    message = Event.of("image.created", item, id_=uuid4(), source="/test").to_message()
    assert isinstance(await studio.handed(message), Later)
    assert counting.read[blob] == 1  # to order it
    polls = [await studio.handed(message) for _ in range(3)]
    assert all(isinstance(one, Later) for one in polls)
    assert counting.read[blob] == 1
    await studio.until_done(message)
    [fact] = await studio.told()
    assert fact.type == "image.upscaled"
    assert fact.data.image.width == 192
    assert counting.read[blob] == 2  # to finish it
    assert len(simulator.bill()["calls"]) == 1


async def test_a_step_whose_seller_has_no_key_any_more_ends_and_tells_what_it_cost(
    studio: Studio, seller: Picky, shop: Shop, database: Database, blobs: S3BlobStore
) -> None:
    """The fallback has sold a part; then its key is taken away."""
    step = Step(operation="create.buy", provider="google", fallbacks=("openai",))
    accounts = {
        "google": Account("google", shop.url, SecretStr("sk-two")),
        **studio.buyer.accounts,
    }
    buyer = Buyer(accounts, studio.buyer.purchases, Turns(database), blobs)
    ports = {"bus": studio.bus, "database": database, "blobs": blobs}
    google = Seller("google", "/busy")
    both = Studio("create", [Buy().with_engines([google, seller])], buyer, **ports)
    without = Studio("create", [Buy().with_engines([google])], buyer, **ports)
    shop.busy = 1
    message, id_ = begun(step)
    assert isinstance(await both.handed(message), Later)
    assert shop.billed == {"/job": 1}
    assert isinstance(await without.handed(message), Dead)
    [failed] = await studio.told()
    [purchase] = await both.purchases(id_)
    assert failed.data.problem.rule == "provider.no_key"
    assert "openai was paid" in failed.data.problem.says
    assert failed.data.step.cost == purchase.cost == purchase.ceiling
    await both.until_done(message)  # its key is back, and the dead letter replayed
    [made] = await studio.told()
    assert made.type == "image.created"
    assert shop.billed == {"/job": 1}
    await buyer.close()


@pytest.fixture
def drawing(stability: Buyer, bus: MemoryBus, database: Database, blobs: S3BlobStore) -> Studio:
    operation = Generate().with_engines(create_engines(["stability"]))
    return Studio("create", [operation], stability, bus=bus, database=database, blobs=blobs)


def limited(monkeypatch: pytest.MonkeyPatch, max_images: int) -> None:
    """As a deploy would: from now on a call makes so many pictures."""
    monkeypatch.setattr(
        "services.create.providers.paid.product_limits",
        lambda *of: product_limits(*of).model_copy(update={"max_images": max_images}),
    )


async def test_limits_that_change_in_the_middle_of_a_step_neither_drop_nor_repeat_a_picture(
    simulator: RunningSimulator, drawing: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = await opened(drawing)
    message, step = begun(variations(3))
    simulator.faults("stability", "503", after=2)
    assert isinstance(await studio.handed(message), Later)
    assert [one.images for one in await studio.purchases(step)] == [1, 1]
    limited(monkeypatch, 3)
    await studio.until_done(message)
    facts = await studio.told(3)
    assert {one.type for one in facts} == {"image.created"}
    assert {one.data.step.label for one in facts} == {f"variation {n}" for n in (1, 2, 3)}
    assert len({one.data.image.blob for one in facts}) == 3
    assert len(simulator.bill()["calls"]) == 3


async def test_what_is_unsent_when_prices_rise_is_held_to_the_budget(
    simulator: RunningSimulator, drawing: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = await opened(drawing)
    message, _ = begun(variations(3), budget=CENTS * 3)
    simulator.faults("stability", "503", after=2)
    assert isinstance(await studio.handed(message), Later)
    monkeypatch.setattr(type(price_book()), "most", lambda *_: CENTS * 2)
    await studio.until_done(message)
    facts = sorted(await studio.told(3), key=lambda one: one.data.step.label)
    assert [one.type for one in facts] == ["image.created", "image.created", "image.failed"]
    assert facts[2].data.problem.rule == "budget.exhausted"
    assert len(simulator.bill()["calls"]) == 2


async def test_what_is_bought_is_delivered_although_a_call_before_it_is_refused_for_its_account(
    simulator: RunningSimulator, drawing: Studio, stability: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = await opened(drawing)
    message, step = begun(variations(3))
    simulator.faults("stability", "503", after=2)
    assert isinstance(await studio.handed(message), Later)
    await stability.purchases.forget(step, 0)
    right = stability.accounts["stability"]
    monkeypatch.setitem(stability.accounts, "stability", replace(right, key=SecretStr("sk-wrong")))
    await studio.until_done(message)
    facts = sorted(await studio.told(3), key=lambda one: one.data.step.label)
    assert [one.type for one in facts] == ["image.failed", "image.created", "image.failed"]
    assert {facts[n].data.problem.rule for n in (0, 2)} == {"provider.key"}
