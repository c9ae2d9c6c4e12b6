"""fal's balance, which only a key with admin scope may read, settles the calls in doubt of fal."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from pydantic import SecretStr

from studio.blobs.s3 import S3BlobStore
from studio.bus.memory import MemoryBus
from studio.metadata import Database
from studio.providers import fal
from studio.providers.accounts import Account, Admin, ProviderSettings
from studio.providers.balances import balance
from studio.providers.buying import Buyer
from studio.providers.call import Call, InDoubt, Parked, ProviderAway
from studio.providers.purchases import Purchases
from studio.providers.reconcile import Reconciler
from studio.providers.turns import Turns
from studio.service import Ports, StudioService, running
from tests.simulator import running_simulator
from tests.simulator.running import RunningSimulator

SETTING = "STUDIO_FAL_ADMIN_API_KEY"
CENTS = fal.generate("a cup", model="flux.dev", num_images=2)  # 0.025 each
LESS_THAN_A_CENT = fal.generate("a cup", model="flux.schnell")  # 0.003


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(job_s=0.05) as running:
        yield running


@pytest.fixture
def account(simulator: RunningSimulator) -> Account:
    simulator.reset()
    admin = Admin(simulator.admin_base["fal"], SecretStr(simulator.admin_keys["fal"][0]))
    return Account("fal", simulator.base["fal"], SecretStr(simulator.keys["fal"][0]), admin=admin)


@pytest.fixture
async def buyer(account: Account, database: Database, blobs: S3BlobStore) -> AsyncIterator[Buyer]:
    buyer = Buyer({"fal": account}, Purchases(database), Turns(database), blobs)
    yield buyer
    await buyer.close()


@pytest.fixture
def reconciler(buyer: Buyer, account: Account, database: Database) -> Reconciler:
    return Reconciler(account, buyer.purchases, database, buyer.client)


@pytest.fixture
def settings(account: Account) -> ProviderSettings:
    """Of a service that may buy from fal and not read its balance."""
    assert account.admin
    return ProviderSettings(
        fal_api_key=account.key,
        fal_url=account.url,
        fal_admin_url=account.admin.url,
        reconcile_interval=0.05,
    )


async def bought(buyer: Buyer, call: Call) -> None:
    step = uuid4()
    while True:
        try:
            await buyer.buy(step, call)
            return
        except Parked:
            await asyncio.sleep(0.02)


async def doubtful(simulator: RunningSimulator, buyer: Buyer, call: Call, *, billed: bool) -> None:
    simulator.faults("fal", "close_before_reply" if billed else "html", "submit", times=1)
    with pytest.raises(InDoubt):
        await buyer.buy(uuid4(), call)


async def spent(buyer: Buyer, account: Account) -> Decimal:
    return (await buyer.purchases.spent(account.name)).amount


def billed(simulator: RunningSimulator) -> Decimal:
    return Decimal(simulator.bill()["total"]["USD"])


async def test_a_doubtful_call_of_fal_that_was_billed_costs_its_price_and_no_more(
    simulator: RunningSimulator, buyer: Buyer, account: Account, reconciler: Reconciler
) -> None:
    await reconciler.open()
    await bought(buyer, CENTS)
    await doubtful(simulator, buyer, LESS_THAN_A_CENT, billed=True)
    assert await spent(buyer, account) == Decimal("0.056")  # two megapixels, until we know better
    assert await reconciler.reconcile() == 1
    assert await spent(buyer, account) == billed(simulator) == Decimal("0.053")


async def test_a_doubtful_call_of_fal_that_was_not_billed_costs_nothing(
    simulator: RunningSimulator, buyer: Buyer, account: Account, reconciler: Reconciler
) -> None:
    await reconciler.open()
    await bought(buyer, CENTS)
    await doubtful(simulator, buyer, LESS_THAN_A_CENT, billed=False)
    assert await reconciler.reconcile() == 1
    assert await spent(buyer, account) == billed(simulator) == Decimal("0.05")


async def test_of_several_doubtful_calls_those_are_settled_as_billed_that_explain_the_balance(
    simulator: RunningSimulator, buyer: Buyer, account: Account, reconciler: Reconciler
) -> None:
    await reconciler.open()
    for call, is_billed in ((CENTS, False), (LESS_THAN_A_CENT, True), (CENTS, True)):
        await doubtful(simulator, buyer, call, billed=is_billed)
    assert await reconciler.reconcile() == 3
    assert await spent(buyer, account) == billed(simulator) == Decimal("0.053")
    assert await buyer.purchases.in_doubt(account.name) == []


async def test_a_balance_that_was_never_seen_to_fall_does_not_make_a_doubtful_call_free(
    simulator: RunningSimulator, buyer: Buyer, account: Account, reconciler: Reconciler
) -> None:
    """As that of an account which pays by invoice."""
    await reconciler.open()
    await doubtful(simulator, buyer, LESS_THAN_A_CENT, billed=False)
    assert await reconciler.reconcile() == 0
    assert await spent(buyer, account) == Decimal("0.006")
    await bought(buyer, CENTS)
    assert await reconciler.reconcile() == 1
    assert await spent(buyer, account) == billed(simulator) == Decimal("0.05")


async def test_a_balance_that_fell_once_is_believed_later(
    simulator: RunningSimulator, buyer: Buyer, account: Account, reconciler: Reconciler
) -> None:
    await reconciler.open()
    await bought(buyer, CENTS)
    assert await reconciler.reconcile() == 0  # nothing is in doubt: where it stands is written down
    await doubtful(simulator, buyer, LESS_THAN_A_CENT, billed=False)
    assert await reconciler.reconcile() == 1
    assert await spent(buyer, account) == billed(simulator) == Decimal("0.05")


async def test_nothing_is_reckoned_while_a_call_may_be_on_its_way_into_a_balance_that_is_late(
    buyer: Buyer, account: Account, database: Database
) -> None:
    patient = Reconciler(account, buyer.purchases, database, buyer.client, quiet=60)
    await bought(buyer, CENTS)
    await patient.open()
    assert await database.collection("statements").find({}) == []
    purchases = database.collection("purchases")
    [row] = await purchases.find({})
    earlier = {"since": datetime.now(UTC) - timedelta(seconds=61)}
    await purchases.update_one({"_id": row["_id"]}, {"$set": earlier})
    await patient.open()
    [statement] = await database.collection("statements").find({})
    assert Decimal(statement["spent"]) == Decimal("0.05")


async def test_services_settle_doubts_of_fal_by_the_key_that_they_are_given_for_it(
    simulator: RunningSimulator,
    buyer: Buyer,
    account: Account,
    settings: ProviderSettings,
    database: Database,
    blobs: S3BlobStore,
) -> None:
    assert account.admin
    given = settings.model_copy(update={"fal_admin_api_key": account.admin.key})
    bus = MemoryBus()
    async with running(StudioService("create", Ports(bus, blobs, database, given), [])):
        await doubtful(simulator, buyer, LESS_THAN_A_CENT, billed=True)
        async with asyncio.timeout(20):
            while await buyer.purchases.in_doubt(account.name):
                await asyncio.sleep(0.05)
    await bus.close()
    assert await spent(buyer, account) == billed(simulator) == Decimal("0.003")


async def test_without_an_admin_key_doubts_of_fal_stay_and_that_is_told_once(
    settings: ProviderSettings,
    account: Account,
    database: Database,
    blobs: S3BlobStore,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    bus = MemoryBus()
    async with running(StudioService("create", Ports(bus, blobs, database, settings), [])):
        pass
    await bus.close()
    told = [one.getMessage() for one in caplog.records if SETTING in one.getMessage()]
    assert told == [f"Calls in doubt of fal stay so: {SETTING} is not set"]
    assert await database.collection("statements").find({}) == []


@pytest.mark.parametrize(("which", "status"), [("ordinary", 403), ("unknown", 401)])
async def test_a_service_goes_on_with_an_admin_key_that_is_refused_and_names_its_setting(
    simulator: RunningSimulator,
    account: Account,
    settings: ProviderSettings,
    database: Database,
    blobs: S3BlobStore,
    caplog: pytest.LogCaptureFixture,
    which: str,
    status: int,
) -> None:
    key = simulator.keys["fal"][0] if which == "ordinary" else "id-unknown:secret"
    given = settings.model_copy(update={"fal_admin_api_key": SecretStr(key)})
    caplog.set_level(logging.DEBUG)
    bus = MemoryBus()
    service = StudioService("create", Ports(bus, blobs, database, given), [])

    def told() -> list[str]:
        return [one.getMessage() for one in caplog.records if SETTING in one.getMessage()]

    async with running(service), asyncio.timeout(20):
        while len(told()) < 3:  # it goes on asking
            await asyncio.sleep(0.05)
        await service.tasks.check()  # and is ready
    await bus.close()
    assert f"(HTTP {status}); that must be a valid key of the account with admin scope" in told()[0]
    assert key not in caplog.text
    assert await database.collection("statements").find({}) == []


async def test_an_admin_key_that_was_revoked_later_settles_nothing_and_is_told(
    simulator: RunningSimulator,
    buyer: Buyer,
    account: Account,
    database: Database,
    reconciler: Reconciler,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert account.admin
    await reconciler.open()
    await doubtful(simulator, buyer, CENTS, billed=False)
    revoked = replace(account, admin=replace(account.admin, key=SecretStr("id-revoked:secret")))
    later = Reconciler(revoked, buyer.purchases, database, buyer.client)
    assert await later.reconcile() == 0
    assert SETTING in caplog.text
    assert "id-revoked" not in caplog.text
    assert len(await buyer.purchases.in_doubt(account.name)) == 1


async def test_an_admin_key_that_cannot_be_sent_is_not_in_the_error(
    buyer: Buyer, account: Account
) -> None:
    assert account.admin
    broken = replace(account, admin=replace(account.admin, key=SecretStr("id-broken\nkey")))
    with pytest.raises(ProviderAway) as away:
        await balance(broken, buyer.client)
    told = "".join(traceback.format_exception(away.value)) + repr(broken)
    assert "id-broken" not in told


@pytest.mark.parametrize("fault", ["429", "500", "html"])
async def test_a_balance_that_is_not_told_now_is_asked_for_again(
    simulator: RunningSimulator,
    buyer: Buyer,
    account: Account,
    reconciler: Reconciler,
    fault: str,
) -> None:
    await reconciler.open()
    await doubtful(simulator, buyer, CENTS, billed=True)
    simulator.faults("fal", fault, "account/billing", times=1)
    with pytest.raises(ProviderAway, match="fal did not tell its balance"):
        await reconciler.reconcile()
    assert await reconciler.reconcile() == 1
    assert await spent(buyer, account) == billed(simulator) == Decimal("0.05")
