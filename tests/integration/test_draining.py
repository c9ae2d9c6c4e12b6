"""Draining: readiness off, no more work, hand back, finish what runs, and only then close."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import httpx
import pytest

from cli.client import Client
from gateway.service import gateway
from gateway.settings import GatewaySettings
from gateway.store import RunStore
from studio.bus import consuming
from studio.bus.base import Delivery, Done, Lane, Message, Queue, Settlement
from studio.bus.consuming import QueueConsumer
from studio.bus.memory import MemoryBus
from studio.bus.rabbit import RabbitBus
from studio.metadata import Database
from studio.service import Ports, Service, running
from studio.settings import Settings
from tests.e2e.conftest import environment  # noqa: F401
from tests.e2e.processes import MODULES, free_port
from tests.integration.one_service import OneService

PATIENCE = 60


def message(text: str) -> Message:
    return Message(text.encode(), "image.created.edit", text, Lane.INTERACTIVE, addressed=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


class Slow(Service):
    """A service whose work takes as long as the test wants."""

    name = "edit"
    queue = Queue("edit", bindings=("*.*.edit",))

    def __init__(self, ports: Ports) -> None:
        super().__init__(ports)
        self.begun: list[str] = []
        self.finished: list[str] = []
        self.may_finish = asyncio.Event()

    async def handle(self, delivery: Delivery) -> Settlement:
        text = delivery.message.body.decode()
        self.begun.append(text)
        await self.may_finish.wait()
        self.finished.append(text)
        return Done()


@pytest.fixture
async def replica(broker_url, unique, blobs, database) -> AsyncIterator[Callable[..., Slow]]:
    """Makes services that share a queue on a real broker."""
    buses: list[RabbitBus] = []

    def one(**settings) -> Slow:
        buses.append(RabbitBus(broker_url, prefix=unique))
        return Slow(Ports(buses[-1], blobs, database, Settings(prefetch=1, **settings)))

    yield one
    for bus in buses:
        await bus.close()


class Draining:
    """A running service that is told to end and goes on to finish."""

    def __init__(self, service: Service) -> None:
        self._leave, self._service = asyncio.Event(), service
        self._address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.done = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with running(self._service) as addresses:
            self._address.set_result(f"http://{addresses.http}")
            await self._leave.wait()

    async def url(self) -> str:
        return await self._address

    def begin(self) -> None:
        self._leave.set()


async def answers(url: str, status: int) -> httpx.Response:
    async with httpx.AsyncClient() as http, asyncio.timeout(PATIENCE):
        while True:
            answer = await http.get(url)
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.02)


async def test_what_runs_is_finished_and_what_has_not_begun_goes_to_another_replica(replica):
    first, second = replica(), replica()
    old = Draining(first)
    url = await old.url()
    await answers(f"{url}/readyz", 200)
    bus = first.ports.bus
    await bus.publish(message("running"))
    await until(lambda: first.begun == ["running"])

    old.begin()
    told = (await answers(f"{url}/readyz", 503)).json()
    assert told["problems"] == {"service": "It is draining and takes no more work."}
    scraped = (await answers(f"{url}/metrics", 200)).text
    assert 'studio_consuming{service="edit"} 0.0' in scraped
    for text in ("next", "one after"):
        await bus.publish(message(text))
    new = Draining(second)
    await new.url()
    second.may_finish.set()
    await until(lambda: second.finished == ["next", "one after"])
    assert (await answers(f"{url}/readyz", 503)).status_code == 503  # answered while it drains

    first.may_finish.set()
    await asyncio.wait_for(old.done, PATIENCE)
    new.begin()
    await asyncio.wait_for(new.done, PATIENCE)
    assert (first.finished, second.finished) == (["running"], ["next", "one after"])


async def test_what_is_not_finished_within_the_grace_is_handed_back(replica):
    first, second = replica(drain_grace=0.2), replica()
    old = Draining(first)
    await old.url()
    await first.ports.bus.publish(message("long"))
    await until(lambda: first.begun == ["long"])
    old.begin()
    await asyncio.wait_for(old.done, PATIENCE)
    assert first.finished == []
    second.may_finish.set()
    async with running(second):
        await until(lambda: second.finished == ["long"])


async def test_a_delivery_that_comes_in_a_drain_is_handed_back_at_once(replica):
    first, second = replica(), replica()
    bus = first.ports.bus
    consumption = await bus.consume(first.queue, first.handle, prefetch=1)
    await bus.publish(message("running"))
    await until(lambda: first.begun == ["running"])
    draining = asyncio.create_task(consumption.drain(PATIENCE))
    await asyncio.sleep(0)
    lane = consumption._lanes[Lane.INTERACTIVE]
    await bus.publish(message("late"))

    other = RabbitBus(bus.url, prefix=bus.names.prefix)
    taken = []

    async def take(incoming):
        taken.append(incoming.body)
        await consumption._take(Lane.INTERACTIVE, incoming)

    async with other._channel() as channel:  # as a broker that sends what it had under way
        queue = await channel.get_queue(lane.name)
        await take(await queue.get())
        await bus_has(second, ["late"])
    await other.close()
    assert taken == [b"late"]
    assert first.begun == ["running"]
    first.may_finish.set()
    await asyncio.wait_for(draining, PATIENCE)


async def test_what_comes_while_the_broker_is_told_to_send_no_more_loses_one_life_at_most(
    replica, monkeypatch
):
    monkeypatch.setattr(consuming, "CLOSE_SECONDS", PATIENCE)
    first, second = replica(), replica()
    bus = first.ports.bus
    consumption = await bus.consume(first.queue, first.handle, prefetch=2)  # one slot stays free
    await bus.publish(message("running"))
    await until(lambda: first.begun == ["running"])
    held = Held(consumption)
    draining = asyncio.create_task(consumption.drain(10 * PATIENCE))
    await asyncio.wait_for(held.asked.wait(), PATIENCE)
    await bus.publish(message("late"))
    async with asyncio.timeout(PATIENCE):
        while (await bus.depth("edit"))[Lane.INTERACTIVE]:  # until the broker has sent it
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)  # for whoever hands it back and gets it again, until it is dead
    held.may_go_on.set()
    assert await bus.dead_letters("edit") == []

    crashes: list[int] = []

    async def handle(delivery: Delivery) -> Settlement:
        assert delivery.message.body == b"late"
        crashes.append(delivery.crashes)
        return Done()

    other = await second.ports.bus.consume(second.queue, handle, prefetch=1)
    await until(lambda: bool(crashes))
    assert len(crashes) == 1
    assert crashes[0] <= 1
    assert first.begun == ["running"]
    first.may_finish.set()
    await asyncio.wait_for(draining, PATIENCE)
    await other.drain(1)


class Held:
    """Holds a drain up where it waits: for its tasks, and for the broker."""

    def __init__(self, consumption: QueueConsumer) -> None:
        self.asked, self.may_go_on = asyncio.Event(), asyncio.Event()
        lane = consumption._lanes[Lane.INTERACTIVE]
        consumption._tasks.stop = self._after(consumption._tasks.stop)
        lane._cancel = self._after(lane._cancel)

    def _after(self, does: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[object]]:
        async def later() -> object:
            self.asked.set()
            await self.may_go_on.wait()
            return await does()

        return later


async def bus_has(replica_: Slow, texts: list[str]) -> None:
    """A replica is given exactly these."""
    replica_.may_finish.set()
    consumption = await replica_.ports.bus.consume(replica_.queue, replica_.handle, prefetch=1)
    await until(lambda: replica_.finished == texts)
    await consumption.drain(1)


class HeldStore:
    """Holds back the answer to one request of the gateway."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        answer = RunStore.latest

        async def latest(store, *args, **kwargs):
            self.asked.set()
            await self.may_answer.wait()
            return await answer(store, *args, **kwargs)

        monkeypatch.setattr(RunStore, "latest", latest)


@pytest.fixture
async def front(blobs, database) -> AsyncIterator[Callable[..., Draining]]:
    """Makes a gateway."""
    bus = MemoryBus()
    yield lambda **settings: Draining(
        gateway(Ports(bus, blobs, database, GatewaySettings(**settings)))
    )
    await bus.close()


async def test_a_gateway_finishes_its_requests_and_closes_no_connection_under_them(
    front, monkeypatch
):
    held, one = HeldStore(monkeypatch), front()
    url = await one.url()
    async with httpx.AsyncClient() as http:
        asking = asyncio.create_task(http.get(f"{url}/v1/runs"))
        await asyncio.wait_for(held.asked.wait(), PATIENCE)
        one.begin()
        await answers_nobody(url)
        held.may_answer.set()
        assert (await asyncio.wait_for(asking, PATIENCE)).json() == {
            "runs": [],
            "next_cursor": None,
        }
        await asyncio.wait_for(one.done, PATIENCE)


async def test_a_gateway_goes_on_to_answer_until_it_is_forgotten(front):
    one = front(drain_delay=60, drain_grace=60)
    url = await one.url()
    one.begin()
    await answers(f"{url}/readyz", 503)
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{url}/v1/runs")).status_code == 200
    one.done.cancel()  # enough of that
    await asyncio.wait({one.done})


async def test_a_gateway_ends_the_streams_of_those_who_follow_runs(front, database: Database):
    await RunStore(database).add(
        {"_id": "run-1", "workspace": "default", "status": "running", "created_at": None}
    )
    one = front()
    url = await one.url()
    async with (
        httpx.AsyncClient(timeout=PATIENCE) as http,
        http.stream("GET", f"{url}/v1/runs/run-1/events") as stream,
    ):
        assert stream.status_code == 200
        one.begin()
        assert [line async for line in stream.aiter_lines() if line.startswith("data")] == []
    await asyncio.wait_for(one.done, PATIENCE)


async def test_who_follows_a_run_is_told_its_end_by_the_next_gateway(front, database: Database):
    store, port = RunStore(database), free_port()
    began = {"status": "running", "created_at": datetime.now(UTC), "origin": "api"}
    await store.add({"_id": "run-1", "workspace": "default", **began})
    first = front(http_port=port)
    with Client(await first.url()) as client:
        following = asyncio.create_task(asyncio.to_thread(list, client.events("run-1")))
        await asyncio.sleep(0.5)  # until the stream is open; the next gateway would do as well
        first.begin()
        await asyncio.wait_for(first.done, PATIENCE)
        second = front(http_port=port)
        await second.url()
        assert not following.done()
        await store.change_status("run-1", "completed", among=("running",))
        assert await asyncio.wait_for(following, PATIENCE) == []
    second.begin()
    await asyncio.wait_for(second.done, PATIENCE)


async def answers_nobody(url: str) -> None:
    """New connections are not taken any more."""
    async with asyncio.timeout(PATIENCE), httpx.AsyncClient() as http:
        while True:
            try:
                await http.get(f"{url}/livez")
            except httpx.TransportError:
                return
            await asyncio.sleep(0.02)


def test_a_second_sigterm_changes_nothing(environment, tmp_path):  # noqa: F811
    settings = {**environment, "STUDIO_DRAIN_DELAY": "5"}
    with OneService("library", settings, tmp_path) as service:
        service.answers("/startupz", 200)
        service.signal()
        told = service.answers("/readyz", 503, "draining")
        service.signal()
        service.signal()
        assert "takes no more work" in told.text
        assert service.ended() == 0
    assert "Traceback" not in service.said


@pytest.mark.parametrize("arguments", [(), ("--prepare",)], ids=["serving", "preparing"])
@pytest.mark.parametrize("name", MODULES)
def test_sigterm_ends_a_service_that_is_still_being_imported(name, arguments, tmp_path):
    reached, library = tmp_path / "reached", tmp_path / "pydantic.py"  # what all of them import
    library.write_text(
        f"import pathlib, time\npathlib.Path({str(reached)!r}).touch()\ntime.sleep(600)\n"
    )
    with OneService(name, {"PYTHONPATH": str(tmp_path)}, tmp_path, *arguments) as service:
        deadline = time.monotonic() + PATIENCE
        while not reached.exists():
            assert time.monotonic() < deadline, service.said
            time.sleep(0.02)
        service.signal()
        assert service.ended() == 0
    assert service.said == ""
