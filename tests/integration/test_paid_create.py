"""`create.generate` by each paid provider, over HTTP, against the simulator and its bill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from services.create.providers.paid import PaidGenerate
from services.create.request import Params
from services.create.service import ENGINES, create
from studio.bus.base import Done, Queue
from studio.bus.memory import MemoryBus
from studio.events import Event, WorkflowStarted
from studio.money import Money
from studio.operation import Failure, Output, Work
from studio.providers.accounts import Account, ProviderSettings
from studio.providers.buying import Buyer
from studio.providers.call import Moderated, Parked
from studio.providers.purchases import Purchases, costs
from studio.providers.turns import Turns
from studio.service import Ports, running
from studio.slip import Slip, Step
from tests.simulator import RunningSimulator, running_simulator

PATIENCE = 20
BY_PROVIDER = {one.provider: one() for one in ENGINES}
HOUSE = {"google": "gemini"}  # the simulator's name, where it is another
UNCOUNTED = {"replicate"}  # billed by the second there, by the picture in the price book
CASES = [
    ("stability", "draft"),
    ("stability", "standard"),
    ("stability", "premium"),
    ("openai", "draft"),
    ("openai", "standard"),
    ("google", "draft"),
    ("imagen", "standard"),
    ("imagen", "premium"),
    ("huggingface", "standard"),
    ("huggingface", "premium"),
    ("ideogram", "draft"),
    ("ideogram", "standard"),
    ("ideogram", "premium"),
    ("replicate", "draft"),
    ("replicate", "standard"),
    ("fal", "draft"),
    ("fal", "standard"),
]
EVERY_CASE = pytest.mark.parametrize(("name", "quality"), CASES)
EVERY = pytest.mark.parametrize("name", BY_PROVIDER)


@pytest.fixture(scope="module")
def started():
    with running_simulator(poll_s=0.0, job_s=0.05) as simulator:
        yield simulator


@pytest.fixture
def simulator(started):
    started.reset()
    return started


@dataclass
class Customer:
    """Somebody who has an account at every provider."""

    simulator: RunningSimulator
    buyers: dict[str, Buyer]

    async def work(
        self, engine: PaidGenerate, step: UUID, params: Params
    ) -> Sequence[Output | Failure]:
        """Do the step, and come back for it as the worker does."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await engine.run(self._work(engine, step, params))
                except Parked:
                    await asyncio.sleep(0.05)

    def _work(self, engine: PaidGenerate, step: UUID, params: Params) -> Work[Params]:
        buy = partial(self.buyers[engine.provider].buy, step)
        return Work(step, params, None, None, engine.provider, read_blob, buy=buy)

    def billed(self) -> Decimal:
        return sum((Decimal(one["amount"]) for one in self.simulator.bill()["calls"]), Decimal(0))


async def read_blob(key: str) -> bytes:
    raise AssertionError(key)


@pytest.fixture
async def customer(simulator, database, blobs) -> AsyncIterator[Customer]:
    buyers = {}
    for name, engine in BY_PROVIDER.items():
        house = HOUSE.get(name, name)
        url = simulator.base[house] + ("/v1beta" if engine.account == "google" else "")
        account = Account(engine.account, url, SecretStr(simulator.keys[house][0]))
        purchases, turns = Purchases(database), Turns(database)
        buyers[name] = Buyer({engine.account: account}, purchases, turns, blobs)
    yield Customer(simulator, buyers)
    for buyer in buyers.values():
        await buyer.close()


def params(**fields: object) -> Params:
    return Params.model_validate({"prompt": "a lighthouse at dusk", **fields})


def cost(made: Sequence[Output | Failure]) -> Decimal:
    return sum((one.cost for one in made), Money.zero()).amount


def agree(name: str, paid: Decimal, billed: Decimal) -> bool:
    return paid > 0 and billed > 0 if name in UNCOUNTED else paid == billed


@EVERY_CASE
async def test_pictures_come_as_they_were_forecast_and_cost_what_is_billed(customer, name, quality):
    engine = BY_PROVIDER[name]
    asked = params(
        quality=quality, width=1080, height=1350, variations=2, negative_prompt="boats", seed=3
    )
    engine.check(None, asked)
    made = await customer.work(engine, uuid4(), asked)
    assert [one.image.facts for one in made] == engine.forecast(None, asked)
    assert {one.image.source_type for one in made} == {"trainedAlgorithmicMedia"}
    assert not any("needs_review" in one.details for one in made)
    assert agree(name, cost(made), customer.billed())
    price = engine.price(None, asked, name)
    assert price.minimum.amount <= cost(made) <= price.maximum.amount


@EVERY
async def test_a_repeated_step_buys_nothing_and_makes_the_same(customer, name):
    step, asked = uuid4(), params(quality="draft", variations=2)
    first = await customer.work(BY_PROVIDER[name], step, asked)
    billed = customer.billed()
    again = await customer.work(BY_PROVIDER[name], step, asked)
    assert customer.billed() == billed > 0
    assert [(one.cost, one.details) for one in again] == [(one.cost, one.details) for one in first]
    for one, other in zip(first, again, strict=True):
        assert one.image.pixels.tobytes() == other.image.pixels.tobytes()


@EVERY
async def test_a_picture_of_the_wrong_size_is_kept_for_review(customer, simulator, name):
    simulator.faults(HOUSE.get(name, name), "wrong_size")
    [made] = await customer.work(BY_PROVIDER[name], uuid4(), params(quality="draft"))
    assert made.details["needs_review"]
    assert made.cost


@EVERY
async def test_a_filtered_prompt_fails_and_costs_what_the_documents_say(
    customer, simulator, database, name
):
    simulator.faults(HOUSE.get(name, name), "moderated")
    step = uuid4()
    with pytest.raises(Moderated):
        await customer.work(BY_PROVIDER[name], step, params(quality="draft"))
    paid = costs(await Purchases(database).of_step(step))
    is_free = name in ("stability", "openai", "ideogram")  # providers.md §4.1, §4.2, §4.5
    assert bool(paid) is not is_free


@pytest.mark.parametrize("name", ["stability", "google", "huggingface"])
async def test_a_variation_that_is_filtered_leaves_the_others(customer, simulator, name):
    simulator.faults(HOUSE.get(name, name), "moderated", after=1)
    asked = params(quality="draft", variations=3)
    first, second, third = await customer.work(BY_PROVIDER[name], uuid4(), asked)
    assert isinstance(second, Failure)
    assert (second.problem.rule, second.label) == ("provider.moderated", "variation 2")
    assert first.image.facts == third.image.facts
    assert first.cost.amount + third.cost.amount == customer.billed()


async def test_a_blurred_variation_is_paid_and_not_delivered(customer, simulator):
    simulator.faults("stability", "blurred_200", after=1)
    made = await customer.work(BY_PROVIDER["stability"], uuid4(), params(variations=3))
    assert [type(one) for one in made] == [Output, Failure, Output]
    assert made[1].cost == Money.of("0.03")
    assert cost(made) == customer.billed()


async def test_what_imagen_leaves_out_fails_alone_and_free(customer, simulator):
    simulator.faults("imagen", "moderated", variant="some")
    made = await customer.work(BY_PROVIDER["imagen"], uuid4(), params(variations=3))
    assert [type(one) for one in made] == [Output, Output, Failure]
    assert cost(made) == customer.billed()
    assert not made[2].cost


async def test_more_variations_than_a_job_makes_are_several_jobs(customer, simulator):
    made = await customer.work(BY_PROVIDER["fal"], uuid4(), params(variations=6))
    assert [one.label for one in made] == [f"variation {n}" for n in range(1, 7)]
    assert cost(made) == customer.billed() == Decimal("0.15")


class Studio:
    """The create service with an account at Stability, and what it has told."""

    def __init__(self, bus: MemoryBus) -> None:
        self.bus = bus
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


@pytest.fixture
async def studio(simulator, database, blobs) -> AsyncIterator[Studio]:
    bus = MemoryBus(retry_delays=(0.02, 0.05))
    one = Studio(bus)
    await bus.consume(Queue("tracker", bindings=("image.#",)), one.hear, prefetch=1)
    settings = ProviderSettings(
        lease=5,
        stability_api_key=SecretStr(simulator.keys["stability"][0]),
        stability_url=simulator.base["stability"],
    )
    async with running(create(Ports(bus, blobs, database, settings))):
        yield one
    await bus.close()


def ordered(**fields: object):
    step = Step(
        operation="create.generate",
        params={"prompt": "a lighthouse at dusk", **fields},
        provider="stability",
    )
    data = WorkflowStarted(run=uuid4(), item=uuid4(), slip=Slip(steps=(step,)))
    return Event.of("workflow.started", data, id_=uuid4(), source="/test").to_message()


@pytest.mark.parametrize(("kind", "lost"), [("moderated", "0"), ("blurred_200", "0.03")])
async def test_of_three_variations_the_filtered_one_fails_and_the_others_are_told_once(
    studio, simulator, kind, lost
):
    simulator.faults("stability", kind, after=1)
    message = ordered(variations=3)
    await studio.bus.publish(message)
    facts = list(await studio.has_told(3))
    assert [one.type for one in facts] == ["image.created", "image.failed", "image.created"]
    assert [one.data.step.cost for one in facts] == [
        Money.of("0.03"),
        Money.of(lost),
        Money.of("0.03"),
    ]
    assert facts[1].data.problem.rule == "provider.moderated"
    assert sum(one.data.share for one in facts) == 1
    bill = simulator.bill()["total"]["USD"]
    assert Decimal(bill) == sum(one.data.step.cost.amount for one in facts)
    await studio.bus.publish(message)
    again = (await studio.has_told(6))[3:]
    assert {one.id for one in again} == {one.id for one in facts}
    assert simulator.bill()["total"]["USD"] == bill


async def test_a_step_that_is_filtered_whole_tells_what_it_cost(studio, simulator):
    simulator.faults("stability", "blurred_200")
    await studio.bus.publish(ordered())
    [fact] = await studio.has_told(1)
    assert (fact.type, fact.data.problem.rule) == ("image.failed", "provider.moderated")
    assert fact.data.step.cost == Money.of("0.03")
