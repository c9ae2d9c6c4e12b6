"""fal's balance, which only a key with admin scope may read, settles the calls in doubt of fal.

It follows a call late (tests/integration/test_late_balance.py); here so much time passes each time
that it knows all.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from dataclasses import replace
from decimal import Decimal

import pytest
from pydantic import SecretStr

from studio.blobs.s3 import S3BlobStore
from studio.bus.memory import MemoryBus
from studio.metadata import Database
from studio.providers.accounts import Account, ProviderSettings
from studio.providers.balances import balance
from studio.providers.call import Call, ProviderAway
from studio.providers.reconcile import Reconciler
from studio.service import Ports, StudioService, running
from tests.integration.fal_account import (
    CENTS,
    ENLARGED,
    FOLLOWED,
    JOB,
    LESS_THAN_A_CENT,
    Customer,
    account_at,
    customer,
    simulator,
)
from tests.integration.test_metrics import sample
from tests.simulator import running_simulator
from tests.simulator.running import RunningSimulator

__all__ = ["customer", "simulator"]

SETTING = "STUDIO_FAL_ADMIN_API_KEY"


def counted() -> float:
    """US$ that the metric tells of fal."""
    return sample("studio_spent_total", provider="fal", currency="USD")


@pytest.fixture
def account(simulator: RunningSimulator) -> Account:
    simulator.reset()
    return account_at(simulator)


@pytest.fixture
def settings(account: Account) -> ProviderSettings:
    """Of a service that may buy from fal and not read its balance."""
    assert account.admin
    return ProviderSettings(
        fal_api_key=account.key,
        fal_url=account.url,
        fal_admin_url=account.admin.url,
        reconcile_interval=0.05,
        longest_job=0.2,
    )


async def test_a_doubtful_call_of_fal_that_was_billed_costs_its_price_and_no_more(
    customer: Customer,
) -> None:
    await customer.buys(CENTS)
    await customer.loses(LESS_THAN_A_CENT, billed=True)
    assert await customer.spent() == Decimal("0.056")  # two megapixels, until we know better
    await customer.waits()
    assert await customer.reconciler.reconcile() == 1
    assert await customer.spent() == customer.billed() == Decimal("0.053")


async def test_a_doubtful_call_of_fal_that_was_not_billed_costs_nothing(
    customer: Customer,
) -> None:
    await customer.buys(CENTS)
    await customer.loses(LESS_THAN_A_CENT, billed=False)
    await customer.waits()
    assert await customer.reconciler.reconcile() == 1
    assert await customer.spent() == customer.billed() == Decimal("0.05")


async def test_of_several_doubtful_calls_those_are_settled_as_billed_that_explain_the_balance(
    customer: Customer,
) -> None:
    for call, is_billed in ((CENTS, False), (LESS_THAN_A_CENT, True), (CENTS, True)):
        await customer.loses(call, billed=is_billed)
    await customer.waits()
    assert await customer.reconciler.reconcile() == 3
    assert await customer.spent() == customer.billed() == Decimal("0.053")
    assert await customer.buyer.purchases.in_doubt(customer.account.name) == []


@pytest.mark.parametrize(("call", "cost"), [(FOLLOWED, "0.06"), (ENLARGED, "0.15")])
async def test_what_is_billed_by_the_megapixel_costs_what_the_size_of_its_result_tells(
    customer: Customer, call: Call, cost: str
) -> None:
    await customer.buys(call)
    assert await customer.spent() == customer.billed() == Decimal(cost)
    await customer.loses(LESS_THAN_A_CENT, billed=False)
    await customer.waits()
    assert await customer.reconciler.reconcile() == 1  # it is no riddle what the other has cost
    assert await customer.spent() == customer.billed() == Decimal(cost)


async def test_a_doubtful_call_that_was_billed_by_the_megapixel_costs_what_is_missing(
    customer: Customer,
) -> None:
    await customer.loses(ENLARGED, billed=True)
    assert await customer.spent() == Decimal("0.51")
    await customer.waits()
    assert await customer.reconciler.reconcile() == 1
    assert await customer.spent() == customer.billed() == Decimal("0.15")


@pytest.mark.parametrize("is_billed", [False, True])
async def test_what_was_refused_and_may_have_been_billed_is_settled_like_a_doubt(
    database: Database, blobs: S3BlobStore, is_billed: bool
) -> None:
    with running_simulator(job_s=JOB, fal_422_billed=is_billed) as fal:
        async with Customer.of(fal, database, blobs) as customer:
            await customer.buys(CENTS)
            await customer.is_refused()
            await customer.loses(LESS_THAN_A_CENT, billed=False)
            assert await customer.spent() == Decimal("0.156")
            await customer.waits()
            before = counted()
            assert await customer.reconciler.reconcile() == 2
            assert await customer.spent() == customer.billed()
            settled = float(customer.billed()) - 0.05  # what was bought is counted before
            assert counted() - before == pytest.approx(settled)
            untold = await customer.buyer.purchases.untold()
            rules = {one.problem.rule for _, _, one in untold if one.problem}
            assert rules == {"provider.moderated", "provider.in_doubt"}
            assert await customer.reconciler.reconcile() == 0


async def test_money_that_a_settlement_finds_is_counted_and_not_once_more_if_its_picture_comes(
    customer: Customer,
) -> None:
    before = counted()
    step = await customer.gives_up(CENTS)
    await customer.waits()
    assert counted() == before
    assert await customer.reconciler.reconcile() == 1
    assert counted() - before == pytest.approx(0.05)
    assert len((await customer.buyer.buy(step, CENTS)).files) == 2
    assert counted() - before == pytest.approx(0.05) == float(customer.billed())


async def test_services_settle_doubts_of_fal_by_the_key_that_they_are_given_for_it(
    customer: Customer, settings: ProviderSettings, database: Database, blobs: S3BlobStore
) -> None:
    assert customer.account.admin
    given = settings.model_copy(update={"fal_admin_api_key": customer.account.admin.key})
    bus = MemoryBus()
    async with running(StudioService("create", Ports(bus, blobs, database, given), [])):
        await customer.loses(LESS_THAN_A_CENT, billed=True)
        async with asyncio.timeout(20):
            while await customer.buyer.purchases.in_doubt(customer.account.name):
                await asyncio.sleep(0.05)
    await bus.close()
    assert await customer.spent() == customer.billed() == Decimal("0.003")


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
    customer: Customer, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    account, buyer = customer.account, customer.buyer
    assert account.admin
    await customer.loses(CENTS, billed=False)
    await customer.waits()
    revoked = replace(account, admin=replace(account.admin, key=SecretStr("id-revoked:secret")))
    after = Reconciler(revoked, buyer.purchases, database, buyer.client)
    assert await after.reconcile() == 0
    assert SETTING in caplog.text
    assert "id-revoked" not in caplog.text
    assert len(await buyer.purchases.in_doubt(account.name)) == 1


async def test_an_admin_key_that_cannot_be_sent_is_not_in_the_error(customer: Customer) -> None:
    account = customer.account
    assert account.admin
    broken = replace(account, admin=replace(account.admin, key=SecretStr("id-broken\nkey")))
    with pytest.raises(ProviderAway) as away:
        await balance(broken, customer.buyer.client)
    told = "".join(traceback.format_exception(away.value)) + repr(broken)
    assert "id-broken" not in told


@pytest.mark.parametrize("fault", ["429", "500", "html"])
async def test_a_balance_that_is_not_told_now_is_asked_for_again(
    customer: Customer, fault: str
) -> None:
    await customer.loses(CENTS, billed=True)
    await customer.waits()
    customer.simulator.faults("fal", fault, "account/billing", times=1)
    with pytest.raises(ProviderAway, match="fal did not tell its balance"):
        await customer.reconciler.reconcile()
    assert await customer.reconciler.reconcile() == 1
    assert await customer.spent() == customer.billed() == Decimal("0.05")


async def test_a_service_with_an_admin_key_and_none_that_buys_says_so(
    settings: ProviderSettings,
    database: Database,
    blobs: S3BlobStore,
    caplog: pytest.LogCaptureFixture,
) -> None:
    alone = {"fal_api_key": None, "fal_admin_api_key": SecretStr("id-admin:secret")}
    given = settings.model_copy(update=alone)
    bus = MemoryBus()
    async with running(StudioService("create", Ports(bus, blobs, database, given), [])):
        pass
    await bus.close()
    assert f"{SETTING} is of no use: STUDIO_FAL_API_KEY is not set" in caplog.messages
