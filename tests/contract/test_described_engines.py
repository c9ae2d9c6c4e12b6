"""Describe tells of every paid engine what it may buy, for how much, and within which limits."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from gateway.studios import _engine
from services.create.service import create
from services.edit.service import edit
from services.upscale.service import upscale
from studio.bus.memory import MemoryBus
from studio.money import Money
from studio.problems import Refused
from studio.providers.accounts import PROVIDERS, ProviderSettings
from studio.providers.limits import product_limits
from studio.providers.offers import offers
from studio.providers.prices import price_book
from studio.rpc import asking, channel, price_from, struct
from studio.service import Ports, running
from studio.v1 import studio_pb2, studio_pb2_grpc
from tests.planning import operations

EVERY = [
    pytest.param(engine, id=f"{name}@{provider}")
    for name, operation in operations().items()
    for provider, engine in operation.paid.items()
]


@pytest.mark.parametrize("engine", EVERY)
def test_every_product_of_an_engine_has_a_price_with_a_source_and_its_limits(engine: Any) -> None:
    found = offers(engine.account, engine.products())
    assert found
    for one in found:
        known = product_limits(engine.account, one.product)
        assert one.price == price_book().price(engine.account, one.product)
        assert one.source
        assert bool(known.image.max_pixels) == any(
            x.startswith("the picture has at most") for x in one.limits
        )
        assert bool(known.max_prompt) == any("a prompt has at most" in x for x in one.limits)


@pytest.mark.parametrize("service", [create, edit, upscale])
async def test_an_engine_is_described_with_its_products_over_grpc(
    service: Any, database: Any, blobs: Any
) -> None:
    keys = {f"{one}_api_key": SecretStr("key") for one in PROVIDERS}
    bus = MemoryBus()
    async with (
        running(service(Ports(bus, blobs, database, ProviderSettings(**keys)))) as addresses,
        channel(addresses.grpc) as talk,
    ):
        answer = await studio_pb2_grpc.StudioStub(talk).Describe(studio_pb2.DescribeRequest())
    await bus.close()
    described = {one.name: one for one in answer.operations}
    for name, operation in operations().items():
        if name not in described:
            continue
        told = described[name]
        assert [one.provider for one in told.engines] == list(operation.paid)
        assert set(told.unit_prices) == set(told.providers)
        for engine in told.engines:
            shown = _engine(engine)["products"]
            assert [one["name"] for one in shown] == list(
                operation.paid[engine.provider].products()
            )
            span = price_from(told.unit_prices[engine.provider])
            for one in shown:
                assert one["unit"] in ("call", "image")
                assert span.minimum <= Money.of(one["price"]["expected"]["amount"]) <= span.maximum


async def test_a_provider_that_lacks_something_is_refused_with_what_it_lacks(
    database: Any, blobs: Any
) -> None:
    bus = MemoryBus()
    ports = Ports(bus, blobs, database, ProviderSettings())
    async with running(create(ports)) as addresses, channel(addresses.grpc) as talk:
        request = studio_pb2.QuoteRequest(
            operation="create.generate", params=struct({"prompt": "a cup"}), provider="diffusers"
        )
        with pytest.raises(Refused, match="no weights") as refused:
            async with asking("create"):
                await studio_pb2_grpc.StudioStub(talk).Quote(request)
    await bus.close()
    assert refused.value.rule == "create.generate.diffusers"
