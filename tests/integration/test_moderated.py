"""A picture that a filter stopped: a failure of its own kind, and nothing more is paid for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from services.create.service import create
from services.upscale.service import upscale
from studio.bus.base import Done, Queue
from studio.bus.memory import MemoryBus
from studio.events import Event, WorkflowStarted
from studio.money import Money
from studio.problems import Moderated, Problem, StudioError
from studio.providers.accounts import ProviderSettings
from studio.providers.call import Filtered, ProviderRefused
from studio.providers.call import Moderated as ByProvider
from studio.service import Ports, running
from studio.slip import Slip, Step
from tests.simulator import RunningSimulator, running_simulator

PATIENCE = 30


@pytest.fixture
def simulator() -> Any:
    with running_simulator(poll_s=0.0, job_s=0.0, latency_s=0.0) as simulator:
        yield simulator


class Studios:
    """Create and upscale, with an account at Stability, and the facts that they tell."""

    def __init__(self, bus: MemoryBus) -> None:
        self.bus = bus
        self.told: list[Event] = []

    async def hear(self, delivery: Any) -> Done:
        self.told.append(Event.parse(delivery.message.body))
        return Done()

    async def failed(self) -> Event:
        """The failure, once it is told."""
        async with asyncio.timeout(PATIENCE):
            while not any(one.type == "image.failed" for one in self.told):
                await asyncio.sleep(0.02)
        return next(one for one in self.told if one.type == "image.failed")


@pytest.fixture
async def studios(simulator: RunningSimulator, database: Any, blobs: Any) -> AsyncIterator[Studios]:
    bus = MemoryBus(retry_delays=(0.02, 0.05))
    both = Studios(bus)
    await bus.consume(Queue("tracker", bindings=("image.#",)), both.hear, prefetch=1)
    settings = ProviderSettings(
        stability_api_key=SecretStr(simulator.keys["stability"][0]),
        stability_url=simulator.base["stability"],
    )
    ports = Ports(bus, blobs, database, settings)
    async with running(create(ports)), running(upscale(ports)):
        yield both
    await bus.close()


def ordered() -> Any:
    """A picture by Ultra, then four times as large: two paid steps."""
    steps = (
        Step(
            operation="create.generate",
            params={"prompt": "a lighthouse at dusk", "quality": "premium"},
            provider="stability",
        ),
        Step(operation="upscale.fast", params={"factor": 4}, provider="stability"),
    )
    data = WorkflowStarted(run=uuid4(), item=uuid4(), slip=Slip(steps=steps))
    return Event.of("workflow.started", data, id_=uuid4(), source="/test").to_message()


@pytest.mark.parametrize(("fault", "cost"), [("moderated", "0"), ("blurred_200", "0.08")])
async def test_it_ends_the_item_before_the_next_paid_step_and_costs_what_is_billed(
    studios: Studios, simulator: RunningSimulator, fault: str, cost: str
) -> None:
    simulator.faults("stability", fault)
    await studios.bus.publish(ordered())
    fact = await studios.failed()
    problem = fact.data.problem
    assert (problem.kind, problem.rule) == ("moderated", "provider.moderated")
    assert problem.fix
    paid = fact.data.step.cost if fact.data.step else Money.zero()
    assert paid == Money.of(cost)
    assert [one.type for one in studios.told] == ["image.failed"]
    assert not any("upscale" in one["endpoint"] for one in simulator.bill()["calls"])
    assert simulator.bill()["total"].get("USD", "0") == cost


def test_its_kind_survives_the_wire_and_being_told_again() -> None:
    told = ByProvider(provider="stability", says="blurred", billed="yes").as_problem()
    assert told.kind == "moderated"
    assert isinstance(StudioError.from_problem(told), Moderated)
    again = ProviderRefused.as_before(told, Money.of("0.03"))
    assert isinstance(again, Filtered)
    assert again.billed == "yes"
    assert again.as_problem() == told


def test_it_is_an_unprocessable_request_over_http() -> None:
    body = Problem(kind="moderated", rule="provider.moderated", says="No.", status=422)
    assert body.as_rfc9457()["title"] == "moderated"
    assert Moderated.status == 422
