"""What steps tell of their costs, by the worker: a run counts what was really paid."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from pydantic import SecretStr

from gateway.service import Gateway
from gateway.store import RunStore
from gateway.tracker import Tracker
from services.create.operations.generate import Generate
from services.create.service import engines as create_engines
from studio.blobs.s3 import S3BlobStore
from studio.bus.base import Dead, Later
from studio.bus.memory import MemoryBus
from studio.metadata import Database
from studio.money import Money
from studio.providers.accounts import Account, ProviderSettings
from studio.providers.buying import Buyer
from studio.providers.purchases import Purchases
from studio.providers.turns import Turns
from studio.service import Ports, StudioService, running
from tests.integration.test_paid_steps import Studio, begun, opened, variations
from tests.integration.test_run_costs import until_it_costs
from tests.simulator import RunningSimulator, running_simulator

PATIENCE = 20


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningSimulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(shared: RunningSimulator) -> RunningSimulator:
    shared.reset()
    return shared


@pytest.fixture
async def bus(database: Database) -> AsyncIterator[MemoryBus]:
    """The tracker is on it."""
    bus = MemoryBus(retry_delays=(0.02, 0.05))
    tracker = Tracker(bus, RunStore(database))
    assert Gateway.queue
    await bus.consume(replace(Gateway.queue, name="costs"), tracker.handle, prefetch=1)
    yield bus
    await bus.close()


@pytest.fixture
async def studio(
    simulator: RunningSimulator, bus: MemoryBus, database: Database, blobs: S3BlobStore
) -> AsyncIterator[Studio]:
    """Draws by Stability, three cents a picture."""
    key = SecretStr(simulator.keys["stability"][0])
    account = Account("stability", simulator.base["stability"], key)
    buyer = Buyer({"stability": account}, Purchases(database), Turns(database), blobs)
    operation = Generate().with_engines(create_engines(["stability"]))
    ports = {"bus": bus, "database": database, "blobs": blobs}
    yield await opened(Studio("create", [operation], buyer, **ports))
    await buyer.close()


async def test_a_step_that_failed_as_a_whole_with_its_pictures_paid_counts_once_after_a_replay(
    simulator: RunningSimulator, studio: Studio, database: Database
) -> None:
    run, store = uuid4(), RunStore(database)
    message, _ = begun(variations(3), run=run)
    simulator.faults("stability", "503", "generate/core", after=2)
    assert isinstance(await studio.handed(message), Later)  # two are bought
    assert isinstance(await studio.handed(message, crashes=10), Dead)
    await until_it_costs(store, run, "0.06")
    await studio.until_done(message)  # the dead letter, replayed
    facts = await studio.told(4)
    async with asyncio.timeout(PATIENCE):
        while len(await store.heard(str(run))) < len(facts):
            await asyncio.sleep(0.02)
    assert await store.cost(str(run)) == Money.of("0.09")
    assert [one.type for one in facts] == ["image.failed", *["image.created"] * 3]
    assert simulator.bill()["total"]["USD"] == "0.09"


async def test_a_step_that_fails_again_with_more_paid_by_then_tells_so(
    simulator: RunningSimulator, studio: Studio, database: Database
) -> None:
    run, store = uuid4(), RunStore(database)
    message, _ = begun(variations(3), run=run)
    for bought in (1, 2):
        simulator.faults("stability", "503", "generate/core", after=1)
        assert isinstance(await studio.handed(message), Later)
        for _ in range(2):  # its message comes twice
            assert isinstance(await studio.handed(message, crashes=10), Dead)
        await until_it_costs(store, run, f"0.0{bought * 3}")
    facts = await studio.told(4)
    assert len({one.id for one in facts}) == 2
    assert simulator.bill()["total"]["USD"] == "0.06"


async def test_a_service_tells_a_run_what_its_doubts_were_settled_at(
    simulator: RunningSimulator, bus: MemoryBus, database: Database, blobs: S3BlobStore
) -> None:
    """Two calls are lost: one was billed and one was not."""
    settings = ProviderSettings(
        stability_api_key=SecretStr(simulator.keys["stability"][0]),
        stability_url=simulator.base["stability"],
        reconcile_interval=1,
    )
    run, store = uuid4(), RunStore(database)
    message, _ = begun(variations(3), run=run)
    simulator.faults("stability", "close_before_reply", "generate/core", times=1)
    simulator.faults("stability", "html", "generate/core", times=1, after=1)
    operation = Generate().with_engines(create_engines(["stability"]))
    service = StudioService("create", Ports(bus, blobs, database, settings), [operation])
    async with running(service):
        await bus.publish(message)
        await until_it_costs(store, run, "0.06")
    assert simulator.bill()["total"]["USD"] == "0.06"
    assert len(simulator.bill()["calls"]) == 2
