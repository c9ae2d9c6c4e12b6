"""A worker that lives and was cut off from our store is not taken for dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from studio.blobs.s3 import S3BlobStore
from studio.bus.base import Done, Later
from studio.bus.memory import MemoryBus
from studio.findings import Findings
from studio.ledger import InProgress, Ledger
from studio.metadata import Database, Metadata
from studio.problems import Unavailable
from studio.providers.accounts import Account
from studio.providers.buying import Buyer
from studio.providers.purchases import Purchases
from studio.providers.turns import Turns
from studio.slip import derived
from studio.worker import Worker
from tests.integration.test_fallbacks import Buy, Seller
from tests.integration.test_paid_steps import OPENAI, Studio, begun, opened
from tests.servers.shop import Shop, open_shop
from tests.servers.stores import metadata_store

PATIENCE, LEASE = 30, 1.0


class Slow(Shop):
    """Takes an order, and replies when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.ordered, self.replies = asyncio.Event(), asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.ordered.set()
        await self.replies.wait()
        await super().serve(reader, writer)


@pytest.fixture
async def shop(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Slow]:
    monkeypatch.setattr("tests.servers.shop.Shop", Slow)
    async with open_shop() as open_:
        assert isinstance(open_, Slow)
        yield open_
        open_.replies.set()


@pytest.fixture
async def bus() -> AsyncIterator[MemoryBus]:
    bus = MemoryBus()
    yield bus
    await bus.close()


class Replica(Studio):
    """A create studio with connections of its own, whose every lease is short."""

    def __init__(self, url: str, shop: Shop, bus: MemoryBus, blobs: S3BlobStore) -> None:
        self.metadata = Metadata(url)
        database = self.metadata.database("replicas")
        accounts = {"openai": Account("openai", shop.url, SecretStr("sk-one"))}
        buyer = Buyer(
            accounts, Purchases(database), Turns(database), blobs, second_look=PATIENCE * 10
        )
        operation = Buy().with_engines([Seller("openai", "/picture")])
        super().__init__("create", [operation], buyer, bus=bus, database=database, blobs=blobs)
        ledger = Ledger(database, LEASE)
        self._worker = Worker("create", [operation], bus, blobs, ledger, Findings(database), buyer)

    async def close(self) -> None:
        await self.buyer.close()
        await self.metadata.close()


def held_back(purchases: Purchases) -> tuple[Callable[..., Any], asyncio.Event, asyncio.Event]:
    """Writing that, once it has met a store that is away, waits until it may go on."""
    become, cut_off, may_write = purchases.become, asyncio.Event(), asyncio.Event()

    async def writes(*args: Any) -> bool:
        if cut_off.is_set():
            await may_write.wait()
        try:
            return await become(*args)
        except Unavailable:
            cut_off.set()
            raise

    return writes, cut_off, may_write


async def test_a_replica_cut_off_from_the_store_for_longer_than_its_lease_loses_no_picture(
    shop: Slow,
    bus: MemoryBus,
    blobs: S3BlobStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, message = metadata_store(tmp_path), begun(OPENAI)[0]
    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE * 3):
        url = await stack.enter_async_context(store)
        first, second = (Replica(url, shop, bus, blobs) for _ in range(2))
        stack.push_async_callback(first.close)
        stack.push_async_callback(second.close)
        await opened(first)
        writes, cut_off, may_write = held_back(first.buyer.purchases)
        monkeypatch.setattr(first.buyer.purchases, "become", writes)
        working = asyncio.create_task(first.handed(message))
        await shop.ordered.wait()
        await store.stop()
        shop.replies.set()  # the picture comes, and cannot be written down
        await cut_off.wait()  # after more than a lease: the driver looks for its store for 5 s
        await store.start()

        settlement = await second.handed(message)
        assert isinstance(settlement, Later)  # what came is not in doubt
        while settlement.problem.rule != "ledger.in_progress":
            assert settlement.problem.rule == "provider.overtaken"
            assert not settlement.counted
            await asyncio.sleep(LEASE / 10)
            settlement = await second.handed(message)
            assert isinstance(settlement, Later)
        may_write.set()  # and the first has its lease again, for as long as it works

        assert isinstance(await working, Done)
        assert isinstance(await second.handed(message), Done)
        facts = await first.told(2)
        assert {one.type for one in facts} == {"image.created"}
        assert len({one.id for one in facts}) == 1
        assert shop.billed == {"/picture": 1}


async def test_a_lease_that_ran_out_is_taken_again_by_its_holder_if_nobody_has_it(
    database: Database,
) -> None:
    step, ledger = derived("cut off"), Ledger(database, lease=0.3)
    other, patient = Ledger(database, lease=60), Ledger(database, lease=60)
    async with ledger.claimed(step):
        row = database.collection("steps")
        await row.update_one(
            {"_id": str(step)}, {"$unset": {"owner": ""}, "$set": {"lease_until": None}}
        )  # as another worker leaves it, that took the step and gave it back
        async with asyncio.timeout(PATIENCE):
            while not (await row.get(str(step)) or {}).get("owner"):
                await asyncio.sleep(0.02)
        with pytest.raises(InProgress):
            async with other.claimed(step):
                pass
    async with patient.claimed(derived("held")):
        held = await row.get(str(derived("held")))
        late = asyncio.create_task(ledger._renew(derived("held")))
        await asyncio.sleep(0.5)
        late.cancel()
        assert await row.get(str(derived("held"))) == held  # nothing is taken from a holder
