"""Buying: a paid call is paid for once, whatever ends in the middle of it."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from studio.blobs.s3 import S3BlobStore
from studio.metadata import Database
from studio.money import Money
from studio.problems import Unavailable
from studio.providers.accounts import Account, ProviderSettings, accounts
from studio.providers.breaker import Breaker
from studio.providers.buying import Buyer
from studio.providers.call import (
    AnotherSold,
    Answer,
    Call,
    Files,
    InDoubt,
    Job,
    Links,
    Moderated,
    Overtaken,
    Parked,
    ProviderAway,
    ProviderRefused,
    Throttled,
)
from studio.providers.pictures import key_refused
from studio.providers.purchases import Purchase, Purchases
from studio.providers.turns import Turns
from tests.servers.shop import PICTURE, Shop, open_shop

PRICE = Money.of("0.05")
KEY = "sk-a-very-secret-key"


def read(response: httpx.Response) -> Answer:
    """The shop's protocol."""
    kind = response.headers["content-type"]
    if response.status_code == 202:
        return Job("job-1", "/result", every=0.1)
    if response.status_code == 401:
        raise key_refused("shop", response.text)
    if response.status_code >= 400:
        raise ProviderRefused(rule="shop.refused", says=response.text, fix="Ask otherwise.")
    if response.headers.get("finish-reason"):
        raise Moderated(provider="shop", says="no cats.", billed="yes")
    if kind == "text/job":
        return Job(response.text, "/result", every=0.1)
    if kind == "text/uri-list":
        return Links(response.text.split())
    if not kind.startswith("image/"):
        raise ValueError("no picture")
    return Files([response.content], details={"seed": 7})


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as open_:
        yield open_


@pytest.fixture
def account(shop: Shop) -> Account:
    return Account("stability", shop.url, SecretStr(KEY))


@pytest.fixture
async def buyer(account: Account, database: Database, blobs: S3BlobStore) -> AsyncIterator[Buyer]:
    buyer = new_buyer(account, database, blobs)
    yield buyer
    await buyer.close()


def new_buyer(account: Account, database: Database, blobs: S3BlobStore, **how: Any) -> Buyer:
    """Another process would build its own, on the same database."""
    accounts = {account.provider: account}
    return Buyer(accounts, Purchases(database), Turns(database), blobs, **how)


def call(path: str) -> Call:
    return Call("stability", "edit.erase", path, read, PRICE, form={"prompt": "a cup"})


async def known(database: Database, step: UUID) -> Purchase:
    found = await Purchases(database).get(step, 0)
    assert found is not None
    return found


async def test_a_repeated_step_gets_the_same_picture_and_buys_nothing(
    buyer: Buyer, shop: Shop
) -> None:
    step = uuid4()
    first = await buyer.buy(step, call("/picture"))
    again = await buyer.buy(step, call("/picture"))
    assert first.files == again.files == [PICTURE]
    assert first.cost == again.cost == PRICE
    assert again.details["seed"] == 7
    assert shop.billed.total() == 1


async def test_every_variation_of_a_step_is_a_purchase_of_its_own(
    buyer: Buyer, shop: Shop, account: Account
) -> None:
    step = uuid4()
    for index in (0, 1, 2, 1, 0):
        await buyer.buy(step, call("/picture"), index)
    assert shop.billed.total() == 3
    assert await buyer.purchases.spent(account.name) == PRICE * 3
    assert len(await buyer.purchases.of_step(step)) == 3


async def test_a_reply_that_breaks_off_is_in_doubt_and_never_bought_again(
    buyer: Buyer, shop: Shop, database: Database
) -> None:
    step = uuid4()
    for _ in range(3):
        with pytest.raises(InDoubt) as caught:
            await buyer.buy(step, call("/lost"))
    assert caught.value.rule == "provider.in_doubt"
    assert shop.billed.total() == 1
    assert (await known(database, step)).cost == PRICE  # counts as spent


async def test_what_a_dead_worker_had_sent_is_looked_at_twice_then_in_doubt_and_not_sent_again(
    buyer: Buyer, shop: Shop, account: Account, database: Database, blobs: S3BlobStore
) -> None:
    step = uuid4()
    sent = Purchase(
        state="sent",
        provider="stability",
        product="edit.erase",
        account=account.name,
        price=PRICE,
        cost=PRICE,
        since=datetime.now(UTC),
    )
    await Purchases(database).begin(step, 0, sent)
    for _ in range(2):  # as long as the sender may only be cut off from our store
        with pytest.raises(Overtaken, match="waited for before it is in doubt") as waiting:
            await buyer.buy(step, call("/picture"))
        assert not waiting.value.counted
        assert 0 < (waiting.value.retry_after or 0) <= 15
    assert (await known(database, step)).state == "sent"
    later = new_buyer(account, database, blobs, second_look=0)
    with pytest.raises(InDoubt):
        await later.buy(step, call("/picture"))
    await later.close()
    assert shop.asked.total() == 0
    assert [one.state for _, one in await buyer.purchases.in_doubt(account.name)] == ["in_doubt"]


async def test_a_proxy_that_lost_patience_leaves_a_call_in_doubt(buyer: Buyer, shop: Shop) -> None:
    step = uuid4()
    for _ in range(2):
        with pytest.raises(InDoubt):
            await buyer.buy(step, call("/proxy"))
    assert shop.billed.total() == 1


async def test_a_page_of_html_under_200_is_in_doubt(buyer: Buyer, shop: Shop) -> None:
    step = uuid4()
    for _ in range(2):
        with pytest.raises(InDoubt):
            await buyer.buy(step, call("/text"))
    assert shop.billed.total() == 1


async def test_a_job_is_parked_and_asked_for_until_it_is_done(
    buyer: Buyer, shop: Shop, account: Account, database: Database, blobs: S3BlobStore
) -> None:
    step = uuid4()
    with pytest.raises(Parked) as parked:
        await buyer.buy(step, call("/job"))
    assert parked.value.retry_after == 0.1
    assert not parked.value.counted  # waiting uses up no attempt
    later = new_buyer(account, database, blobs)  # another replica goes on
    with pytest.raises(Parked):
        await later.buy(step, call("/job"))
    assert (await later.buy(step, call("/job"))).files == [PICTURE]
    await later.close()
    assert shop.billed == {"/job": 1}


async def test_a_job_that_never_ends_is_given_up_in_doubt(
    buyer: Buyer, shop: Shop, database: Database
) -> None:
    step = uuid4()
    with pytest.raises(Parked):
        await buyer.buy(step, call("/job"))
    old = (await known(database, step)).model_copy(
        update={"since": datetime.now(UTC) - timedelta(hours=2)}
    )
    await Purchases(database).become(step, 0, old)
    with pytest.raises(InDoubt):
        await buyer.buy(step, call("/job"))
    assert shop.asked["/result"] == 1  # the last time


async def test_a_job_that_nobody_asked_for_in_time_is_fetched_if_it_is_done(
    buyer: Buyer, shop: Shop, database: Database
) -> None:
    shop.work, step = 0, uuid4()
    with pytest.raises(Parked):
        await buyer.buy(step, call("/job"))
    old = (await known(database, step)).model_copy(
        update={"since": datetime.now(UTC) - timedelta(hours=2)}
    )
    await Purchases(database).become(step, 0, old)
    assert (await buyer.buy(step, call("/job"))).files == [PICTURE]
    assert shop.billed == {"/job": 1}


async def test_a_job_outlives_a_key_that_is_not_accepted_for_a_while(
    buyer: Buyer, shop: Shop, database: Database
) -> None:
    shop.work, step = 0, uuid4()
    with pytest.raises(Parked):
        await buyer.buy(step, call("/job"))
    shop.is_locked = True
    with pytest.raises(ProviderAway, match="what was ordered is kept"):
        await buyer.buy(step, call("/job"))
    assert (await known(database, step)).cost == PRICE
    shop.is_locked = False
    assert (await buyer.buy(step, call("/job"))).files == [PICTURE]
    assert shop.billed == {"/job": 1}


async def test_a_refused_key_is_not_remembered_so_that_a_replay_may_buy(
    buyer: Buyer, shop: Shop, account: Account
) -> None:
    shop.is_locked, step = True, uuid4()
    with pytest.raises(ProviderRefused) as refused:
        await buyer.buy(step, call("/picture"))
    assert refused.value.rule == "provider.key"
    assert await buyer.purchases.spent(account.name) == Money.zero()
    shop.is_locked = False
    assert (await buyer.buy(step, call("/picture"))).files == [PICTURE]
    assert shop.billed.total() == 1


async def test_what_has_come_is_not_lost_while_our_own_stores_are_away(
    buyer: Buyer, shop: Shop, blobs: S3BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.providers.buying._PAUSE", 0.01)
    fails = Counter({"put": 2, "become": 2})

    def away_at_first(owner: Any, name: str) -> None:
        does = getattr(owner, name)

        async def maybe(*args: Any) -> Any:
            fails[name] -= 1
            if fails[name] >= 0:
                raise Unavailable(rule="test.away", says="It is away.")
            return await does(*args)

        monkeypatch.setattr(owner, name, maybe)

    away_at_first(blobs, "put")
    away_at_first(buyer.purchases, "become")
    step = uuid4()
    assert (await buyer.buy(step, call("/picture"))).files == [PICTURE]
    assert (await buyer.buy(step, call("/picture"))).files == [PICTURE]
    assert shop.billed.total() == 1


async def test_what_may_be_written_down_but_was_not_sent_is_withdrawn_and_bought_once(
    buyer: Buyer, shop: Shop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begins, lost = buyer.purchases.begin, ["the first answer"]

    async def begin(*args: Any) -> bool:
        is_first = await begins(*args)
        if lost:
            raise Unavailable(rule="test.away", says=f"It took {lost.pop()} with it.")
        return is_first

    monkeypatch.setattr(buyer.purchases, "begin", begin)
    step = uuid4()
    with pytest.raises(Unavailable) as away:
        await buyer.buy(step, call("/picture"))
    assert away.value.rule == "test.away"
    assert shop.asked.total() == 0
    assert await Purchases(database).get(step, 0) is None
    assert (await buyer.buy(step, call("/picture"))).files == [PICTURE]
    assert shop.billed == {"/picture": 1}
    assert (await known(database, step)).state == "bought"


async def test_a_row_that_the_driver_wrote_twice_is_ours_and_in_no_doubt(
    buyer: Buyer, shop: Shop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = buyer.purchases._rows
    insert = rows.insert

    async def twice(row: dict[str, Any]) -> None:
        await insert(row)
        await insert(row)  # as if the first answer had been lost on its way

    monkeypatch.setattr(rows, "insert", twice)
    step = uuid4()
    assert (await buyer.buy(step, call("/picture"))).files == [PICTURE]
    assert shop.billed == {"/picture": 1}
    assert (await known(database, step)).state == "bought"


async def test_what_one_engine_was_paid_for_no_other_goes_on_with(buyer: Buyer, shop: Shop) -> None:
    step = uuid4()
    with pytest.raises(Parked):
        await buyer.buy(step, call("/job"), engine="imagen")
    with pytest.raises(AnotherSold) as another:
        await buyer.buy(step, call("/picture"), engine="google")
    assert not another.value.counted
    assert shop.asked == {"/job": 1}


async def test_a_key_that_cannot_be_sent_is_told_nowhere_and_leaves_no_doubt(
    account: Account, database: Database, blobs: S3BlobStore
) -> None:
    broken = Account("stability", account.url, SecretStr(KEY + "\nx"))
    buyer = new_buyer(broken, database, blobs)
    with pytest.raises(ProviderAway) as away:
        await buyer.buy(uuid4(), call("/picture"))
    assert KEY not in "".join(traceback.format_exception(away.value))
    assert await buyer.purchases.spent(broken.name) == Money.zero()
    await buyer.close()


def test_keys_from_files_lose_their_line_break() -> None:
    [account] = accounts(ProviderSettings(stability_api_key=SecretStr(KEY + "\n"))).values()
    assert account.key.get_secret_value() == KEY
    with pytest.raises(ValidationError, match="visible ASCII"):
        ProviderSettings(stability_api_key=SecretStr("sk-a\nsk-b"))


async def test_what_was_not_billed_is_sent_again(
    buyer: Buyer, shop: Shop, account: Account
) -> None:
    shop.busy = 1
    step = uuid4()
    with pytest.raises(ProviderAway) as away:
        await buyer.buy(step, call("/busy"))
    assert away.value.counted
    assert await buyer.purchases.spent(account.name) == Money.zero()
    assert (await buyer.buy(step, call("/busy"))).files == [PICTURE]
    assert shop.billed.total() == 1


async def test_a_refusal_is_remembered_and_costs_nothing(
    buyer: Buyer, shop: Shop, database: Database
) -> None:
    step = uuid4()
    for _ in range(2):
        with pytest.raises(ProviderRefused, match="the prompt is missing"):
            await buyer.buy(step, call("/refused"))
    assert shop.asked.total() == 1
    assert (await known(database, step)).cost == Money.zero()


async def test_a_filtered_picture_under_200_is_moderated_and_costs_what_it_costs(
    buyer: Buyer, database: Database
) -> None:
    step = uuid4()
    with pytest.raises(Moderated):
        await buyer.buy(step, call("/filtered"))
    found = await known(database, step)
    assert (found.state, found.cost, found.blobs) == ("refused", PRICE, [])


async def test_linked_results_are_fetched_without_the_key_and_kept(
    buyer: Buyer, shop: Shop, blobs: S3BlobStore, database: Database
) -> None:
    step = uuid4()
    assert (await buyer.buy(step, call("/link"))).files == [PICTURE]
    assert KEY in shop.headers[0]["authorization"]
    assert all(KEY not in value for value in shop.headers[1].values())
    [blob] = (await known(database, step)).blobs
    assert await blobs.get(blob) == PICTURE


async def test_what_is_paid_and_cannot_be_fetched_yet_is_fetched_later_and_not_bought_again(
    buyer: Buyer, shop: Shop
) -> None:
    shop.store, step = "away", uuid4()
    with pytest.raises(ProviderAway):
        await buyer.buy(step, call("/link"))
    shop.store = "open"
    assert (await buyer.buy(step, call("/link"))).files == [PICTURE]
    assert shop.billed == {"/link": 1}


async def test_what_has_expired_at_the_provider_is_refused_and_was_paid(
    buyer: Buyer, shop: Shop, database: Database
) -> None:
    shop.store, step = "gone", uuid4()
    for _ in range(2):
        with pytest.raises(ProviderRefused) as refused:
            await buyer.buy(step, call("/link"))
        assert refused.value.rule == "provider.expired"
    assert (await known(database, step)).cost == PRICE
    assert shop.billed == {"/link": 1}


async def test_a_provider_that_is_not_there_is_tried_again_without_doubt(
    account: Account, database: Database, blobs: S3BlobStore
) -> None:
    nobody = Account("stability", "http://127.0.0.1:9", account.key)
    buyer = new_buyer(nobody, database, blobs)
    with pytest.raises(ProviderAway):
        await buyer.buy(uuid4(), call("/picture"))
    assert await buyer.purchases.spent(nobody.name) == Money.zero()
    await buyer.close()


async def test_a_provider_that_keeps_failing_is_left_alone(buyer: Buyer, shop: Shop) -> None:
    for _ in range(5):
        with pytest.raises(ProviderAway):
            await buyer.buy(uuid4(), call("/down"))
    assert buyer.is_away("stability")
    with pytest.raises(ProviderAway, match="left alone"):
        await buyer.buy(uuid4(), call("/picture"))
    assert shop.asked.total() == 5


def test_a_breaker_lets_a_call_try_after_its_rest() -> None:
    now = [0.0]
    breaker = Breaker("shop", clock=lambda: now[0])
    for _ in range(5):
        breaker.failed()
    with pytest.raises(ProviderAway):
        breaker.check()
    now[0] = 31.0
    breaker.check()
    breaker.answered()
    now[0] = 0.0
    breaker.check()


async def test_replicas_share_the_turns_of_an_account(database: Database) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    one, other = (Turns(database, now=lambda: now[0]) for _ in range(2))
    await one.take("stability x", per_second=1, burst=2)
    await other.take("stability x", per_second=1, burst=2)
    with pytest.raises(Throttled) as throttled:
        await one.take("stability x", per_second=1, burst=2)
    assert throttled.value.retry_after == pytest.approx(1)
    assert not throttled.value.counted
    now[0] += timedelta(seconds=1)
    await other.take("stability x", per_second=1, burst=2)
    with pytest.raises(Throttled):
        await one.take("stability x", per_second=1, burst=2)


async def test_an_account_rests_for_all_replicas_after_a_429(database: Database) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    one, other = (Turns(database, now=lambda: now[0]) for _ in range(2))
    await one.take("stability x", per_second=10, burst=20)
    await one.rest("stability x", 60)
    with pytest.raises(Throttled):
        await other.take("stability x", per_second=10, burst=20)
    now[0] += timedelta(seconds=61)
    await other.take("stability x", per_second=10, burst=20)
