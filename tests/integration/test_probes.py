"""The probes of a real process mean different things, and recover by themselves."""

import json
import subprocess
import sys
from collections.abc import Iterator

import aio_pika
import pytest

from studio.bus import consuming
from studio.bus.base import Done, Lane, Message, Queue
from studio.bus.rabbit import RabbitBus
from tests.e2e.conftest import environment  # noqa: F401
from tests.e2e.processes import ROOT, free_port
from tests.integration.one_service import OneService
from tests.integration.test_metrics import until
from tests.servers.rabbitmq import RabbitNode

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def node(broker_url: str) -> Iterator[RabbitNode]:
    """A broker of one's own, which does not run yet."""
    one = RabbitNode()
    yield one
    one.remove()


def health(service: OneService) -> int:
    """What the container's health check says."""
    command = [sys.executable, "-m", "studio.healthcheck"]
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

        node.start()
        service.answers("/startupz", 200)
        service.answers("/readyz", 200)

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
