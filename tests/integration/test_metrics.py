"""What is measured, on real servers: queue age, dead letters, requests, open runs, dependencies."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx
import pytest
from prometheus_client import REGISTRY

from gateway.service import gateway
from gateway.settings import GatewaySettings
from gateway.store import RunStore
from studio import metrics
from studio.bus.base import Dead, Delivery, Done, Lane, Later, Message, Queue, Settlement
from studio.bus.memory import MemoryBus
from studio.bus.rabbit import RabbitBus
from studio.problems import Problem, Unavailable
from studio.service import Ports, Service, running
from studio.settings import Settings

PATIENCE = 60


def sample(name: str, **labels: str) -> float:
    """What a metric stands at; 0 if it has not begun."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


class Settles(Service):
    """Settles every delivery in the way that its body names."""

    def __init__(self, ports: Ports, name: str) -> None:
        self.name, self.queue = name, Queue(name, bindings=(f"*.*.{name}",))
        super().__init__(ports)

    async def handle(self, delivery: Delivery) -> Settlement:
        match delivery.message.body:
            case b"raise":
                raise ValueError("nobody thought of this")
            case b"dead":
                return Dead(Problem(kind="refused", rule="test.rule", says="It cannot be."))
            case b"later" if delivery.attempt == 1:
                return Later(Problem(kind="unavailable", rule="test.away", says="Not now."))
        return Done()


@pytest.fixture(params=["rabbit", "memory"])
async def settles(request, unique, blobs, database) -> AsyncIterator[Settles]:
    """A service on each kind of bus, with short delays. It is not running yet."""
    if request.param == "memory":
        bus = MemoryBus(retry_delays=(0.05, 0.05))
    else:
        url = request.getfixturevalue("broker_url")
        bus = RabbitBus(url, prefix=unique, retry_delays=(0.05, 0.05))
    yield Settles(Ports(bus, blobs, database, Settings()), unique)
    await bus.close()


def message(service: Service, text: str) -> Message:
    key = f"image.created.{service.name}"
    return Message(text.encode(), key, text, Lane.BULK, addressed=True)


async def test_the_age_of_what_waited_in_a_queue_is_measured(settles):
    bus, labels = settles.ports.bus, {"queue": settles.name, "lane": "bulk"}
    await bus.declare(settles.queue)
    await bus.publish(message(settles, "old"))
    await asyncio.sleep(1.2)
    async with running(settles):
        await until(lambda: sample("studio_delivery_age_seconds_count", **labels) == 1)
        assert 1.1 < sample("studio_delivery_age_seconds_sum", **labels) < PATIENCE
        assert sample("studio_delivery_age_seconds_bucket", **labels, le="1.0") == 0


async def test_a_delay_that_we_asked_for_is_not_age(settles):
    labels, delay = {"queue": settles.name, "lane": "bulk"}, 1.5
    bus = settles.ports.bus
    bus._delays = bus.delays = (delay, delay)
    async with running(settles):
        begun = time.monotonic()
        await bus.publish(message(settles, "later"))
        await until(lambda: sample("studio_delivery_age_seconds_count", **labels) == 2)
        took = time.monotonic() - begun
        assert took >= delay
        rounding = 0.01  # s; the broker's clock has milliseconds
        assert sample("studio_delivery_age_seconds_sum", **labels) <= took - delay + rounding


async def test_deliveries_are_counted_by_how_they_were_settled(settles):
    def count(settlement: str) -> float:
        labels = {"queue": settles.name, "lane": "bulk", "settlement": settlement}
        return sample("studio_deliveries_total", **labels)

    async with running(settles):
        for text in ("done", "later", "dead", "raise"):
            await settles.ports.bus.publish(message(settles, text))
        await until(lambda: (count("done"), count("later"), count("dead")) == (2, 3, 2))


async def test_dead_letters_are_counted_by_their_rule(settles):
    def dead(rule: str) -> float:
        return sample("studio_dead_letters_total", queue=settles.name, rule=rule)

    async with running(settles):
        await settles.ports.bus.publish(message(settles, "dead"))
        await settles.ports.bus.publish(message(settles, "raise"))  # until its attempts are used up
        await until(lambda: dead("test.rule") == 1 and dead("studio.internal") == 1)
        await until_buried(settles, 2)


async def until_buried(service: Service, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(await service.ports.bus.dead_letters(service.name)) != count:
            await asyncio.sleep(0.05)


async def test_a_service_says_which_version_runs_and_that_it_consumes(settles):
    labels = {"service": settles.name}
    async with running(settles) as addresses, httpx.AsyncClient() as http:
        page = (await http.get(f"http://{addresses.http}/metrics")).text
        build = f'studio_build_info{{service="{settles.name}",version="{metrics.version()}"}} 1.0'
        assert build in page
        assert metrics.version() != "unknown"
        assert sample("studio_consuming", **labels) == 1
    assert sample("studio_consuming", **labels) == 0


async def test_a_dependency_is_up_as_readiness_sees_it_at_every_scrape(settles):
    is_away = ["yes"]

    async def ping() -> None:
        if is_away:
            raise Unavailable(rule="bus.unavailable", says="The broker does not answer.")

    def up() -> dict[str, float]:
        names = ("bus", "metadata", "blobs", "tasks")
        service = settles.name
        return {
            one: sample("studio_dependency_up", service=service, dependency=one) for one in names
        }

    everything = dict.fromkeys(("bus", "metadata", "blobs", "tasks"), 1.0)
    async with running(settles) as addresses, httpx.AsyncClient(timeout=PATIENCE) as http:
        await http.get(f"http://{addresses.http}/metrics")
        assert up() == everything
    settles = Settles(replace(settles.ports, bus=MemoryBus()), settles.name)
    settles.ports.bus.ping = ping
    async with running(settles) as addresses, httpx.AsyncClient(timeout=PATIENCE) as http:
        assert (await http.get(f"http://{addresses.http}/readyz")).status_code == 503
        assert up() == {**everything, "bus": 0}
        is_away.clear()
        await http.get(f"http://{addresses.http}/metrics")
        assert up() == everything


@pytest.fixture
async def front(blobs, database) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway that looks at its open runs all the time."""
    bus = MemoryBus()
    settings = GatewaySettings(observe_interval=0.02, sweep_interval=3600, settle_interval=3600)
    async with (
        running(gateway(Ports(bus, blobs, database, settings))) as addresses,
        httpx.AsyncClient(base_url=f"http://{addresses.http}", timeout=PATIENCE) as http,
    ):
        yield http
    await bus.close()


async def test_requests_are_counted_by_the_template_of_their_route_and_never_by_their_path(front):
    def count(method: str, route: str, status: str) -> float:
        labels = {"method": method, "route": route, "status": status}
        return sample("studio_http_requests_total", **labels)

    before = [
        count("GET", "/v1/runs/{run}", "404"),
        count("GET", "/v1/runs", "200"),
        count("POST", "/v1/runs", "422"),
        count("GET", "unmatched", "404"),
        count("OTHER", "unmatched", "404"),
    ]
    await front.get("/v1/runs/a-run-that-is-not-there")
    await front.get("/v1/runs", params={"limit": 1})
    await front.post("/v1/runs", json={"nonsense": 1})
    await front.get("/a/path/that/nobody/knows")
    await front.request("BREW", "/a/path/that/nobody/knows")
    after = [
        count("GET", "/v1/runs/{run}", "404"),
        count("GET", "/v1/runs", "200"),
        count("POST", "/v1/runs", "422"),
        count("GET", "unmatched", "404"),
        count("OTHER", "unmatched", "404"),
    ]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1, 1, 1]
    page = (await front.get("/metrics")).text
    assert "a-run-that-is-not-there" not in page
    assert "/a/path/that" not in page
    assert 'route="/metrics"' not in page
    assert sample("studio_http_request_seconds_count", method="GET", route="/v1/runs") >= 1


async def test_a_request_that_fails_unexpectedly_is_counted_as_500(front, monkeypatch):
    async def broken(*_, **__):
        raise TypeError("nobody thought of this")

    monkeypatch.setattr(RunStore, "latest", broken)
    labels = {"method": "GET", "route": "/v1/runs", "status": "500"}
    before = sample("studio_http_requests_total", **labels)
    assert (await front.get("/v1/runs")).status_code == 500
    assert sample("studio_http_requests_total", **labels) == before + 1


async def test_open_runs_and_their_outstanding_shares_are_read_from_the_database(front, database):
    store, items = RunStore(database), database.collection("items")

    async def run(name: str, status: str) -> None:
        row = {"_id": name, "workspace": "w", "status": status, "created_at": None}
        await store.add(row)

    async def item(name: str, of: str, share: str, state: str) -> None:
        await items.insert({"_id": f"{of}/{name}", "run": of, "share": share, "state": state})

    def open_and_outstanding() -> tuple[float, float]:
        return sample("studio_runs_open"), sample("studio_shares_outstanding")

    await run("over", "completed")
    await item("a", "over", "1", "catalogued")
    await until(lambda: open_and_outstanding() == (0, 0))
    await run("half", "running")
    for name in ("a", "b"):
        await item(name, "half", "1/4", "catalogued")
    await item("c", "half", "1/2", "active")
    await run("called off", "cancelling")
    await item("a", "called off", "1/3", "cancelled")
    await item("b", "called off", "1/3", "failed")
    await item("c", "called off", "1/3", "active")
    await until(lambda: open_and_outstanding() == (2, pytest.approx(1 / 2 + 1 / 3)))
