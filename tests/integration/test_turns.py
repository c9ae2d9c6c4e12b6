"""Turns: an account that was told to rest rests, in every replica and whether its rate is known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from pydantic import SecretStr

from studio.blobs.s3 import S3BlobStore
from studio.metadata import Database
from studio.money import Money
from studio.providers.accounts import Account
from studio.providers.buying import Buyer
from studio.providers.call import Call, Throttled
from studio.providers.limits import provider_limits
from studio.providers.purchases import Purchases
from studio.providers.turns import Turns
from tests.integration.test_buying import read
from tests.servers.shop import Shop, open_shop

NAME = "stability x"
PACE = {"per_second": 10, "burst": 20}


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as open_:
        yield open_


@pytest.fixture
def now() -> list[datetime]:
    """The clock of all replicas, set by hand."""
    return [datetime(2026, 1, 1, tzinfo=UTC)]


@pytest.fixture
def turns(database: Database, now: list[datetime]) -> Turns:
    return Turns(database, now=lambda: now[0])


async def test_an_account_rests_even_if_no_turn_was_taken_before(turns: Turns) -> None:
    await turns.rest(NAME, 60)
    with pytest.raises(Throttled) as throttled:
        await turns.take(NAME, **PACE)
    assert throttled.value.retry_after == pytest.approx(60)


async def test_a_short_rest_does_not_end_a_longer_one(turns: Turns, now: list[datetime]) -> None:
    await turns.rest(NAME, 60)
    await turns.rest(NAME, 1)
    now[0] += timedelta(seconds=30)
    with pytest.raises(Throttled):
        await turns.take(NAME, **PACE)
    now[0] += timedelta(seconds=31)
    await turns.take(NAME, **PACE)


async def test_an_account_whose_rate_nobody_tells_rests_for_all_replicas(
    shop: Shop, database: Database, blobs: S3BlobStore, turns: Turns, now: list[datetime]
) -> None:
    assert provider_limits("fal").rate is None
    account = Account("fal", shop.url, SecretStr("sk-one"))
    buyer = Buyer({"fal": account}, Purchases(database), turns, blobs)
    call = Call("fal", "upscale.clarity", "/picture", read, Money.of("0.05"))
    await Turns(database, now=lambda: now[0]).rest(account.name, 60)  # another replica was told
    with pytest.raises(Throttled):
        await buyer.buy(uuid4(), call)
    assert shop.asked.total() == 0
    now[0] += timedelta(seconds=61)
    assert (await buyer.buy(uuid4(), call)).cost == Money.of("0.05")
    await buyer.close()
