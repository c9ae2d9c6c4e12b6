"""How a purchase ends: what it counts for while nobody knows, and who may still fetch it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from studio.blobs.s3 import S3BlobStore
from studio.metadata import Database
from studio.money import Money
from studio.providers import fal
from studio.providers.accounts import Account, ProviderSettings, accounts
from studio.providers.buying import Buyer
from studio.providers.call import (
    Call,
    InDoubt,
    Links,
    Overtaken,
    Parked,
    ProviderAway,
    ProviderRefused,
)
from studio.providers.prices import price_book
from studio.providers.purchases import Purchase, Purchases, call_name
from studio.providers.turns import Turns
from tests.integration.test_buying import PRICE, known, read
from tests.servers.shop import PICTURE, Shop, open_shop

OLD, NEW = SecretStr("sk-the-old-key"), SecretStr("sk-the-new-key")
PRODUCTS = {"stability": "edit.erase", "replicate": "upscale.real-esrgan"}
DEAR = "edit.gpt-image-1.5.medium.square"  # its price is a range
RANGE = price_book().price("openai", DEAR)


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as open_:
        yield open_


Open = Callable[[Account], Buyer]


@pytest.fixture
async def open_buyer(database: Database, blobs: S3BlobStore) -> AsyncIterator[Open]:
    """A process with an account; all are on one database."""
    opened = []

    def buyer(account: Account) -> Buyer:
        purchases, turns = Purchases(database), Turns(database)
        opened.append(Buyer({account.provider: account}, purchases, turns, blobs))
        return opened[-1]

    yield buyer
    for one in opened:
        await one.close()


def call(path: str, provider: str = "stability") -> Call:
    return Call(provider, PRODUCTS[provider], path, read, PRICE, form={"prompt": "a cup"})


def dear_call(path: str) -> Call:
    return Call("openai", DEAR, path, read, RANGE.expected, form={"prompt": "a cup"})


def asked_with(shop: Shop) -> list[str]:
    return [one["authorization"].removeprefix("Bearer ") for one in shop.headers]


async def test_a_call_in_doubt_counts_with_the_most_that_it_may_cost(
    open_buyer: Open, shop: Shop, database: Database
) -> None:
    buyer, step = open_buyer(Account("openai", shop.url, NEW)), uuid4()
    with pytest.raises(InDoubt) as doubt:
        await buyer.buy(step, dear_call("/lost"))
    assert RANGE.expected < RANGE.maximum
    assert doubt.value.cost == (await known(database, step)).cost == RANGE.maximum


async def test_a_call_that_came_costs_what_was_expected_and_not_the_most(
    open_buyer: Open, shop: Shop
) -> None:
    buyer = open_buyer(Account("openai", shop.url, NEW))
    assert (await buyer.buy(uuid4(), dear_call("/picture"))).cost == RANGE.expected


async def test_what_the_bill_told_of_a_doubt_is_what_it_is_refused_with(
    open_buyer: Open, shop: Shop
) -> None:
    buyer, step = open_buyer(Account("openai", shop.url, NEW)), uuid4()
    with pytest.raises(InDoubt):
        await buyer.buy(step, dear_call("/lost"))
    await buyer.purchases.settle(call_name(step, 0), Money.zero())
    with pytest.raises(ProviderRefused) as settled:
        await buyer.buy(step, dear_call("/lost"))
    assert (settled.value.rule, settled.value.cost) == ("provider.in_doubt", Money.zero())


async def test_a_result_that_is_gone_takes_no_other_with_it(
    open_buyer: Open, shop: Shop, database: Database
) -> None:
    buyer, step = open_buyer(Account("stability", shop.url, NEW)), uuid4()
    first = await buyer.buy(step, call("/links"))
    assert first.files == [PICTURE, None, PICTURE]
    assert first.problem is not None
    assert first.problem.rule == "provider.expired"
    assert "It was billed" in first.problem.says
    assert first.cost == PRICE
    asked = shop.asked.total()
    again = await buyer.buy(step, call("/links"))
    assert (again.files, again.problem, again.cost) == (first.files, first.problem, PRICE)
    assert shop.asked.total() == asked


async def test_a_job_is_asked_for_with_the_key_that_ordered_it(
    open_buyer: Open, shop: Shop
) -> None:
    shop.work, step = 0, uuid4()
    with pytest.raises(Parked):
        await open_buyer(Account("stability", shop.url, OLD)).buy(step, call("/job"))
    rotated = open_buyer(Account("stability", shop.url, NEW, (OLD,)))
    assert (await rotated.buy(step, call("/job"))).files == [PICTURE]
    await rotated.buy(uuid4(), call("/picture"))
    old, new = OLD.get_secret_value(), NEW.get_secret_value()
    assert asked_with(shop) == [old, old, new]  # ordered, asked for, and what is bought now


async def test_a_job_whose_key_is_gone_is_in_doubt_until_the_key_is_back(
    open_buyer: Open, shop: Shop, database: Database
) -> None:
    shop.work, step = 0, uuid4()
    with pytest.raises(Parked):
        await open_buyer(Account("stability", shop.url, OLD)).buy(step, call("/job"))
    with pytest.raises(InDoubt, match="a key that is not configured any more") as doubt:
        await open_buyer(Account("stability", shop.url, NEW)).buy(step, call("/job"))
    assert "STUDIO_STABILITY_API_KEY" in str(doubt.value.fix)
    assert doubt.value.may_come
    assert shop.asked == {"/job": 1}  # the new key is not even tried: the provider would say 404
    back = open_buyer(Account("stability", shop.url, NEW, (OLD,)))
    assert (await back.buy(step, call("/job"))).files == [PICTURE]
    assert shop.billed == {"/job": 1}
    assert (await known(database, step)).state == "bought"


async def test_providers_that_know_the_account_are_asked_with_its_new_key(
    open_buyer: Open, shop: Shop
) -> None:
    shop.work, step = 0, uuid4()
    with pytest.raises(Parked):
        await open_buyer(Account("replicate", shop.url, OLD)).buy(step, call("/job", "replicate"))
    rotated = open_buyer(Account("replicate", shop.url, NEW))
    assert (await rotated.buy(step, call("/job", "replicate"))).files == [PICTURE]


async def test_a_new_key_that_does_not_know_the_job_leaves_it_in_doubt_and_not_expired(
    open_buyer: Open, shop: Shop
) -> None:
    step = uuid4()
    with pytest.raises(Parked):
        await open_buyer(Account("replicate", shop.url, OLD)).buy(step, call("/job", "replicate"))
    shop.is_locked = True
    with pytest.raises(InDoubt):
        await open_buyer(Account("replicate", shop.url, NEW)).buy(step, call("/job", "replicate"))


def test_former_keys_stand_behind_the_one_that_buys() -> None:
    settings = ProviderSettings(stability_api_key=SecretStr("sk-the-new-key, sk-the-old-key,\n"))
    [account] = accounts(settings).values()
    assert (account.key, account.former) == (NEW, (OLD,))
    former = account.named(Account("stability", account.url, OLD).name)
    assert former is not None
    assert former.key == OLD
    assert account.named("stability 0123456789") is None


async def test_what_is_given_up_is_in_doubt_and_fetched_if_somebody_comes_back(
    open_buyer: Open, shop: Shop, database: Database
) -> None:
    buyer, step = open_buyer(Account("stability", shop.url, NEW)), uuid4()
    with pytest.raises(Parked):
        await buyer.buy(step, call("/job"))
    [given_up] = await buyer.give_up(step)
    assert (given_up.state, given_up.cost) == ("in_doubt", PRICE)
    assert await buyer.purchases.is_under_way(given_up.account)  # the provider works on
    shop.work = 0
    assert (await buyer.buy(step, call("/job"))).files == [PICTURE]
    assert shop.billed == {"/job": 1}


async def test_a_step_that_bought_nothing_has_nothing_to_give_up(
    open_buyer: Open, shop: Shop
) -> None:
    assert await open_buyer(Account("stability", shop.url, NEW)).give_up(uuid4()) == []


async def test_what_another_worker_has_bought_meanwhile_is_not_put_in_doubt(
    open_buyer: Open, shop: Shop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, step = Account("stability", shop.url, NEW), uuid4()
    late, other = open_buyer(account), open_buyer(account)
    begin = late.purchases.begin

    async def after_the_other(*args: Any) -> bool:
        await other.buy(step, call("/picture"))
        return await begin(*args)

    monkeypatch.setattr(late.purchases, "begin", after_the_other)
    assert (await late.buy(step, call("/picture"))).files == [PICTURE]
    found = await known(database, step)
    assert (found.state, found.cost, len(found.blobs)) == ("bought", PRICE, 1)
    assert shop.billed == {"/picture": 1}


async def test_a_call_whose_reply_this_process_still_writes_down_is_in_no_doubt(
    open_buyer: Open, shop: Shop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer, step = open_buyer(Account("stability", shop.url, NEW)), uuid4()
    become, writing, is_back = buyer.purchases.become, asyncio.Event(), asyncio.Event()

    async def once_the_store_is_back(*args: Any) -> None:
        writing.set()
        await is_back.wait()
        await become(*args)

    monkeypatch.setattr(buyer.purchases, "become", once_the_store_is_back)
    first = asyncio.create_task(buyer.buy(step, call("/picture")))
    await asyncio.wait_for(writing.wait(), 20)
    with pytest.raises(Overtaken, match="This process has ordered"):  # its lease ran out meanwhile
        await buyer.buy(step, call("/picture"))
    await buyer.give_up(step)
    assert (await known(database, step)).state == "sent"
    is_back.set()
    assert (await asyncio.wait_for(first, 20)).files == [PICTURE]
    assert (await buyer.buy(step, call("/picture"))).files == [PICTURE]
    assert shop.billed == {"/picture": 1}


async def test_giving_up_a_call_that_comes_at_that_moment_does_not_lose_it(
    open_buyer: Open, shop: Shop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.work, step = 0, uuid4()
    account = Account("stability", shop.url, NEW)
    one, other = open_buyer(account), open_buyer(account)
    with pytest.raises(Parked):
        await one.buy(step, call("/job"))
    numbered = one.purchases.numbered

    async def then_it_comes(step: UUID) -> dict[int, Purchase]:
        monkeypatch.undo()
        before = await numbered(step)
        await other.buy(step, call("/job"))
        return before

    monkeypatch.setattr(one.purchases, "numbered", then_it_comes)
    await one.give_up(step)
    assert (await known(database, step)).state == "bought"


async def test_a_late_worker_that_finds_its_links_gone_takes_no_picture_from_another(
    open_buyer: Open, shop: Shop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.store, step = "away", uuid4()
    account = Account("stability", shop.url, NEW)
    late, other = open_buyer(account), open_buyer(account)
    with pytest.raises(ProviderAway):
        await late.buy(step, call("/link"))
    become = late.purchases.become

    async def after_the_other(*args: Any) -> bool:
        shop.store = "open"
        await other.buy(step, call("/link"))
        return await become(*args)

    monkeypatch.setattr(late.purchases, "become", after_the_other)
    shop.store = "gone"
    with pytest.raises(Overtaken, match="was written down in the meantime") as overtaken:
        await late.buy(step, call("/link"))
    assert not overtaken.value.counted
    assert (await known(database, step)).state == "bought"


async def test_a_proxy_in_front_of_a_queue_leaves_a_submission_in_doubt_too(
    open_buyer: Open, shop: Shop
) -> None:
    buyer, step = open_buyer(Account("fal", shop.url, NEW)), uuid4()
    queued = replace(fal.submit("upscale.clarity", "clarity", {}), path="/proxy")
    for _ in range(2):
        with pytest.raises(InDoubt):
            await buyer.buy(step, queued)
    assert shop.billed == {"/proxy": 1}


@pytest.mark.parametrize("billed", [Money.zero(), PRICE])
async def test_a_job_that_the_bill_has_settled_is_still_fetched_and_costs_what_the_bill_told(
    open_buyer: Open, shop: Shop, database: Database, billed: Money
) -> None:
    buyer, step = open_buyer(Account("stability", shop.url, NEW)), uuid4()
    with pytest.raises(Parked):
        await buyer.buy(step, call("/job"))
    await buyer.give_up(step)
    await buyer.purchases.settle(call_name(step, 0), billed)
    shop.work = 0
    bought = await buyer.buy(step, call("/job"))
    assert (bought.files, bought.cost) == ([PICTURE], billed)
    assert (await known(database, step)).cost == billed
    assert shop.billed == {"/job": 1}


async def test_a_settled_job_that_never_ends_is_refused_as_it_was_settled(
    open_buyer: Open, shop: Shop, database: Database
) -> None:
    buyer, step = open_buyer(Account("stability", shop.url, NEW)), uuid4()
    with pytest.raises(Parked):
        await buyer.buy(step, call("/job"))
    old = (await known(database, step)).model_copy(
        update={"since": datetime.now(UTC) - timedelta(hours=2)}
    )
    await buyer.purchases.become(step, 0, old)
    await buyer.give_up(step)
    await buyer.purchases.settle(call_name(step, 0), Money.zero())
    shop.work = 99
    with pytest.raises(ProviderRefused) as settled:
        await buyer.buy(step, call("/job"))
    assert (settled.value.rule, settled.value.cost) == ("provider.in_doubt", Money.zero())
    assert (await known(database, step)).state == "refused"


async def test_an_address_that_is_none_leaves_no_doubt(open_buyer: Open) -> None:
    nowhere = Account("stability", "http://127.0.0.1:port", NEW)
    buyer = open_buyer(nowhere)
    with pytest.raises(ProviderAway):
        await buyer.buy(uuid4(), call("/picture"))
    assert await buyer.purchases.spent(nowhere.name) == Money.zero()


@asynccontextmanager
async def endless(size: int) -> AsyncIterator[tuple[str, list[int]]]:
    """A server whose every reply is so many bytes of no picture; its URL, and the bytes that each
    caller has taken."""
    taken: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(0)
        with suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: {size}\r\n\r\n"
            writer.write(head.encode())
            while taken[-1] < size:
                writer.write(bytes(65_536))
                await writer.drain()
                taken[-1] += 65_536
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", taken


@pytest.mark.parametrize("way", ["reply", "link"])
async def test_a_reply_without_end_is_not_read_to_its_end(
    open_buyer: Open,
    shop: Shop,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    monkeypatch.setattr("studio.providers.wire.MAX_REPLY", 100_000)
    size, step = 64 * 1024 * 1024, uuid4()
    async with endless(size) as (url, taken):
        buyer = open_buyer(Account("stability", url if way == "reply" else shop.url, NEW))
        if way == "reply":
            with pytest.raises(InDoubt):
                await buyer.buy(step, call("/picture"))
        else:
            elsewhere = replace(call("/link"), read=lambda _: Links([url]))
            with pytest.raises(ProviderAway):
                await buyer.buy(step, elsewhere)
        assert taken[0] < size / 2
    assert (await known(database, step)).state == ("in_doubt" if way == "reply" else "linked")
