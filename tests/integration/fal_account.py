"""An account at the simulated fal whose balance is told: what tests of it share.

Time passes at fal and in our own book at once (`later`), so nothing waits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Self
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from studio.blobs.s3 import S3BlobStore
from studio.metadata import Database, Document
from studio.providers import fal
from studio.providers.accounts import Account, Admin
from studio.providers.buying import Buyer
from studio.providers.call import Call, InDoubt, Moderated, Parked
from studio.providers.purchases import LONGEST_JOB, Purchases
from studio.providers.reconcile import Reconciler
from studio.providers.turns import Turns
from tests.simulator import running_simulator
from tests.simulator.purchases import photo
from tests.simulator.running import RunningSimulator

CENTS = fal.generate("a cup", model="flux.dev", num_images=2)  # 0.025 each
LESS_THAN_A_CENT = fal.generate("a cup", model="flux.schnell")  # 0.003
FOLLOWED = fal.follow(photo(1280, 1024), "a cup")  # 0.06: two begun megapixels
ENLARGED = fal.upscale(photo(1200, 1024))  # 0.15: five of them, at twice each side
JOB = 0.05  # s that fal works on one
LONG = LONGEST_JOB + 60  # s after which a call in doubt may be settled


def account_at(simulator: RunningSimulator) -> Account:
    """The first account there, with the key that may read its balance."""
    admin = Admin(simulator.admin_base["fal"], SecretStr(simulator.admin_keys["fal"][0]))
    return Account("fal", simulator.base["fal"], SecretStr(simulator.keys["fal"][0]), admin=admin)


@dataclass(frozen=True)
class Customer:
    """Who buys at fal, and reads the balance there."""

    simulator: RunningSimulator
    buyer: Buyer
    reconciler: Reconciler
    database: Database

    @classmethod
    @asynccontextmanager
    async def of(
        cls, simulator: RunningSimulator, database: Database, blobs: S3BlobStore, quiet: float = 0
    ) -> AsyncIterator[Self]:
        """Of the first account; quiet: s, as of a Reconciler."""
        account = account_at(simulator)
        buyer = Buyer({"fal": account}, Purchases(database), Turns(database), blobs)
        reconciler = Reconciler(account, buyer.purchases, database, buyer.client, quiet=quiet)
        try:
            await reconciler.open()
            yield cls(simulator, buyer, reconciler, database)
        finally:
            await buyer.close()

    @property
    def account(self) -> Account:
        """Where the money is."""
        return self.buyer.accounts["fal"]

    async def buys(self, call: Call) -> None:
        """To its end, whatever the provider says of it."""
        step = uuid4()
        while True:
            try:
                await self.buyer.buy(step, call)
                return
            except Parked:
                self.simulator.advance(JOB)

    async def is_refused(self) -> None:
        """A picture is flagged once it is made: 422, and nobody knows whether it is billed."""
        self.simulator.faults("fal", "moderated", "submit", times=1)
        with pytest.raises(Moderated):
            await self.buys(CENTS)

    async def gives_up(self, call: Call) -> UUID:
        """Waiting for a job, which is in doubt then. The step."""
        step = uuid4()
        with pytest.raises(Parked):
            await self.buyer.buy(step, call)
        await self.buyer.give_up(step)
        return step

    async def loses(self, call: Call, *, billed: bool) -> None:
        """The reply to a call, which is in doubt."""
        fault = "close_before_reply" if billed else "html"
        self.simulator.faults("fal", fault, "submit", times=1)
        with pytest.raises(InDoubt):
            await self.buyer.buy(uuid4(), call)

    async def waits(self, seconds: float = LONG) -> None:
        """So much time passes, at fal and in our book."""
        self.simulator.advance(seconds)
        rows = self.database.collection("purchases")
        for row in await rows.find({}):
            known = {name: row[name] for name in ("since", "changed") if row.get(name)}
            earlier = {name: at - timedelta(seconds=seconds) for name, at in known.items()}
            await rows.update_one({"_id": row["_id"]}, {"$set": earlier})

    async def spent(self) -> Decimal:
        """US$ by our own sum."""
        return (await self.buyer.purchases.spent(self.account.name)).amount

    def billed(self) -> Decimal:
        """US$ by fal's."""
        return Decimal(self.simulator.bill()["total"]["USD"])

    async def statement(self) -> Document:
        """Where we reckon from."""
        [one] = await self.database.collection("statements").find({})
        return one


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(job_s=JOB) as running:
        yield running


@pytest.fixture
async def customer(
    simulator: RunningSimulator, database: Database, blobs: S3BlobStore
) -> AsyncIterator[Customer]:
    simulator.reset()
    async with Customer.of(simulator, database, blobs) as one:
        yield one
