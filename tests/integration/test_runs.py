"""Runs: what is written down is published, whatever happens in between."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from gateway.runs import Runs
from gateway.settings import GatewaySettings
from gateway.store import RunStore
from gateway.studios import Studios
from studio.bus.base import Done, Queue
from studio.bus.memory import MemoryBus
from studio.events import Event, WorkflowStarted
from studio.slip import Slip, Step

AT_ONCE = timedelta(0)


@pytest.fixture
def heard():
    """The ids of the events that the studio of the first step heard."""
    return asyncio.Queue()


@pytest.fixture
async def bus(heard):
    """A bus with that studio on it."""
    one = MemoryBus()

    async def handle(delivery):
        heard.put_nowait(json.loads(delivery.message.body)["id"])
        return Done()

    await one.consume(Queue("create", bindings=("*.*.create",)), handle, prefetch=1)
    yield one
    await one.close()


@pytest.fixture
async def runs(bus, blobs, database):
    studios = Studios(GatewaySettings())
    yield Runs(bus, blobs, database, RunStore(database), studios)
    await studios.close()


async def written_down(database, age: timedelta, items: int = 1) -> tuple[str, Event]:
    """A run as a gateway leaves it that is killed before it publishes; its first event."""
    run = uuid4()
    events = [beginning(run, items) for _ in range(items)]
    row = {
        "_id": str(run),
        "workspace": "default",
        "status": "running",
        "created_at": datetime.now(UTC) - age,
    }
    told = [event.model_dump(mode="json", exclude_none=True) for event in events]
    assert await RunStore(database).begin(row, told)
    return str(run), events[0]


def beginning(run: UUID, items: int) -> Event:
    step = Step(operation="create.generate", params={"prompt": "calm sea"})
    return Event.of(
        "workflow.started",
        WorkflowStarted(
            run=run, item=uuid4(), asset=uuid4(), share=f"1/{items}", slip=Slip(steps=(step,)),
        ),
        id_=uuid4(),
        source="/studio/gateway",
        subject=str(run),
        workspace="default",
    )  # fmt: skip


async def test_what_a_crash_kept_from_being_published_is_published_once(runs, heard, database):
    _, event = await written_down(database, age=timedelta(seconds=10))
    assert await runs.publish_unpublished(older_than=timedelta(seconds=5)) == 1
    assert await runs.publish_unpublished(older_than=AT_ONCE) == 0
    assert await asyncio.wait_for(heard.get(), 30) == str(event.id)
    assert heard.empty()


async def test_a_run_of_many_begins_with_all_of_them(runs, heard, database):
    run, _ = await written_down(database, age=timedelta(seconds=10), items=120)
    assert await runs.publish_unpublished(older_than=AT_ONCE) == 1
    got = {await asyncio.wait_for(heard.get(), 30) for _ in range(120)}
    assert len(got) == 120
    rows = database.collection("runs")
    assert (await rows.get(run))["published"]


async def test_a_beginning_that_is_written_again_is_still_one(database):
    run, _ = await written_down(database, age=AT_ONCE)
    store = RunStore(database)
    row = await store.get(run)
    [event] = [one async for one in store.beginnings(run)]
    assert not await store.begin(row, [event])
    assert len([one async for one in store.beginnings(run)]) == 1


async def test_a_run_that_is_just_being_begun_is_left_to_its_request(runs, database):
    await written_down(database, age=AT_ONCE)
    assert await runs.publish_unpublished(older_than=timedelta(seconds=60)) == 0


async def test_a_run_that_has_ended_is_not_begun_again(runs, database):
    run, _ = await written_down(database, age=timedelta(seconds=10))
    await RunStore(database).change_status(run, "cancelled", among=("running",))
    assert await runs.publish_unpublished(older_than=AT_ONCE) == 0
