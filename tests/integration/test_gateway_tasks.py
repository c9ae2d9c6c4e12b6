"""The gateway's long-lived tasks survive what nobody thought of, and its probes tell."""

import asyncio

import httpx
import pytest

from gateway.runs import Runs
from gateway.service import gateway
from gateway.settings import GatewaySettings
from gateway.store import RunStore
from studio import supervision
from studio.bus.memory import MemoryBus
from studio.service import Ports, running

PATIENCE = 20


class Flaky:
    """A method that raises while it is broken; it answers that there is nothing to do."""

    def __init__(self, answer) -> None:
        self.answer, self.is_broken, self.answered = answer, True, 0

    async def __call__(self, *_):
        if self.is_broken:
            raise TypeError("nobody thought of this")
        self.answered += 1
        return self.answer


@pytest.fixture(params=["sweeping", "publishing", "resuming"])
def broken(request, monkeypatch) -> tuple[str, Flaky]:
    """One of the tasks, and what it does, broken before the gateway starts."""
    owner, method, answer = {
        "sweeping": (RunStore, "unfinished", []),
        "publishing": (Runs, "publish_unpublished", 0),
        "resuming": (Runs, "resume", 0),
    }[request.param]
    flaky = Flaky(answer)
    monkeypatch.setattr(owner, method, flaky)
    return request.param, flaky


@pytest.fixture
async def served(blobs, database, broken, monkeypatch):
    """Where the gateway's probes are."""
    monkeypatch.setattr(supervision, "FIRST_DELAY", 0.01)
    bus = MemoryBus()
    resumes = broken[0] == "resuming"  # it looks for open runs, too, as sweeping does
    settings = GatewaySettings(sweep_interval=0.01, resume_on_start=resumes)
    async with running(gateway(Ports(bus, blobs, database, settings))) as addresses:
        yield f"http://{addresses.http}"
    await bus.close()


async def answers(url: str, status: int) -> dict:
    """What /readyz says once it answers with that status."""
    async with httpx.AsyncClient() as http, asyncio.timeout(PATIENCE):
        while True:
            answer = await http.get(f"{url}/readyz")
            if answer.status_code == status:
                return answer.json()
            await asyncio.sleep(0.02)


async def test_a_failing_task_is_told_by_the_probe_and_goes_on_when_it_can(broken, served):
    task, flaky = broken
    told = await answers(served, 503)
    assert told["problems"] == {"tasks": f"Failing again and again: {task}."}
    flaky.is_broken = False
    await answers(served, 200)
    assert flaky.answered >= 1
    async with httpx.AsyncClient() as http:
        metrics = (await http.get(f"{served}/metrics")).text
    assert f'studio_task_failures_total{{service="gateway",task="{task}"}}' in metrics
