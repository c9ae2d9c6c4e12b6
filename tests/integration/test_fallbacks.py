"""Fallbacks: who does a step while the one that was asked for is away, and who goes on with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

import pytest
from PIL import Image as Pillow
from pydantic import SecretStr

from studio.blobs.s3 import S3BlobStore
from studio.bus.base import Delivery, Done, Queue
from studio.bus.memory import MemoryBus
from studio.events import Event, WorkflowStarted
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.keyless import missing_keys
from studio.metadata import Database
from studio.money import Money, PriceRange
from studio.operation import Failure, Operation, OperationParams, Output, PaidEngine, Work
from studio.problems import Refused
from studio.providers.accounts import ProviderSettings
from studio.providers.call import Call
from studio.service import Ports, StudioService, running
from studio.slip import Slip, Step
from tests.integration.test_buying import read
from tests.servers.shop import Shop, open_shop

PRICE = Money.of("0.05")
PRODUCTS = {
    "google": "edit.gemini-3.1-flash-image.1k",
    "openai": "edit.gpt-image-1.5.medium.square",
}


class Params(OperationParams):
    """None."""


class Seller(PaidEngine[Params]):
    """Sells one picture under a path of the shop."""

    def __init__(self, provider: str, path: str, *, is_able: bool = True) -> None:
        self.provider = provider  # type: ignore[misc]
        self._path, self._is_able = path, is_able

    def check(self, image: ImageFacts | None, params: Params) -> None:
        if not self._is_able:
            raise Refused(rule="test.limit", says="This one cannot do it.")

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        return [ImageFacts(width=8, height=8)]

    def price(self, image: ImageFacts | None, params: Params, provider: str) -> PriceRange:
        return PriceRange.exactly(PRICE)

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        product = PRODUCTS[self.provider]
        call = Call(self.provider, product, self._path, read, PRICE, form={"prompt": "a cup"})
        bought = await work.buy(call, 0)
        return [Output(image=Image(Pillow.new("RGB", (8, 8))), cost=bought.cost)]


class Google(Seller):
    """One whose key was taken away."""

    provider = account = "google"


class Buy(Operation[Params]):
    """Only sellers do it."""

    name = "create.buy"
    summary = "Buy a picture."
    needs_image = False

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        return [ImageFacts(width=8, height=8)]

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        raise NotImplementedError


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as open_:
        yield open_


Told = Callable[..., AbstractAsyncContextManager[Event]]


@pytest.fixture
def told(shop: Shop, database: Database, blobs: S3BlobStore) -> Told:
    """What a studio tells of a step that is asked of one seller, with another as its fallback."""

    @asynccontextmanager
    async def ask(asked: Seller, fallback: Seller, *, has_key: bool = True) -> AsyncIterator[Event]:
        bus, facts = MemoryBus(retry_delays=(0.02, 0.05)), asyncio.Queue[Event]()

        async def hear(delivery: Delivery) -> Done:
            await facts.put(Event.parse(delivery.message.body))
            return Done()

        await bus.consume(Queue("tracker", bindings=("image.#",)), hear, prefetch=1)
        settings = ProviderSettings(
            lease=1,
            google_api_key=SecretStr("sk-one"),
            google_url=shop.url,
            openai_api_key=SecretStr("sk-two"),
            openai_url=shop.url,
            provider_share=1,
        )
        operation = Buy().with_engines([asked, fallback] if has_key else [fallback])
        if not has_key:
            operation.absent = missing_keys(operation, [Google], {"openai"})
        ports = Ports(bus, blobs, database, settings)
        step = Step(operation="create.buy", provider=asked.provider, fallbacks=(fallback.provider,))
        begun = WorkflowStarted(run=uuid4(), item=uuid4(), slip=Slip(steps=(step,)))
        event = Event.of("workflow.started", begun, id_=uuid4(), source="/test")
        async with running(StudioService("create", ports, [operation])):
            await bus.publish(event.to_message())
            yield await asyncio.wait_for(facts.get(), 20)
        await bus.close()

    return ask


async def test_a_fallback_that_was_paid_goes_on_although_the_one_asked_for_is_back(
    told: Told, shop: Shop
) -> None:
    shop.busy = 1  # away for one call only; the fallback's job takes several
    async with told(Seller("google", "/busy"), Seller("openai", "/job")) as fact:
        assert fact.type == "image.created"
        assert fact.data.step.provider == "openai"
        assert fact.data.step.cost == PRICE
    assert shop.billed == {"/job": 1}
    assert shop.asked["/busy"] == 1


async def test_a_fallback_that_cannot_do_it_does_not_end_what_another_may_do_later(
    told: Told, shop: Shop
) -> None:
    shop.busy = 1
    unable = Seller("openai", "/picture", is_able=False)
    async with told(Seller("google", "/busy"), unable) as fact:
        assert fact.type == "image.created"
        assert fact.data.step.provider == "google"
    assert shop.billed == {"/busy": 1}


async def test_a_fallback_does_the_step_of_one_whose_key_was_taken_away(
    told: Told, shop: Shop
) -> None:
    asked, fallback = Seller("google", "/picture"), Seller("openai", "/picture")
    async with told(asked, fallback, has_key=False) as fact:
        assert fact.type == "image.created"
        assert fact.data.step.provider == "openai"
    assert shop.billed == {"/picture": 1}
