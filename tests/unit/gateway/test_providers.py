"""Providers, as they are told: who has a key, who has none, and what each may do."""

from gateway.routes.providers import ProviderView, providers_of
from gateway.studios import described
from services.create.operations.generate import Generate
from services.create.service import engines
from services.upscale.service import operations
from studio.providers.accounts import PROVIDERS
from studio.rpc import StudioServicer


async def told(*keys: str) -> dict[str, ProviderView]:
    """What is told where these accounts have a key, in the order in which it is told."""
    create = StudioServicer("create", [Generate().with_engines(engines(keys))])
    upscale = StudioServicer("upscale", operations(keys))
    every = [one for studio in (create, upscale) for one in described(await studio.Describe(0, 0))]
    return {one.provider: one for one in providers_of(every)}


async def test_without_keys_every_account_is_told_with_its_prices_and_nothing_that_it_does():
    views = await told()
    without = {name: one for name, one in views.items() if one.key == "absent"}
    assert set(without) == set(PROVIDERS)
    for name, one in without.items():
        assert (one.operations, one.setting) == ([], f"STUDIO_{name.upper()}_API_KEY")
        assert one.products
        assert all(product.source and product.limits is not None for product in one.products)


async def test_a_key_makes_its_account_do_what_the_studios_can_buy_of_it():
    stability = (await told("stability"))["stability"]
    assert (stability.key, stability.studios) == ("present", ["create", "upscale"])
    assert "create.generate" in {one.operation for one in stability.operations}
    for one in stability.operations:
        assert not one.is_default
        assert one.unit_price is not None
        assert one.products[0].price.minimum.amount > 0


async def test_two_providers_of_one_account_both_have_its_key():
    views = await told("google")
    both = [views["google"], views["imagen"]]
    assert [(one.account, one.key) for one in both] == [("google", "present")] * 2


async def test_what_is_free_comes_first_and_what_lacks_a_key_last():
    keys = [one.key for one in (await told("stability")).values()]
    assert keys == sorted(keys, key=["not needed", "present", "absent"].index)
    assert len(set(keys)) == 3
