"""Thirty items through six processes that are killed, with a fifth of all messages doubled."""

import asyncio
import random
import time
from fractions import Fraction

import httpx
import pytest

from studio.blobs.s3 import S3BlobStore
from studio.metadata import Metadata
from tests.e2e.doubling import doubling
from tests.e2e.processes import Processes

RUNS, VARIATIONS = 10, 3
KILLS = 12
PATIENCE = 300
STEPS = [
    {"operation": "create.generate",
     "params": {"variations": VARIATIONS, "width": 640, "height": 640}},
    {"operation": "edit.adjust", "params": {"brightness": 0.1}},
    {"operation": "upscale.conservative", "params": {"factor": 2}, "provider": "lanczos"},
    {"operation": "optimizer.export",
     "params": {"placements": ["instagram_square"], "fit": "cover"}},
    {"operation": "library.organise", "params": {"collection": "Chaos"}},
]  # fmt: skip
MADE_PER_ITEM = 4  # created, edited, upscaled, optimized
STUDIO_STEPS = 1 + 3 * VARIATIONS  # a run's distinct steps: generate once, then one a variation

pytestmark = pytest.mark.timeout(600)


async def started(url: str, number: int) -> str:
    steps = [dict(step) for step in STEPS]
    steps[0] = {**steps[0], "params": {**steps[0]["params"], "prompt": f"poster {number}"}}
    async with httpx.AsyncClient(base_url=url, timeout=10) as http, asyncio.timeout(PATIENCE):
        while True:  # services may be down at this moment: clients try again
            try:
                answer = await http.post(
                    "/v1/runs", json={"steps": steps}, headers={"Idempotency-Key": f"run {number}"}
                )
                if answer.status_code == 202:
                    return answer.json()["id"]
                assert answer.status_code == 503, answer.text
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.3)


async def killed_at_random(processes: Processes, dice: random.Random, stop: asyncio.Event) -> None:
    """One service after another, at any point of its work; each is started again at once."""
    while len(processes.kills) < KILLS and not stop.is_set():
        await asyncio.sleep(dice.uniform(0.2, 1.5))
        name = dice.choice(["create", "edit", "upscale", "optimizer", "library", "gateway"])
        await asyncio.to_thread(processes.kill, name)
        processes.start(name)
        await asyncio.to_thread(processes.wait_until_ready, name)


async def ended(url: str, runs: list[str]) -> list[dict]:
    deadline = time.monotonic() + PATIENCE
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        while time.monotonic() < deadline:
            try:
                states = [(await http.get(f"/v1/runs/{run}")).json() for run in runs]
            except (httpx.TransportError, ValueError):
                states = []
            if states and all(one.get("status") == "completed" for one in states):
                return states
            await asyncio.sleep(0.5)
    raise AssertionError(
        f"runs did not end: {[(s.get('status'), s.get('counts')) for s in states]}"
    )


async def test_killed_and_doubled_every_run_ends_and_nothing_is_lost_or_made_twice(
    processes, environment, broker_url, mongo_url, s3, unique
):
    dice, stop = random.Random(20261123), asyncio.Event()
    async with doubling(broker_url, unique, share=0.2, seed=7) as doubled:
        killing = asyncio.create_task(killed_at_random(processes, dice, stop))
        runs = [await started(processes.url, number) for number in range(RUNS)]
        await killing
        states = await ended(processes.url, runs)
        stop.set()
        await asyncio.sleep(3)  # late copies settle

    items = RUNS * VARIATIONS
    for state in states:
        assert state["progress"]["share"] == "1"
        assert state["counts"] == {"catalogued": VARIATIONS}
        assert sum(Fraction(one["share"]) for one in state["items"]) == 1

    metadata = Metadata(mongo_url)
    assets = await metadata.database(f"{unique}_library").collection("assets").find({})
    assert len(assets) == items * MADE_PER_ITEM
    made = {(one["run"], one["operation"], one["item"]) for one in assets}
    assert len(made) == len(assets)

    steps = []
    for studio in ("create", "edit", "upscale", "optimizer"):
        steps += await metadata.database(f"{unique}_{studio}").collection("steps").find({})
    await metadata.close()
    begun = sum(step["claims"] for step in steps)
    assert len(steps) == RUNS * STUDIO_STEPS
    assert all(step.get("outcome") for step in steps)
    # a claim beyond the first is work that a kill cut short: at most what one process holds
    assert begun - len(steps) <= len(processes.kills) * 4

    store = S3BlobStore(s3.endpoint, s3.access_key, s3.secret_key, unique)
    stored = {one.key async for one in aiter(store.keys())}
    await store.close()
    known = {one["blob"] for one in assets} | {one["thumbnail"] for one in assets}
    assert known == stored

    print(
        f"\nchaos: {items} items, {len(steps)} steps begun {begun} times, {len(assets)} assets, "
        f"{len(processes.kills)} kills, {doubled.copied} of {doubled.heard} messages doubled, "
        f"{len(stored)} blobs and no orphan"
    )
