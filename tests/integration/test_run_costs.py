"""What a run has cost: everything that was paid, also for nothing, and each of it once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from gateway.service import Gateway
from gateway.store import RunStore
from gateway.tracker import Tracker, _logged
from studio.blobs.s3 import S3BlobStore
from studio.bus.memory import MemoryBus
from studio.endings import failure_of
from studio.events import EVENT_TYPES, Event, ImageRef, Paid
from studio.metadata import Database
from studio.money import Money
from studio.problems import Problem, Unavailable
from studio.providers import stability
from studio.providers.accounts import Account
from studio.providers.buying import Buyer
from studio.providers.call import InDoubt
from studio.providers.purchases import Purchase, Purchases, RunRef
from studio.providers.reconcile import Reconciler
from studio.providers.telling import Telling
from studio.providers.turns import Turns
from tests.simulator import RunningSimulator, running_simulator

PATIENCE = 20
IMAGE = ImageRef(blob="sha256:" + "0" * 64, bytes=1, width=8, height=8)
PROBLEM = Problem(kind="refused", rule="provider.moderated", says="It was filtered.")
CORE = Money.of("0.03")


def told(run: UUID, type_: str, cost: str, **fields: Any) -> Event:
    step = {
        "id": fields.pop("step", None) or uuid4(),
        "operation": "create.generate",
        "index": 0,
        "provider": "stability",
        "cost": {"amount": cost},
        "paid": fields.pop("paid", None),
    }
    ending = {"problem": PROBLEM, "returned": "1"} if type_ == "image.failed" else {"image": IMAGE}
    data = EVENT_TYPES[type_].model_validate(
        {"run": run, "item": uuid4(), "asset": uuid4(), "slip": {"steps": []}, "step": step}
        | ending
        | fields
    )
    return Event.of(type_, data, id_=uuid4(), source="/studio/create")


async def test_what_was_paid_for_nothing_counts_and_nothing_counts_twice(
    database: Database,
) -> None:
    store, run = RunStore(database), uuid4()
    made = told(run, "image.created", "0.03")
    filtered = told(run, "image.failed", "0.08", returned="1/2")
    later = failure_of(made, PROBLEM, by="edit", attempts=5)  # a free step after it failed
    for event in (made, filtered, later):
        await store.log(_logged(event, run))
    assert await store.cost(str(run)) == Money.of("0.11")


async def test_a_step_that_failed_as_a_whole_and_was_replayed_counts_as_what_was_paid(
    database: Database,
) -> None:
    """In whatever order it is heard. The step made three pictures at last; by then one of the two
    calls in doubt, which might have cost 0.12, had turned out to cost 0.03."""
    store, step = RunStore(database), uuid4()
    failed = {"paid": Paid(cost=Money.of("0.15"), revision=4), "step": step}
    made = {"paid": Paid(cost=Money.of("0.09"), revision=7), "step": step}
    for order in permutations(range(4)):
        run = uuid4()
        events = [told(run, "image.created", "0.03", **made) for _ in range(3)]
        events.append(told(run, "image.failed", "0.15", **failed))
        for number in order:
            await store.log(_logged(events[number], run))
        assert await store.cost(str(run)) == Money.of("0.09")


async def test_what_the_release_of_before_wrote_down_still_counts(database: Database) -> None:
    store, run = RunStore(database), uuid4()
    for event in (told(run, "image.created", "0.03"), told(run, "image.created", "0.05")):
        row = _logged(event, run)
        former = {name: value for name, value in row.items() if name not in ("cost_of", "revision")}
        await store.log(former)
    await store.log(_logged(told(run, "image.created", "0.01"), run))
    assert await store.cost(str(run)) == Money.of("0.09")


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def account(simulator: RunningSimulator) -> Account:
    simulator.reset()
    key = SecretStr(simulator.keys["stability"][0])
    return Account("stability", simulator.base["stability"], key)


@pytest.fixture
async def buyer(account: Account, database: Database, blobs: S3BlobStore) -> AsyncIterator[Buyer]:
    buyer = Buyer({"stability": account}, Purchases(database), Turns(database), blobs)
    yield buyer
    await buyer.close()


@pytest.fixture
async def bus(database: Database) -> AsyncIterator[MemoryBus]:
    """The tracker is on it."""
    bus = MemoryBus()
    tracker = Tracker(bus, RunStore(database))
    assert Gateway.queue
    await bus.consume(Gateway.queue, tracker.handle, prefetch=1)
    yield bus
    await bus.close()


async def until_it_costs(store: RunStore, run: UUID, cost: str) -> None:
    known = None
    try:
        async with asyncio.timeout(PATIENCE):
            while (known := await store.cost(str(run))) != Money.of(cost):
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"it costs {known}, and should cost {cost}") from None


async def test_a_run_costs_what_the_bill_told_once_its_doubts_are_settled(
    simulator: RunningSimulator, buyer: Buyer, account: Account, database: Database, bus: MemoryBus
) -> None:
    store, run, step = RunStore(database), uuid4(), uuid4()
    reconciler = Reconciler(account, buyer.purchases, database, buyer.client)
    telling = Telling(buyer.purchases, bus, "create")
    await reconciler.open()
    simulator.faults("stability", "html", times=1)  # no picture, and not billed
    with pytest.raises(InDoubt):
        await buyer.buy(step, stability.generate_core("a cup"), 0, run=RunRef(id=run))
    await buyer.buy(step, stability.generate_core("a cup"), 1, run=RunRef(id=run))
    known = {"step": step, "paid": await buyer.purchases.paid(step)}
    for type_ in ("image.failed", "image.created"):
        await bus.publish(told(run, type_, "0.03", returned="1/2", **known).to_message())
    await until_it_costs(store, run, "0.06")
    assert await telling.tell() == 0  # nobody knows better yet
    assert await reconciler.reconcile() == 1
    assert await telling.tell() == 1
    await until_it_costs(store, run, "0.03")
    assert simulator.bill()["total"]["USD"] == "0.03"
    assert await telling.tell() == 0


def sent(run: RunRef | None = None) -> Purchase:
    most = CORE * 3
    return Purchase(
        state="sent",
        provider="stability",
        product="create.core",
        account="stability 0",
        price=CORE,
        most=most,
        cost=most,
        since=datetime.now(UTC),
        run=run,
    )


async def in_doubt(purchases: Purchases, run: UUID, step: UUID) -> Purchase:
    doubtful = sent(RunRef(id=run, workspace="acme"))
    await purchases.begin(step, 0, doubtful)
    problem = PROBLEM.model_copy(update={"rule": "provider.in_doubt"})
    await purchases.doubt(step, 0, doubtful.ceiling, problem)
    return doubtful


async def test_what_comes_of_a_doubt_after_all_is_told_too(
    buyer: Buyer, database: Database, bus: MemoryBus
) -> None:
    """By a worker that was taken for dead, or a replay that asked for the job again."""
    store, run, step = RunStore(database), uuid4(), uuid4()
    doubtful = await in_doubt(buyer.purchases, run, step)
    known = {"step": step, "paid": await buyer.purchases.paid(step)}
    await bus.publish(told(run, "image.failed", "0.09", **known).to_message())
    await until_it_costs(store, run, "0.09")
    came = doubtful.model_copy(update={"state": "bought", "cost": CORE})
    assert await buyer.purchases.become(step, 0, came)
    assert await Telling(buyer.purchases, bus, "create").tell() == 1
    await until_it_costs(store, run, "0.03")
    billed = next(one for one in await store.heard(str(run)) if one["type"] == "workflow.billed")
    assert billed["event"]["workspace"] == "acme"


async def test_a_late_worker_that_hears_that_nothing_was_billed_settles_the_doubt_of_another(
    buyer: Buyer, database: Database, bus: MemoryBus
) -> None:
    store, run, step = RunStore(database), uuid4(), uuid4()
    await in_doubt(buyer.purchases, run, step)
    known = {"step": step, "paid": await buyer.purchases.paid(step)}
    await bus.publish(told(run, "image.failed", "0.09", **known).to_message())
    await until_it_costs(store, run, "0.09")
    await buyer.purchases.forget(step, 0)  # after a 429
    assert await Telling(buyer.purchases, bus, "create").tell() == 1
    await until_it_costs(store, run, "0")
    other = uuid4()
    await buyer.purchases.begin(other, 0, sent())
    await buyer.purchases.forget(other, 0)
    assert await buyer.purchases.paid(other) is None  # in no doubt, it may be sent again


async def test_what_came_without_a_doubt_is_told_by_its_step_and_not_once_more(
    buyer: Buyer, bus: MemoryBus
) -> None:
    step, purchases = uuid4(), buyer.purchases
    first = sent(RunRef(id=uuid4()))
    await purchases.begin(step, 0, first)
    await purchases.become(step, 0, first.model_copy(update={"state": "bought", "cost": CORE}))
    assert await Telling(purchases, bus, "create").tell() == 0
    assert await purchases.paid(step) == Paid(cost=CORE, revision=2)


async def test_a_crash_between_telling_and_remembering_it_tells_the_same_fact_again(
    buyer: Buyer, database: Database, bus: MemoryBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run, step = RunStore(database), uuid4(), uuid4()
    await in_doubt(buyer.purchases, run, step)
    [(key, _)] = await buyer.purchases.in_doubt("stability 0")
    await buyer.purchases.settle(key, CORE)
    telling = Telling(buyer.purchases, bus, "create")

    async def away(*_: Any) -> None:
        raise Unavailable(rule="test.away", says="It is away.")

    monkeypatch.setattr(buyer.purchases, "told", away)
    with pytest.raises(Unavailable):
        await telling.tell()
    await until_it_costs(store, run, "0.03")
    monkeypatch.undo()
    assert await telling.tell() == 1
    assert await telling.tell() == 0
    other = told(run, "image.created", "0.05")
    await bus.publish(other.to_message())
    await until_it_costs(store, run, "0.08")  # all that came before it has been heard
    types = [one["type"] for one in await store.heard(str(run))]
    assert types == ["workflow.billed", "image.created"]


async def test_a_purchase_whose_run_is_not_on_record_is_not_told_for_ever(
    buyer: Buyer, bus: MemoryBus
) -> None:
    step = uuid4()
    await buyer.purchases.begin(step, 0, sent())
    await buyer.purchases.doubt(step, 0, CORE, PROBLEM)
    [(key, _)] = await buyer.purchases.in_doubt("stability 0")
    await buyer.purchases.settle(key, Money.zero())
    telling = Telling(buyer.purchases, bus, "create")
    assert await telling.tell() == 1
    assert await telling.tell() == 0
