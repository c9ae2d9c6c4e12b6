"""Reconciling: after it, our sum is the provider's bill to the cent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from studio.blobs.s3 import S3BlobStore
from studio.bus.memory import MemoryBus
from studio.metadata import Database, Metadata
from studio.money import Money
from studio.problems import Unavailable
from studio.providers import stability
from studio.providers.accounts import Account, ProviderSettings
from studio.providers.buying import Buyer
from studio.providers.call import InDoubt, ProviderAway
from studio.providers.purchases import Purchases
from studio.providers.reconcile import Reconciler
from studio.providers.turns import Turns
from studio.service import Ports, StudioService, running
from tests.simulator import running_simulator
from tests.simulator.running import RunningSimulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def account(simulator: RunningSimulator) -> Account:
    simulator.reset()
    key = simulator.keys["stability"][0]
    return Account("stability", simulator.base["stability"], SecretStr(key))


@pytest.fixture
async def buyer(account: Account, database: Database, blobs: S3BlobStore) -> AsyncIterator[Buyer]:
    buyer = Buyer({"stability": account}, Purchases(database), Turns(database), blobs)
    yield buyer
    await buyer.close()


async def bought(buyer: Buyer, times: int) -> int:
    """How many of so many calls ended in doubt."""
    doubts = 0
    for _ in range(times):
        try:
            await buyer.buy(uuid4(), stability.generate_core("a cup"))
        except InDoubt:
            doubts += 1
        except ProviderAway:
            pass
    return doubts


async def test_calls_in_doubt_are_settled_by_the_balance(
    simulator: RunningSimulator, buyer: Buyer, account: Account, database: Database
) -> None:
    reconciler = Reconciler(account, buyer.purchases, database, buyer.client)
    await reconciler.open()
    await bought(buyer, 3)
    simulator.faults("stability", "close_before_reply", times=2)  # billed, and we never hear
    assert await bought(buyer, 2) == 2
    simulator.faults("stability", "html", times=1)  # not billed, and no picture
    assert await bought(buyer, 1) == 1
    spent = await buyer.purchases.spent(account.name)
    assert spent.amount == Decimal("0.18")  # all six, until we know better
    assert await reconciler.reconcile() == 3
    spent = await buyer.purchases.spent(account.name)
    assert spent.amount == Decimal(simulator.bill()["total"]["USD"]) == Decimal("0.15")
    assert await reconciler.reconcile() == 0


async def test_a_balance_that_somebody_else_changes_settles_nothing(
    simulator: RunningSimulator, buyer: Buyer, account: Account, database: Database
) -> None:
    reconciler = Reconciler(account, buyer.purchases, database, buyer.client)
    await reconciler.open()
    simulator.faults("stability", "close_before_reply", times=1)
    assert await bought(buyer, 1) == 1
    other = buyer.client  # the same key, used elsewhere
    headers = {"authorization": f"Bearer {account.key.get_secret_value()}"}
    await other.post(
        account.url + "/v2beta/stable-image/generate/ultra",
        headers={**headers, "accept": "image/*"},
        files={"none": ("", b"")},
        data={"prompt": "a plate"},
    )
    assert await reconciler.reconcile() == 0
    assert len(await buyer.purchases.in_doubt(account.name)) == 1


async def test_nothing_is_settled_while_a_job_may_or_may_not_be_on_the_bill(
    simulator: RunningSimulator, buyer: Buyer, account: Account, database: Database
) -> None:
    reconciler = Reconciler(account, buyer.purchases, database, buyer.client)
    await reconciler.open()
    simulator.faults("stability", "close_before_reply", times=1)
    assert await bought(buyer, 1) == 1
    job = uuid4()
    [(_, doubt)] = await buyer.purchases.in_doubt(account.name)
    await buyer.purchases.begin(job, 0, doubt.model_copy(update={"state": "job"}))
    assert await reconciler.reconcile() == 0
    await buyer.purchases.forget(job, 0)
    assert await reconciler.reconcile() == 1


async def test_nothing_is_settled_if_something_is_bought_while_the_balance_is_read(
    simulator: RunningSimulator,
    buyer: Buyer,
    account: Account,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reconciler = Reconciler(account, buyer.purchases, database, buyer.client)
    await reconciler.open()
    simulator.faults("stability", "close_before_reply", times=1)
    assert await bought(buyer, 1) == 1
    read = reconciler._balance

    async def slowly() -> Decimal:
        balance = await read()
        await bought(buyer, 1)
        return balance

    monkeypatch.setattr(reconciler, "_balance", slowly)
    assert await reconciler.reconcile() == 0  # the doubt would have been settled as free
    monkeypatch.undo()
    assert await reconciler.reconcile() == 1
    spent = await buyer.purchases.spent(account.name)
    assert spent.amount == Decimal(simulator.bill()["total"]["USD"])


async def test_nothing_is_settled_if_something_is_bought_while_an_explanation_is_looked_for(
    simulator: RunningSimulator,
    buyer: Buyer,
    account: Account,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reconciler = Reconciler(account, buyer.purchases, database, buyer.client)
    await reconciler.open()
    simulator.faults("stability", "close_before_reply", times=1)
    assert await bought(buyer, 1) == 1

    async def slowly(look: Callable[..., Any], *what: Any) -> Any:
        await bought(buyer, 1)
        return look(*what)

    monkeypatch.setattr("studio.providers.reconcile.compute", slowly)
    assert await reconciler.reconcile() == 0
    monkeypatch.undo()
    assert await reconciler.reconcile() == 1
    spent = await buyer.purchases.spent(account.name)
    assert spent.amount == Decimal(simulator.bill()["total"]["USD"]) == Decimal("0.06")


async def test_an_account_whose_balance_is_not_told_is_left_alone(
    buyer: Buyer, account: Account, database: Database
) -> None:
    nobody = Account("stability", "http://127.0.0.1:9", account.key)
    reconciler = Reconciler(nobody, buyer.purchases, database, buyer.client)
    await reconciler.open()
    assert await reconciler.reconcile() == 0


@pytest.mark.parametrize(("share", "is_read"), [(0.33, False), (1, True)])
async def test_a_balance_of_which_other_services_spend_is_not_read(
    account: Account, database: Database, blobs: S3BlobStore, share: float, is_read: bool
) -> None:
    settings = ProviderSettings(
        stability_api_key=account.key, stability_url=account.url, provider_share=share
    )
    bus = MemoryBus()
    async with running(StudioService("create", Ports(bus, blobs, database, settings), [])):
        pass
    await bus.close()
    statement = await database.collection("statements").get(account.name)
    assert (statement is not None) == is_read


async def test_services_with_databases_of_their_own_keep_one_book_of_an_account(
    simulator: RunningSimulator,
    account: Account,
    database: Database,
    metadata: Metadata,
    blobs: S3BlobStore,
    unique: str,
) -> None:
    """What one service left in doubt is settled by another, by the balance that both spend of."""
    settings = ProviderSettings(
        stability_api_key=account.key, stability_url=account.url, reconcile_interval=0.05
    )
    bus, own = MemoryBus(), metadata.database(f"{unique}_own")
    shared = Purchases(database)
    async with AsyncExitStack() as stack:
        for name in ("create", "edit"):
            ports = Ports(bus, blobs, own, settings, accounts=database)
            await stack.enter_async_context(running(StudioService(name, ports, [])))
        elsewhere = Buyer({"stability": account}, shared, Turns(database), blobs)
        stack.push_async_callback(elsewhere.close)
        await bought(elsewhere, 2)
        simulator.faults("stability", "close_before_reply", "generate/core", times=1)
        assert await bought(elsewhere, 1) == 1
        async with asyncio.timeout(20):
            while await shared.in_doubt(account.name):
                await asyncio.sleep(0.05)
    await bus.close()
    assert (await shared.spent(account.name)).amount == Decimal(simulator.bill()["total"]["USD"])
    assert await own.collection("statements").find({}) == []
    await own.drop()


async def test_a_call_that_was_just_sent_is_not_settled_as_nobody_may_have_billed_it_yet(
    simulator: RunningSimulator, buyer: Buyer, account: Account, database: Database
) -> None:
    patient = Reconciler(account, buyer.purchases, database, buyer.client, quiet=60)
    await patient.open()
    simulator.faults("stability", "close_before_reply", times=1)
    assert await bought(buyer, 1) == 1
    assert await patient.reconcile() == 0
    assert await Reconciler(account, buyer.purchases, database, buyer.client).reconcile() == 1


async def test_an_account_is_opened_later_if_it_did_not_tell_its_balance_at_first(
    simulator: RunningSimulator, buyer: Buyer, account: Account, database: Database
) -> None:
    key = Account("stability", "http://127.0.0.1:9", account.key)
    away = Reconciler(key, buyer.purchases, database, buyer.client)
    await away.open()
    reconciler = Reconciler(account, buyer.purchases, database, buyer.client)
    await reconciler.reconcile()
    simulator.faults("stability", "close_before_reply", times=1)
    assert await bought(buyer, 1) == 1
    assert await reconciler.reconcile() == 1


def topped_up(reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch, dollars: str) -> None:
    """From now on the account has so much more."""
    read = reconciler._balance

    async def more() -> Decimal:
        return await read() + Decimal(dollars)

    monkeypatch.setattr(reconciler, "_balance", more)


async def test_a_top_up_ends_no_reconciling(
    simulator: RunningSimulator,
    buyer: Buyer,
    account: Account,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reconciler = Reconciler(account, buyer.purchases, database, buyer.client)
    await reconciler.open()
    await bought(buyer, 2)
    topped_up(reconciler, monkeypatch, "100")
    assert await reconciler.reconcile() == 0
    simulator.faults("stability", "close_before_reply", times=1)
    simulator.faults("stability", "html", times=1)
    assert await bought(buyer, 2) == 2
    assert await reconciler.reconcile() == 2
    spent = await buyer.purchases.spent(account.name)
    assert spent.amount == Decimal(simulator.bill()["total"]["USD"]) == Decimal("0.09")


async def test_what_was_in_doubt_at_a_top_up_stays_so_and_later_doubts_are_settled(
    simulator: RunningSimulator,
    buyer: Buyer,
    account: Account,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reconciler = Reconciler(account, buyer.purchases, database, buyer.client)
    await reconciler.open()
    simulator.faults("stability", "close_before_reply", times=1)
    assert await bought(buyer, 1) == 1
    [(old, _)] = await buyer.purchases.in_doubt(account.name)
    topped_up(reconciler, monkeypatch, "100")
    assert await reconciler.reconcile() == 0
    buyer.purchases.longest_job = 0
    assert await reconciler.reconcile() == 0  # nothing will ever explain it: reckon from here
    simulator.faults("stability", "html", times=1)
    assert await bought(buyer, 1) == 1
    assert await reconciler.reconcile() == 1
    assert [key for key, _ in await buyer.purchases.in_doubt(account.name)] == [old]
    assert (await buyer.purchases.spent(account.name)).amount == Decimal("0.03")


async def test_what_was_in_doubt_before_the_first_statement_is_not_settled_as_billed(
    simulator: RunningSimulator, buyer: Buyer, account: Account, database: Database
) -> None:
    simulator.faults("stability", "html", times=1)  # not billed
    assert await bought(buyer, 1) == 1
    [(old, _)] = await buyer.purchases.in_doubt(account.name)
    reconciler = Reconciler(account, buyer.purchases, database, buyer.client)
    await reconciler.open()
    simulator.faults("stability", "close_before_reply", times=1)
    assert await bought(buyer, 1) == 1
    assert await reconciler.reconcile() == 1
    assert [key for key, _ in await buyer.purchases.in_doubt(account.name)] == [old]
    simulator.faults("stability", "html", times=1)
    assert await bought(buyer, 1) == 1
    assert await reconciler.reconcile() == 1  # as free
    spent = await buyer.purchases.spent(account.name)
    assert spent.amount == Decimal(simulator.bill()["total"]["USD"]) + Decimal("0.03")


async def test_the_first_statement_waits_for_doubts_that_may_be_billed_a_moment_later(
    simulator: RunningSimulator, buyer: Buyer, account: Account, database: Database
) -> None:
    simulator.faults("stability", "close_before_reply", times=1)
    assert await bought(buyer, 1) == 1
    patient = Reconciler(account, buyer.purchases, database, buyer.client, quiet=60)
    await patient.open()
    assert await patient.reconcile() == 0
    assert await database.collection("statements").find({}) == []
    reconciler = Reconciler(account, buyer.purchases, database, buyer.client)
    await reconciler.open()
    simulator.faults("stability", "html", times=1)
    assert await bought(buyer, 1) == 1
    assert await reconciler.reconcile() == 1  # as free
    spent = await buyer.purchases.spent(account.name)
    assert spent.amount == Decimal(simulator.bill()["total"]["USD"]) == Decimal("0.03")


@pytest.fixture
async def later(
    simulator: RunningSimulator, buyer: Buyer, account: Account, blobs: S3BlobStore
) -> AsyncIterator[Buyer]:
    """With another key of the same account, and the same books."""
    new = replace(account, key=SecretStr(simulator.keys["stability"][1]))
    later = Buyer({"stability": new}, buyer.purchases, buyer._turns, blobs)
    yield later
    await later.close()


@pytest.fixture
def both_and_new(
    simulator: RunningSimulator,
    buyer: Buyer,
    later: Buyer,
    account: Account,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Reconciler, Reconciler]:
    """One that has both keys, and one that has only the new one; they are told the same."""
    new = later.accounts["stability"]

    async def left() -> Decimal:
        return 1000 - Decimal(simulator.bill()["total"]["USD"])

    both = Reconciler(replace(new, former=(account.key,)), buyer.purchases, database, buyer.client)
    alone = Reconciler(new, buyer.purchases, database, buyer.client)
    for one in (both, alone):
        monkeypatch.setattr(one, "_balance", left)
    return both, alone


async def test_a_doubt_of_a_key_that_is_put_back_is_not_settled_by_what_came_since(
    simulator: RunningSimulator,
    buyer: Buyer,
    account: Account,
    both_and_new: tuple[Reconciler, Reconciler],
) -> None:
    both, alone = both_and_new
    simulator.faults("stability", "close_before_reply", times=1)
    assert await bought(buyer, 1) == 1
    await alone.open()
    assert await both.reconcile() == 0  # else it was free: nothing has fallen since
    assert await both.reconcile() == 0
    assert len(await buyer.purchases.in_doubt(account.name)) == 1
    simulator.faults("stability", "html", times=1)
    assert await bought(buyer, 1) == 1
    assert await both.reconcile() == 1
    spent = await buyer.purchases.spent(account.name)
    assert spent.amount == Decimal(simulator.bill()["total"]["USD"]) == Decimal("0.03")


async def test_what_a_key_bought_that_was_left_out_makes_no_doubt_of_the_other_one_billed(
    simulator: RunningSimulator,
    buyer: Buyer,
    later: Buyer,
    both_and_new: tuple[Reconciler, Reconciler],
) -> None:
    before, after = both_and_new
    await bought(buyer, 2)
    simulator.faults("stability", "html", times=2)
    await before.open()
    assert await bought(later, 2) == 2
    assert await after.reconcile() == 0  # else both were billed, since 0.06 are missing in our sum
    simulator.faults("stability", "close_before_reply", times=1)
    assert await bought(later, 1) == 1
    assert await after.reconcile() == 1
    new = later.accounts["stability"].name
    assert (await buyer.purchases.spent(new)).amount == Decimal("0.09")
    assert len(await buyer.purchases.in_doubt(new)) == 2


async def test_a_changed_key_changes_no_balance_and_doubts_of_the_old_one_are_settled(
    simulator: RunningSimulator,
    buyer: Buyer,
    account: Account,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = Reconciler(account, buyer.purchases, database, buyer.client)
    await before.open()
    simulator.faults("stability", "close_before_reply", times=1)
    assert await bought(buyer, 1) == 1
    changed = Account("stability", account.url, SecretStr("sk-new"), (account.key,))
    after = Reconciler(changed, buyer.purchases, database, buyer.client)
    monkeypatch.setattr(after, "_balance", before._balance)  # both keys are told the same
    assert await after.reconcile() == 1
    assert await bought(buyer, 1) == 0  # a service that still has the old key
    assert await after.reconcile() == 0
    spent = await buyer.purchases.spent(*changed.names)
    assert spent.amount == Decimal(simulator.bill()["total"]["USD"]) == Decimal("0.06")


async def test_a_service_starts_although_its_books_are_away_and_opens_them_later(
    buyer: Buyer, account: Account, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciler = Reconciler(account, buyer.purchases, database, buyer.client)

    async def away(*_: Any) -> Any:
        raise Unavailable(rule="test.away", says="It is away.")

    monkeypatch.setattr(buyer.purchases, "spent", away)
    await reconciler.open()
    assert await database.collection("statements").find({}) == []
    monkeypatch.undo()
    await reconciler.reconcile()
    assert len(await database.collection("statements").find({})) == 1


async def test_what_the_bill_has_settled_is_not_forgotten_before_it_was_told(
    simulator: RunningSimulator, buyer: Buyer, account: Account
) -> None:
    """The answer of a sender that was cut off comes late, and says that nothing was billed."""
    simulator.faults("stability", "close_before_reply", times=1)
    assert await bought(buyer, 1) == 1
    [(key, _)] = await buyer.purchases.in_doubt(account.name)
    await buyer.purchases.settle(key, Money.zero())
    [(_, step, _)] = await buyer.purchases.untold()
    await buyer.purchases.forget(step, 0)
    assert len(await buyer.purchases.untold()) == 1
