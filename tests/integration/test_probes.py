"""The probes of a real process mean different things, and recover by themselves."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import aio_pika
import httpx
import pytest

from gateway.service import gateway
from gateway.settings import GatewaySettings
from services.create.service import create
from services.create.settings import CreateSettings
from services.library.service import library
from services.library.settings import LibrarySettings
from studio.bus import consuming, rabbit
from studio.bus.base import Done, Lane, Message, Queue
from studio.bus.rabbit import RabbitBus
from studio.service import Addresses, Ports, Service, running
from studio.settings import Settings
from tests.e2e.conftest import environment  # noqa: F401
from tests.e2e.processes import ROOT, free_port
from tests.integration.one_service import OneService
from tests.integration.test_metrics import until
from tests.servers.rabbitmq import RabbitNode

pytestmark = pytest.mark.timeout(240)

PATIENCE = 60
#: RabbitMQ 3.10 may lose the leader of a queue that was declared just before it ends, s.
SETTLED = 3


@pytest.fixture
def node(broker_url: str) -> Iterator[RabbitNode]:
    """A broker of one's own, which does not run yet."""
    one = RabbitNode()
    yield one
    one.remove()


def health(service: OneService, *path: str) -> int:
    """What the container's health check says."""
    command = [sys.executable, "-m", "studio.healthcheck", *path]
    return subprocess.run(command, env=service.environment, cwd=ROOT, check=False).returncode


def test_a_service_starts_before_its_broker_and_outlasts_its_outages(
    node,
    environment,  # noqa: F811
    tmp_path,
):
    settings = {**environment, "STUDIO_AMQP_URL": node.url}
    with OneService("library", settings, tmp_path) as service:
        starting = service.answers("/startupz", 503, "broker").json()
        assert starting["status"] == "starting"
        assert service.answers("/readyz", 503, "bus").json()["problems"].keys() == {
            "service",
            "bus",
        }
        assert service.answer("/livez").status_code == 200
        assert health(service) == 0
        assert health(service, "/readyz") == 1

        node.start()
        service.answers("/startupz", 200)
        service.answers("/readyz", 200)
        assert health(service, "/readyz") == 0

        node.stop()
        told = service.answers("/readyz", 503, "bus").json()
        assert told["problems"].keys() == {"bus"}
        assert service.answer("/startupz").status_code == 200  # it had started
        assert service.answer("/livez").status_code == 200  # nothing that a restart would mend
        assert 'dependency="bus",service="library"} 0.0' in service.answer("/metrics").text

        node.start()
        service.answers("/readyz", 200)
        service.signal()
        assert service.ended() == 0
    lines = [json.loads(line) for line in service.said.splitlines()]  # of libraries, too
    assert {"time", "level", "service", "logger", "message"} <= set.intersection(*map(set, lines))


@pytest.fixture
async def platform(node, unique, blobs, database) -> AsyncIterator[dict[str, str]]:
    """The gateway, create and the library in one loop, on a broker of one's own; their HTTP."""
    await asyncio.to_thread(node.start)
    async with AsyncExitStack() as stack:

        async def at(name: str, build: Callable[[Ports], Service], settings: Settings) -> Addresses:
            bus = RabbitBus(node.url, prefix=unique, name=name)
            stack.push_async_callback(bus.close)
            ports = Ports(bus, blobs, database, settings)
            return await stack.enter_async_context(running(build(ports)))

        made = await at("create", create, CreateSettings())
        kept = await at("library", library, LibrarySettings())
        studios = {"create_grpc": made.grpc, "library_grpc": kept.grpc}
        front = await at("gateway", gateway, GatewaySettings(**studios, sweep_interval=0.5))
        yield {"create": f"http://{made.http}", "gateway": f"http://{front.http}"}


async def test_a_gateway_accepts_runs_while_the_broker_is_away_and_they_begin_when_it_is_back(
    node, platform, monkeypatch
):
    monkeypatch.setattr(rabbit, "PATIENCE", 600)  # s; whoever waits for a publisher waits too long
    step = {"operation": "create.generate", "params": {"prompt": "red poster", "quality": "draft"}}
    async with httpx.AsyncClient(timeout=PATIENCE) as http:

        async def says(url: str, path: str, is_so: Callable[[httpx.Response], bool]) -> dict:
            async with asyncio.timeout(PATIENCE):
                while not is_so(answer := await http.get(f"{url}{path}")):
                    await asyncio.sleep(0.05)
            return answer.json()

        front = platform["gateway"]
        assert await says(front, "/readyz", ok) == {"status": "ready"}
        await asyncio.sleep(SETTLED)
        await asyncio.to_thread(node.stop)
        told = await says(front, "/readyz", lambda one: "degraded" in one.json())
        assert told == {
            "status": "ready",
            "degraded": {"bus": told["degraded"]["bus"]},
        }
        assert (
            'dependency="bus",service="gateway"} 0.0' in (await http.get(f"{front}/metrics")).text
        )
        others = await says(platform["create"], "/readyz", lambda one: one.status_code == 503)
        assert others["problems"].keys() == {"bus"}

        accepted = await http.post(f"{front}/v1/runs", json={"steps": [step]})
        assert accepted.status_code == 202, accepted.text
        run = f"/v1/runs/{accepted.json()['id']}"
        assert (await says(front, run, ok))["counts"] == {}  # nobody has heard of it

        await asyncio.to_thread(node.start)
        ended = await says(front, run, lambda one: ok(one) and one.json()["status"] != "running")
        assert (ended["status"], ended["counts"]) == ("completed", {"catalogued": 1})
        assert await says(front, "/readyz", lambda one: "degraded" not in one.json()) == {
            "status": "ready"
        }


def ok(answer: httpx.Response) -> bool:
    return answer.status_code == 200


def test_the_health_check_fails_where_nobody_answers(tmp_path):
    for port in (str(free_port()), "0", "none"):
        service = OneService("library", {"STUDIO_HTTP_PORT": port}, tmp_path)
        assert health(service) == 1


async def test_a_queue_that_was_deleted_is_declared_anew_and_consumed(
    broker_url, unique, monkeypatch, caplog
):
    monkeypatch.setattr(consuming, "MENDING_SECONDS", 0.2)
    bus, seen = RabbitBus(broker_url, prefix=unique), []

    async def handle(delivery):
        seen.append(delivery.message.body)
        return Done()

    await bus.consume(Queue("edit", bindings=("*.*.edit",)), handle, prefetch=1)
    try:
        operator = await aio_pika.connect(broker_url)
        async with operator:
            await (await operator.channel()).queue_delete(f"{unique}.edit.bulk")
        await until(lambda: f"{unique}.edit.bulk had been deleted" in caplog.text)
        await bus.publish(Message(b"after", "image.created.edit", "1", Lane.BULK, addressed=True))
        await until(lambda: seen == [b"after"])
    finally:
        await bus.close()
