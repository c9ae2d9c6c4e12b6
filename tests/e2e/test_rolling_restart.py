"""A hundred items flow while every service is replaced and the broker and both stores restart."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest

from embedded.servers import S3Address
from studio.blobs.s3 import S3BlobStore
from studio.metadata import Document, Metadata
from tests.e2e.cluster import Asked, Cluster, Drain
from tests.e2e.processes import MODULES, STUDIOS
from tests.servers.rabbitmq import RabbitNode, private_node
from tests.servers.stores import Store, blob_store, metadata_store
from tests.simulator import running_simulator
from tests.simulator.running import RunningSimulator
from tests.simulator.settings import KEYS

RUNS, VARIATIONS = 25, 4
ITEMS = RUNS * VARIATIONS
BEFORE_EACH_OUTAGE = 2  # runs; three for each replacement, and what is left at the end
#: s between the end of a server and its new start; a store's is longer than a step's attempts would
#: last if waiting for it used them up.
AWAY = {"bus": 4.0, "metadata": 20.0, "blobs": 20.0}
#: Who is not ready without it: a gateway accepts runs while the broker is away.
NEED = {"bus": STUDIOS, "metadata": MODULES, "blobs": MODULES}
SETTLED = 3.0  # s; RabbitMQ 3.10 may lose the leader of a queue that was declared just before
PATIENCE = 400.0  # for a machine that others load; alone, all is over in three minutes
BUYERS = ("create", "edit", "upscale")
LEDGERS = (*BUYERS, "optimizer")
GRACE = {"create": 150, "edit": 150, "upscale": 150, "optimizer": 25, "library": 25, "gateway": 25}
STEPS = [
    {"operation": "create.generate", "provider": "stability",
     "params": {"variations": VARIATIONS, "quality": "draft", "aspect_ratio": "1:1"}},
    {"operation": "edit.resize", "params": {"max_pixels": 90_000}},
    {"operation": "edit.remove_background", "provider": "stability"},
    {"operation": "upscale.fast", "provider": "stability"},
    {"operation": "optimizer.export",
     "params": {"placements": ["instagram_square"], "fit": "cover"}},
    {"operation": "library.organise", "params": {"collection": "Rolling"}},
]  # fmt: skip
MADE_PER_ITEM = 5  # created, resized, cut out, upscaled, exported
STEPS_PER_RUN = 1 + VARIATIONS * (MADE_PER_ITEM - 1)
PAID_PER_ITEM = 3

pytestmark = pytest.mark.timeout(900)


@dataclass
class Platform:
    """The cluster and all that it stands on."""

    cluster: Cluster
    node: RabbitNode
    documents: Store[str]
    blobs: Store[S3Address]
    metadata: Metadata
    s3: S3Address
    simulator: RunningSimulator
    name: str

    async def rows(self, service: str, collection: str) -> list[Document]:
        """Every document of a service's collection."""
        return (
            await self.metadata.database(f"{self.name}_{service}").collection(collection).find({})
        )

    async def ledger(self) -> list[Document]:
        """The steps of all studios."""
        return [row for name in LEDGERS for row in await self.rows(name, "steps")]

    async def purchases(self) -> list[Document]:
        """What was bought, wherever that is written down."""
        books = (*BUYERS, "accounts")
        return [row for name in books for row in await self.rows(name, "purchases")]

    async def at_work(self, service: str, **owner: str) -> list[Document]:
        """The steps that a studio, or one replica of it, is at now."""
        steps = self.metadata.database(f"{self.name}_{service}").collection("steps")
        now = datetime.now(UTC)
        return await steps.find({"outcome": None, "lease_until": {"$gt": now}, **owner})

    async def until_at_work(self, service: str, **owner: str) -> list[Document]:
        """Wait until it is at one."""
        async with asyncio.timeout(PATIENCE):
            while not (steps := await self.at_work(service, **owner)):
                await asyncio.sleep(0.02)
        return steps


@pytest.fixture
def node() -> Iterator[RabbitNode]:
    with private_node() as node:
        yield node


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    """Slow enough that a replica is in the middle of calls when it is told to end."""
    keys = {**KEYS, "stability": ("sk-sim-create", "sk-sim-edit", "sk-sim-upscale")}
    with running_simulator(keys=keys, latency_s=0.3, stability_credits=Decimal(100_000)) as sim:
        yield sim


@pytest.fixture
async def platform(
    node: RabbitNode, simulator: RunningSimulator, tmp_path: Path, unique: str
) -> AsyncIterator[Platform]:
    documents, blobs = metadata_store(tmp_path / "m"), blob_store(tmp_path / "b")
    keys = simulator.keys["stability"]
    own = {name: {"STUDIO_DRAIN_GRACE": str(grace)} for name, grace in GRACE.items()}
    own["gateway"]["STUDIO_DRAIN_DELAY"] = "3"  # as in deploy/k8s: until its Service forgets it
    for name, key in zip(BUYERS, keys, strict=True):
        own[name]["STUDIO_STABILITY_API_KEY"] = key
    async with documents as mongo_url, blobs as s3:
        environment = {
            "STUDIO_AMQP_URL": node.url,
            "STUDIO_AMQP_PREFIX": unique,
            "STUDIO_MONGO_URL": mongo_url,
            "STUDIO_DATABASE_PREFIX": unique,
            "STUDIO_S3_ENDPOINT": s3.endpoint,
            "STUDIO_S3_ACCESS_KEY": s3.access_key,
            "STUDIO_S3_SECRET_KEY": s3.secret_key,
            "STUDIO_S3_BUCKET": unique,
            "STUDIO_STABILITY_URL": simulator.base["stability"],
        }
        metadata = Metadata(mongo_url)
        async with Cluster(environment, tmp_path, own) as cluster:
            yield Platform(cluster, node, documents, blobs, metadata, s3, simulator, unique)
        await metadata.close()


@dataclass
class Clients:
    """Who starts runs, and who asks for them all the time."""

    url: str
    runs: list[str] = field(default_factory=list)
    asked: Asked = field(default_factory=Asked)

    async def start(self, count: int) -> None:
        """Start runs; a client tries again while the platform is away."""
        for _ in range(count):
            self.runs.append(await self._started(len(self.runs)))

    async def ask(self) -> None:
        """Look at runs, ask for quotes, search the library: each on a new connection."""
        quote = {"steps": STEPS[:1]}
        quote["steps"][0]["params"]["prompt"] = "a cup"
        for number in range(1_000_000):
            run = self.runs[number % len(self.runs)] if self.runs else ""
            asks: tuple[tuple[str, str, Any], ...] = (
                ("GET", f"/v1/runs/{run}" if run else "/v1/runs", None),
                ("POST", "/v1/quotes", quote),
                ("GET", "/v1/assets?limit=5", None),
            )
            method, path, body = asks[number % len(asks)]
            async with httpx.AsyncClient(base_url=self.url, timeout=60) as http:
                phase = self.asked.phase
                try:
                    answer = str((await http.request(method, path, json=body)).status_code)
                except httpx.TransportError as error:
                    answer = type(error).__name__
            if phase == self.asked.phase:  # what spans two phases tells of neither
                self.asked.note(answer)
            await asyncio.sleep(0.1)

    async def _started(self, number: int) -> str:
        prompted = {**STEPS[0]["params"], "prompt": f"a cup, number {number}"}
        body = {"steps": [{**STEPS[0], "params": prompted}, *STEPS[1:]], "lane": "bulk"}
        key = {"Idempotency-Key": f"run {number}"}
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    async with httpx.AsyncClient(base_url=self.url, timeout=60) as http:
                        answer = await http.post("/v1/runs", json=body, headers=key)
                    if answer.status_code == 202:
                        return str(answer.json()["id"])
                    assert answer.status_code == 503, answer.text
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.3)


@dataclass(frozen=True)
class Outage:
    """How the services took it that one thing was away."""

    what: str
    unready_s: float  # until the last of those that need it was not ready
    recovered_s: float  # from when the server answered again until the last of the six was ready
    reasons: Counter[str]  # replicas that were not ready, by what they said


def say(what: str) -> None:
    """Where the test is, for whoever watches with `-s`."""
    print(f"{datetime.now(UTC):%X} {what}", flush=True)


async def replaced(platform: Platform, clients: Clients, service: str) -> tuple[Drain, int]:
    """Replace a service; how it drained, and the steps that the old replica was at when it was
    told to end: at least one of a studio. The library and the gateway keep no ledger."""
    has_ledger, steps = service in LEDGERS, list[Document]()
    await clients.start(1)
    owner = {"owner": (await platform.until_at_work(service))[0]["owner"]} if has_ledger else {}

    async def has_work() -> None:
        await clients.start(2)
        if has_ledger:
            steps.extend(await platform.until_at_work(service, **owner))

    drain = await platform.cluster.replace(service, has_work)
    say(f"{service} replaced: {drain}")
    rows = {row["_id"]: row for row in await platform.rows(service, "steps")} if steps else {}
    assert all(rows[one["_id"]]["outcome"] for one in steps)  # finished, not handed back
    return drain, len(steps)


async def survived(
    platform: Platform,
    clients: Clients,
    what: str,
    stop: Callable[[], Awaitable[object]],
    start: Callable[[], Awaitable[object]],
) -> Outage:
    """Take one thing away while items flow, wait until all have noticed, and bring it back."""
    await clients.start(BEFORE_EACH_OUTAGE)
    cluster, replicas = platform.cluster, platform.cluster.current
    flips = {one: len(cluster.probed[one].flips) for one in replicas.values()}
    begun = time.monotonic()
    await stop()
    await asyncio.gather(*(cluster.until(replicas[one], ready=False) for one in NEED[what]))
    unready_s = time.monotonic() - begun
    say(f"{what} is away, and all who need it say so")
    clients.asked.phase = f"{what} is away"
    await asyncio.sleep(AWAY[what])
    clients.asked.phase = "outages"
    reasons: Counter[str] = Counter()
    for one, before in flips.items():
        reasons.update({why for flip in cluster.probed[one].flips[before:] for why in flip})
    await start()
    begun = time.monotonic()
    await asyncio.gather(*(cluster.until(one, ready=True) for one in replicas.values()))
    say(f"{what} is back, and all are ready")
    return Outage(what, unready_s, time.monotonic() - begun, reasons)


async def ended(url: str, runs: list[str]) -> list[dict[str, Any]]:
    """The runs, once all are over."""
    deadline = time.monotonic() + PATIENCE
    states: list[dict[str, Any]] = []
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError):  # a gateway that was cut off; asked again
                answers = [(await http.get(f"/v1/runs/{run}")).raise_for_status() for run in runs]
                states = [one.json() for one in answers]
                if all(one["status"] != "running" for one in states):
                    return states
            await asyncio.sleep(0.5)
    raise AssertionError(f"runs did not end: {[(s['status'], s['counts']) for s in states]}")


async def test_nothing_is_lost_doubled_or_paid_twice_while_everything_is_replaced_and_restarted(
    platform: Platform, tmp_path: Path
) -> None:
    cluster, node, begun = platform.cluster, platform.node, time.monotonic()
    clients = Clients(cluster.url)
    asking = asyncio.create_task(clients.ask())

    clients.asked.phase = "roll"
    drains = [await replaced(platform, clients, service) for service in MODULES]
    begun_twice = [row for row in await platform.ledger() if row["claims"] > 1]

    clients.asked.phase = "outages"

    async def restarted() -> None:
        await asyncio.to_thread(node.start)
        await asyncio.sleep(SETTLED)

    outages = [
        await survived(platform, clients, "bus", lambda: asyncio.to_thread(node.stop), restarted),
        await survived(
            platform, clients, "metadata", platform.documents.stop, platform.documents.start
        ),
        await survived(platform, clients, "blobs", platform.blobs.stop, platform.blobs.start),
    ]

    clients.asked.phase = "afterwards"
    await clients.start(RUNS - len(clients.runs))
    states = await ended(cluster.url, clients.runs)
    asking.cancel()
    figures = await told(platform, clients, drains, begun_twice, outages, states)
    figures["seconds"] = round(time.monotonic() - begun, 1)
    text = json.dumps(figures, indent=1)
    (tmp_path / "rolling.json").write_text(text)
    print(f"\nrolling restart: {text}")

    for drain, _ in drains:
        assert drain.status == 0, cluster.processes.log(f"{drain.service}.1")[-3000:]
        assert drain.seconds < GRACE[drain.service]  # so nothing was cut off
    assert begun_twice == []
    assert set(clients.asked.answers["roll"]) == {"200"}
    for outage in outages:
        assert outage.reasons[outage.what] == len(NEED[outage.what])  # each said what it waits for
    meanwhile = clients.asked.answers["bus is away"]
    assert meanwhile["200"] > 0
    assert set(meanwhile) <= {"200", "503"}  # no connection was refused: a gateway was ready
    assert [known.not_alive for known in cluster.probed.values() if known.not_alive] == []
    await nothing_lost_or_doubled(platform, states)
    await nothing_paid_twice(platform)


async def nothing_lost_or_doubled(platform: Platform, states: list[dict[str, Any]]) -> None:
    for state in states:
        assert state["status"] == "completed"
        assert state["progress"]["share"] == "1"
        assert state["counts"] == {"catalogued": VARIATIONS}
        assert sum(Fraction(one["share"]) for one in state["items"]) == 1
    assets = await platform.rows("library", "assets")
    assert len(assets) == ITEMS * MADE_PER_ITEM
    assert len({(one["run"], one["operation"], one["item"]) for one in assets}) == len(assets)
    steps = await platform.ledger()
    assert len(steps) == RUNS * STEPS_PER_RUN
    assert all(row.get("outcome") for row in steps)
    store = S3BlobStore(
        platform.s3.endpoint, platform.s3.access_key, platform.s3.secret_key, platform.name
    )
    stored = {one.key async for one in aiter(store.keys())}
    await store.close()
    known = {one["blob"] for one in assets} | {one["thumbnail"] for one in assets}
    assert known <= stored


async def nothing_paid_twice(platform: Platform) -> None:
    bill, rows = platform.simulator.bill(), await platform.purchases()
    billed = Counter(call["client_id"] for call in bill["calls"])
    assert set(billed.values()) == {1}
    assert {row["state"] for row in rows} == {"bought"}  # none in doubt, none refused
    assert set(billed) == {row["_id"] for row in rows}
    assert len(billed) == ITEMS * PAID_PER_ITEM
    assert sum(Decimal(row["cost"]["amount"]) for row in rows) == Decimal(bill["total"]["USD"])


async def told(
    platform: Platform,
    clients: Clients,
    drains: list[tuple[Drain, int]],
    begun_twice: list[Document],
    outages: list[Outage],
    states: list[dict[str, Any]],
) -> dict[str, Any]:
    """The figures, for people."""
    bill, rows, steps = (
        platform.simulator.bill(), await platform.purchases(), await platform.ledger(),
    )  # fmt: skip
    probed = platform.cluster.probed.values()
    return {
        "items": ITEMS,
        "catalogued": sum(one["counts"].get("catalogued", 0) for one in states),
        "counts": dict(Counter(state for one in states for state in one["counts"])),
        "problems": dict(
            Counter(
                item["problem"]["rule"]
                for one in states
                for item in one["items"]
                if item.get("problem")
            )
        ),
        "drains": {
            drain.service: {
                "exit": drain.status,
                "seconds": round(drain.seconds, 2),
                "steps_at_work_at_sigterm": at_work,
                "said": drain.said,
            }
            for drain, at_work in drains
        },
        "steps_begun_twice_through_the_drains": len(begun_twice),
        "outages": {
            one.what: {
                "unready_s": round(one.unready_s, 1),
                "recovered_s": round(one.recovered_s, 1),
                "reasons": dict(one.reasons),
            }
            for one in outages
        },
        "steps": len(steps),
        "claims": sum(row["claims"] for row in steps),
        "readiness_flips": sum(len(one.flips) for one in probed),
        "not_alive": sum(len(one.not_alive) for one in probed),
        "requests": {phase: dict(one) for phase, one in clients.asked.answers.items()},
        "calls_billed": len(bill["calls"]),
        "bill_usd": bill["total"]["USD"],
        "ledger_usd": str(sum(Decimal(row["cost"]["amount"]) for row in rows)),
        "purchases": dict(Counter(row["state"] for row in rows)),
    }
