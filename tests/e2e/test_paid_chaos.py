"""Five hundred paid calls while workers are killed, messages doubled and the broker restarted.

Some are jobs that are parked (`upscale.creative`), and some are made by a fallback (fal, a queue)
because Stability says that it is away. Both tell their balance, which settles what is in doubt: in
the end the ledger is the bill.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from studio.metadata import Metadata
from tests.e2e.doubling import doubling
from tests.e2e.processes import Processes
from tests.servers.rabbitmq import NoRabbitMQ, RabbitNode
from tests.simulator import running_simulator
from tests.simulator.running import RunningSimulator

RUNS, VARIATIONS = 50, 2
KILLS = 12
PATIENCE = 420
SETTLED = 3.0  # s; RabbitMQ 3.10 may lose the leader of a queue that was declared just before
LAG = 3.0  # s from the end of a request at fal until its balance tells of it
LONGEST_JOB = 10  # s; fal's silence, too: doubts of fal are settled after twice as long
BUYERS = ("create", "edit", "upscale")
STEPS = [
    {"operation": "create.generate", "provider": "stability", "fallbacks": ["fal"],
     "params": {"variations": VARIATIONS, "quality": "standard", "aspect_ratio": "1:1"}},
    {"operation": "edit.resize", "params": {"max_pixels": 262_144}},
    {"operation": "edit.remove_background", "provider": "stability"},
    {"operation": "edit.search_recolor", "provider": "stability",
     "params": {"select": "the cup", "colour": "#d7263d"}},
    {"operation": "upscale.fast", "provider": "stability"},
    {"operation": "edit.resize", "params": {"max_pixels": 262_144}},
    {"operation": "upscale.creative", "provider": "stability", "params": {"factor": 2,
     "prompt": "a cup"}},
    {"operation": "library.organise", "params": {"collection": "Paid"}},
]  # fmt: skip
AWAY, EVERY = 12, 7  # how often Stability is away for a call, and after how many calls again
PAID = RUNS * (VARIATIONS + VARIATIONS * 4)

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def node() -> Iterator[RabbitNode]:
    try:
        node = RabbitNode()
    except NoRabbitMQ as missing:
        pytest.skip(str(missing))
    node.start()
    yield node
    node.remove()


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(
        latency_s=0.03, stability_credits=Decimal(100_000), fal_balance_lag=LAG
    ) as sim:
        yield sim


@pytest.fixture
def processes(
    environment: dict[str, str], node: RabbitNode, simulator: RunningSimulator, tmp_path: Path
) -> Iterator[Processes]:
    """The whole platform; the studios share one account of each provider, its rate limit and its
    balance."""
    settings = {
        **environment,
        "STUDIO_AMQP_URL": node.url,
        "STUDIO_STABILITY_URL": simulator.base["stability"],
        "STUDIO_STABILITY_API_KEY": simulator.keys["stability"][0],
        "STUDIO_FAL_URL": simulator.base["fal"],
        "STUDIO_FAL_API_KEY": simulator.keys["fal"][0],
        "STUDIO_FAL_ADMIN_URL": simulator.admin_base["fal"],
        "STUDIO_FAL_ADMIN_API_KEY": simulator.admin_keys["fal"][0],
        "STUDIO_RECONCILE_INTERVAL": "1",
        "STUDIO_LONGEST_JOB": str(LONGEST_JOB),
    }
    with Processes(settings, tmp_path) as running:
        yield running


async def started(url: str, number: int) -> str:
    first = {**STEPS[0], "params": {**STEPS[0]["params"], "prompt": f"a cup, number {number}"}}
    body = {"steps": [first, *STEPS[1:]], "lane": "bulk"}
    async with httpx.AsyncClient(base_url=url, timeout=20) as http, asyncio.timeout(PATIENCE):
        while True:
            try:
                key = {"Idempotency-Key": f"run {number}"}
                answer = await http.post("/v1/runs", json=body, headers=key)
                if answer.status_code == 202:
                    return str(answer.json()["id"])
                assert answer.status_code == 503, answer.text
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.3)


async def killed_at_random(processes: Processes, node: RabbitNode, dice: random.Random) -> None:
    """One buyer after another, at any point of a call; in the middle, the broker."""
    for number in range(KILLS):
        await asyncio.sleep(dice.uniform(0.5, 2.0))
        if number == KILLS // 2:
            await asyncio.to_thread(node.stop)
            await asyncio.to_thread(node.start)
            await asyncio.sleep(SETTLED)
        name = dice.choice([*BUYERS, "library"])
        await asyncio.to_thread(processes.kill, name)
        processes.start(name)
        await asyncio.to_thread(processes.wait_until_ready, name)


async def ended(url: str, runs: list[str]) -> list[dict]:
    deadline, states = time.monotonic() + PATIENCE, []
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        while time.monotonic() < deadline:
            try:
                states = [(await http.get(f"/v1/runs/{run}")).json() for run in runs]
            except (httpx.TransportError, ValueError):
                states = []
            if states and all(one.get("progress", {}).get("share") == "1" for one in states):
                return states
            await asyncio.sleep(1)
    raise AssertionError(f"runs did not end: {Counter(s.get('status') for s in states)}")


async def purchases(mongo_url: str, prefix: str) -> list[dict]:
    metadata = Metadata(mongo_url)
    rows = await metadata.database(f"{prefix}_accounts").collection("purchases").find({})
    await metadata.close()
    return rows


def is_open(row: dict) -> bool:
    """Whether its end is not known yet, and will be."""
    return row["state"] in {"sent", "job", "linked", "in_doubt"}


async def settled(mongo_url: str, prefix: str) -> list[dict]:
    """The purchases, once the balances have settled what was in doubt."""
    async with asyncio.timeout(120):
        while True:
            rows = await purchases(mongo_url, prefix)
            if not any(is_open(row) for row in rows):
                return rows
            await asyncio.sleep(0.5)


async def runs_cost(url: str, runs: list[str], spent: Decimal) -> None:
    """All runs together, once what was settled is told."""
    known = Decimal(0)
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as http, asyncio.timeout(60):
            while known != spent:
                states = [(await http.get(f"/v1/runs/{run}")).json() for run in runs]
                known = sum((Decimal(one["cost"]["amount"]) for one in states), Decimal(0))
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise AssertionError(f"the runs cost {known}, and {spent} was spent") from None


def sums_agree(rows: list[dict], bill: dict) -> dict[str, Decimal]:
    """What was spent, by provider: exactly what each has billed, and so is the total."""
    spent, billed = Counter[str](), Counter[str]()
    for row in rows:
        spent[row["provider"]] += Decimal(row["cost"]["amount"])
    for one in bill["calls"]:
        billed[one["provider"]] += Decimal(one["amount"])
    assert spent == billed
    assert sum(spent.values()) == Decimal(bill["total"]["USD"])
    return dict(spent)


async def test_five_hundred_paid_calls_are_billed_once_and_the_ledger_is_the_bill(
    processes: Processes,
    node: RabbitNode,
    simulator: RunningSimulator,
    mongo_url: str,
    unique: str,
) -> None:
    dice = random.Random(20261125)
    for number in range(AWAY):
        simulator.faults("stability", "503", "generate/core", after=number * EVERY)
    simulator.faults("fal", "close_before_reply", "submit", after=1)  # billed, and never heard of
    simulator.faults("fal", "html", "submit", after=3)  # not billed, and no reply of fal's
    async with doubling(node.url, unique, share=0.2, seed=7) as doubled:
        killing = asyncio.create_task(killed_at_random(processes, node, dice))
        runs = [await started(processes.url, number) for number in range(RUNS)]
        await killing
        states = await ended(processes.url, runs)
    rows = await settled(mongo_url, unique)
    spent = sum(Decimal(row["cost"]["amount"]) for row in rows)
    await runs_cost(processes.url, runs, spent)

    bill = simulator.bill()
    billed = Counter(call["client_id"] for call in bill["calls"])
    lines = {row["_id"]: row["images"] if row["provider"] == "fal" else 1 for row in rows}
    assert billed == {id_: lines[id_] for id_ in billed}  # none twice; fal bills by the picture
    bought = {row["_id"] for row in rows if row["state"] == "bought"}
    doubtful = {row["_id"]: row for row in rows if row["_id"] not in bought}
    assert all(row["problem"]["rule"] == "provider.in_doubt" for row in doubtful.values())
    assert bought <= set(billed) <= bought | set(doubtful)
    by_provider = {name: str(amount) for name, amount in sums_agree(rows, bill).items()}
    jobs = Counter(row["provider"] for row in rows if row["state"] == "bought" and row["job"])
    assert min(jobs["stability"], jobs["fal"]) > 0  # parked, and made by the fallback
    of_whom = Counter(row["provider"] for row in doubtful.values())
    assert of_whom["fal"] >= 2  # whatever is killed
    lost = sum(state["counts"].get("failed", 0) for state in states)
    made = sum(state["counts"].get("catalogued", 0) for state in states)
    assert made + lost >= RUNS * VARIATIONS - len(doubtful)
    assert len(doubtful) <= len(processes.kills) * 4  # what one process holds
    print(
        f"\npaid chaos: {len(rows)} of at most {PAID} calls begun, {len(billed)} billed, "
        f"{bill['total']['USD']} USD in the bill and {spent} in the ledger {by_provider}; "
        f"{dict(jobs)} jobs; {len(doubtful)} calls "
        f"in doubt {dict(of_whom)}, of which {len(set(billed) & set(doubtful))} were billed; "
        f"{len(processes.kills)} kills, 1 restart of the broker, "
        f"{doubled.copied} of {doubled.heard} messages doubled; {made} pictures, {lost} items lost"
    )
