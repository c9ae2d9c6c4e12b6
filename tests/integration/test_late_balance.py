"""fal bills what has run and may tell it late: nothing is settled by a balance that knows less.

Nor is it by one that does not fall with what we buy, since purchases may go on an invoice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from studio.blobs.s3 import S3BlobStore
from studio.metadata import Collection, Database
from studio.providers.purchases import LONGEST_JOB, Purchases
from studio.providers.reconcile import Reconciler, reconcilers
from tests.integration.fal_account import (
    CENTS,
    JOB,
    LESS_THAN_A_CENT,
    LONG,
    Customer,
    customer,
    simulator,
)
from tests.simulator import running_simulator

__all__ = ["customer", "simulator"]

LAG = 300  # s after which fal's balance tells what has run, where it is late


def tells(customer: Customer, monkeypatch: pytest.MonkeyPatch, change: Callable[..., Any]) -> None:
    """From now on the balance is another: change(US$) of what it would be."""
    read = customer.reconciler._balance

    async def changed() -> Decimal:
        return Decimal(change(await read()))

    monkeypatch.setattr(customer.reconciler, "_balance", changed)


# What falls


async def test_a_balance_that_was_never_seen_to_fall_does_not_make_a_doubtful_call_free(
    customer: Customer, caplog: pytest.LogCaptureFixture
) -> None:
    """As that of an account which pays by invoice."""
    await customer.loses(LESS_THAN_A_CENT, billed=False)
    await customer.waits()
    for times in (1, 2):
        assert await customer.reconciler.reconcile() == 0
        assert caplog.text.count("was not seen to fall yet") == times
    assert await customer.spent() == Decimal("0.006")
    await customer.buys(CENTS)
    await customer.waits()
    assert await customer.reconciler.reconcile() == 1
    assert await customer.spent() == customer.billed() == Decimal("0.05")


async def test_a_balance_that_fell_once_is_believed_later(customer: Customer) -> None:
    await customer.buys(CENTS)
    await customer.waits()
    assert await customer.reconciler.reconcile() == 0  # nothing is in doubt: it is written down
    await customer.loses(LESS_THAN_A_CENT, billed=False)
    await customer.waits()
    assert await customer.reconciler.reconcile() == 1
    assert await customer.spent() == customer.billed() == Decimal("0.05")


async def test_a_balance_that_stays_where_it_is_when_we_buy_is_believed_no_longer(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account was prepaid, and pays by invoice now."""
    await customer.buys(CENTS)
    await customer.reconciler.reconcile()
    assert (await customer.statement())["falls"]
    tells(customer, monkeypatch, lambda _: "999.95")
    await customer.buys(CENTS)
    await customer.reconciler.reconcile()
    assert not (await customer.statement())["falls"]
    await customer.loses(CENTS, billed=True)
    await customer.waits()
    assert await customer.reconciler.reconcile() == 0
    assert await customer.spent() == Decimal("0.20")  # and not as if it had been free


async def test_what_is_only_the_inexactness_of_floats_is_no_fall(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await customer.loses(CENTS, billed=False)
    await customer.waits()
    tells(customer, monkeypatch, lambda dollars: dollars - Decimal("0.0000000005"))
    assert await customer.reconciler.reconcile() == 0
    assert await customer.spent() == Decimal("0.10")


async def test_what_was_in_doubt_at_a_top_up_of_fal_stays_so_and_later_doubts_are_settled(
    customer: Customer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await customer.loses(CENTS, billed=False)
    [(old, _)] = await customer.buyer.purchases.in_doubt(customer.account.name)
    tells(customer, monkeypatch, lambda dollars: dollars + 100)
    await customer.buys(LESS_THAN_A_CENT)
    await customer.waits()
    assert await customer.reconciler.reconcile() == 0
    assert "was not seen to fall yet" in caplog.text
    assert Decimal((await customer.statement())["spent"]) == 0
    await customer.waits()  # so long that nothing will explain it any more: we reckon from here
    assert await customer.reconciler.reconcile() == 0
    assert (await customer.statement())["doubts"] == [old]
    await customer.buys(LESS_THAN_A_CENT)
    await customer.loses(CENTS, billed=True)
    await customer.waits()
    assert await customer.reconciler.reconcile() == 1
    assert [key for key, _ in await customer.buyer.purchases.in_doubt(customer.account.name)] == [
        old
    ]
    assert await customer.spent() == customer.billed() + Decimal("0.10")


async def test_a_doubt_that_was_cancelled_and_turns_out_to_cost_less_makes_no_other_one_billed(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = await customer.gives_up(LESS_THAN_A_CENT)
    tells(customer, monkeypatch, lambda dollars: dollars + 100)
    await customer.waits(2 * LONG)
    assert await customer.reconciler.reconcile() == 0
    assert (await customer.statement())["doubted"] == "0.006"
    await customer.buyer.buy(step, LESS_THAN_A_CENT)  # a replay: it is there, and cost 0.003
    await customer.buys(CENTS)
    await customer.loses(LESS_THAN_A_CENT, billed=False)
    await customer.waits()
    assert await customer.reconciler.reconcile() == 1
    assert await customer.spent() == customer.billed() == Decimal("0.053")


async def test_a_statement_that_does_not_tell_what_its_doubts_counted_is_still_reckoned_with(
    customer: Customer,
) -> None:
    """One of the release before, which took what was refused for certain."""
    await customer.is_refused()
    [(refused, _)] = await customer.buyer.purchases.in_doubt(customer.account.name)
    former = {"balance": "1000", "spent": "0.10", "doubts": [], "falls": False}
    statements = customer.database.collection("statements")
    await statements.delete_one({"_id": customer.account.name})
    await statements.upsert(customer.account.name, {**former, "at": datetime.now(UTC)})
    await customer.loses(LESS_THAN_A_CENT, billed=True)
    await customer.waits()
    assert await customer.reconciler.reconcile() == 1
    left = await customer.buyer.purchases.in_doubt(customer.account.name)
    assert [key for key, _ in left] == [refused]
    assert await customer.spent() == customer.billed() + Decimal("0.10")


async def test_a_riddle_ends_for_an_old_doubt_although_new_ones_keep_coming(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await customer.loses(CENTS, billed=False)
    tells(customer, monkeypatch, lambda dollars: dollars + 100)
    await customer.waits(2 * LONG)
    await customer.is_refused()
    assert await customer.reconciler.reconcile() == 0
    assert len((await customer.statement())["doubts"]) == 2
    await customer.buys(CENTS)
    await customer.loses(LESS_THAN_A_CENT, billed=False)
    await customer.waits()
    assert await customer.reconciler.reconcile() == 1


# What is late


async def test_nothing_is_reckoned_while_a_call_may_be_on_its_way_into_a_balance_that_is_late(
    customer: Customer, database: Database
) -> None:
    await customer.buys(CENTS)
    buyer = customer.buyer
    patient = Reconciler(customer.account, buyer.purchases, database, buyer.client, quiet=LAG)
    assert await patient._reading() is None
    await customer.waits(LAG + 1)
    assert await patient._reading()


async def test_the_silence_is_counted_from_when_a_result_came_and_not_from_its_sending(
    database: Database, blobs: S3BlobStore
) -> None:
    with running_simulator(job_s=JOB, fal_balance_lag=LAG) as fal:
        async with Customer.of(fal, database, blobs, quiet=2 * LAG) as customer:
            await customer.loses(CENTS, billed=True)
            fal.advance(JOB + LAG)  # the balance tells of it
            await customer.buys(CENTS)  # and of this one not yet
            sent = {"since": datetime.now(UTC) - timedelta(seconds=3 * LONGEST_JOB)}
            await database.collection("purchases").update_many({}, {"$set": sent})
            assert await customer.reconciler.reconcile() == 0  # else the doubt would be free
            assert await customer.spent() == Decimal("0.15")
            await customer.waits(2 * LAG + 1)
            assert await customer.reconciler.reconcile() == 1
            assert await customer.spent() == customer.billed() == Decimal("0.10")


async def test_a_call_that_may_wait_in_the_queue_is_not_settled_as_free(
    database: Database, blobs: S3BlobStore
) -> None:
    with running_simulator(job_s=1500) as fal:
        async with Customer.of(fal, database, blobs, quiet=LAG) as customer:
            for _ in range(3):  # two run at a time
                await customer.loses(CENTS, billed=True)
            await customer.waits(1600)
            assert customer.billed() == Decimal("0.10")
            assert await customer.reconciler.reconcile() == 0  # though two would explain it
            await customer.waits(2000)
            assert await customer.reconciler.reconcile() == 0
            await customer.waits(LAG + 1)
            assert await customer.reconciler.reconcile() == 3
            assert await customer.spent() == customer.billed() == Decimal("0.15")


async def test_of_rows_that_were_written_by_an_older_version_the_sending_is_what_counts(
    customer: Customer, database: Database
) -> None:
    await customer.buys(CENTS)
    await database.collection("purchases").update_many(
        {}, {"$unset": {"changed": "", "guessed": ""}}
    )
    purchases, now = customer.buyer.purchases, datetime.now(UTC)
    just, long = now - timedelta(seconds=60), now + timedelta(seconds=60)
    assert await purchases.has_changed_after(just, customer.account.name)
    assert not await purchases.has_changed_after(long, customer.account.name)


async def test_whether_anything_has_changed_is_told_by_an_index(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await database.ensure_indexes(Purchases.indexes)
    rows, now = database.collection("purchases"), datetime.now(UTC)
    await rows.insert({"_id": "a", "account": "fal 1", "since": now, "changed": now})
    asked = []
    count = Collection.count

    async def told(self: Collection, filter_: Any, **how: Any) -> int:
        asked.append(filter_)
        return await count(self, filter_, **how)

    monkeypatch.setattr(Collection, "count", told)
    assert await Purchases(database).has_changed_after(now - timedelta(seconds=60), "fal 1")
    assert len(asked) == 2
    for one in asked:
        plan = await rows.explain(one)
        winning = json.dumps(plan["queryPlanner"]["winningPlan"], default=str)
        assert "account_1_changed_1_since_1" in winning, one
        assert "COLLSCAN" not in winning, one


@pytest.mark.parametrize(("longest", "of_fal"), [(LONGEST_JOB, 600), (20, 20)])
async def test_fals_silence_is_no_less_than_ten_minutes_or_the_longest_job(
    customer: Customer, database: Database, longest: float, of_fal: float
) -> None:
    stability = replace(customer.account, provider="stability")
    purchases = Purchases(database, longest_job=longest)
    both = (customer.account, stability)
    found = reconcilers(both, purchases, database, customer.buyer.client, quiet=1)
    assert {one.provider: one.quiet for one in found} == {"fal": of_fal, "stability": 1}
    found = reconcilers(both, purchases, database, customer.buyer.client, quiet=900)
    assert {one.quiet for one in found} == {900}


async def test_forty_doubts_are_settled_together_and_what_nothing_explains_settles_none(
    customer: Customer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await customer.loses(LESS_THAN_A_CENT, billed=False)
    rows = customer.database.collection("purchases")
    [row] = await rows.find({})
    for number in range(39):
        price = {"amount": ("0.003", "0.025", "0.05")[number % 3], "currency": "USD"}
        await rows.insert({**row, "_id": f"{uuid4()} 00", "price": price})
    await customer.waits()
    with monkeypatch.context() as patch:
        tells(customer, patch, lambda dollars: dollars - Decimal("0.001"))
        assert await customer.reconciler.reconcile() == 0
        assert "is not explained by what we bought" in caplog.text
    tells(customer, monkeypatch, lambda dollars: dollars - Decimal("0.081"))
    assert await customer.reconciler.reconcile() == 40
    assert await customer.spent() == Decimal("0.081")
