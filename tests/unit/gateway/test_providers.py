"""Providers, as they are told: who has a key, who has none, and what each may do."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from gateway.preference import Preference
from gateway.routes.providers import ProviderOperation, ProviderView, providers_of
from gateway.studios import described
from services.create.operations.generate import Generate
from services.create.service import ENGINES, engines
from services.edit.service import operations as edits
from services.upscale.service import operations as upscales
from studio.keyless import equip
from studio.problems import Refused
from studio.providers.accounts import PROVIDERS
from studio.rpc import StudioServicer, choose_provider, find_operation
from studio.slip import Step


async def operations(**keys: Iterable[str]) -> list[dict[str, Any]]:
    """As the studios that buy describe them, each with the keys that it has."""
    generate = Generate()
    equip(generate, engines([*keys["create"]]), ENGINES, [*keys["create"]])
    studios = {
        "create": [generate],
        "edit": edits([*keys["edit"]]),
        "upscale": upscales([*keys["upscale"]]),
    }
    every = [await StudioServicer(name, some).Describe(0, 0) for name, some in studios.items()]
    return [one for answer in every for one in described(answer)]


async def told(*keys: str, **others: Iterable[str]) -> dict[str, ProviderView]:
    """What is told where these accounts have a key, in the order in which it is told.

    others: the keys of studios that have other ones.
    """
    of_each = dict.fromkeys(("create", "edit", "upscale"), keys) | others
    return {one.provider: one for one in providers_of(await operations(**of_each))}


def lacking(view: ProviderView) -> Mapping[str, ProviderOperation]:
    return {one.operation: one for one in view.operations if one.lacks}


async def test_without_keys_every_account_is_told_with_its_prices_and_nothing_that_it_does():
    views = await told()
    accounts = {one.account for one in views.values() if one.key == "absent"}
    assert accounts == set(PROVIDERS)
    for name in PROVIDERS:
        assert views[name].setting == f"STUDIO_{name.upper()}_API_KEY"
        assert {one.unit_price for one in views[name].operations} == {None}
        assert views[name].products
        assert all(one.source and one.limits is not None for one in views[name].products)


async def test_the_example_of_the_api_is_what_is_told_without_a_key():
    example = ProviderView.model_json_schema()["example"]
    fal = (await told())["fal"].model_dump(mode="json")
    assert {**example, "products": fal["products"]} == fal
    [product] = example["products"]
    assert product["name"] in [one["name"] for one in fal["products"]]
    assert product.keys() == fal["products"][0].keys()


async def test_without_a_key_every_operation_tells_the_setting_and_who_can_do_it_now():
    views = await told("openai")
    stability = lacking(views["stability"])
    assert set(stability) == {one.operation for one in views["stability"].operations}
    erase = stability["edit.erase"].lacks
    assert erase["type"] == "urn:image-studio:problem:provider.no_key"
    assert erase["setting"] == "STUDIO_STABILITY_API_KEY"
    assert "STUDIO_STABILITY_API_KEY for the edit service" in erase["fix"]
    assert erase["valid"] == ["local", "openai"]
    assert set(lacking(views["replicate"])) == {
        "create.generate", "edit.remove_background", "upscale.fast", "upscale.conservative",
        "upscale.creative",
    }  # fmt: skip
    assert views["imagen"].setting == "STUDIO_GOOGLE_API_KEY"  # whose models are Google's


async def test_a_key_that_only_one_studio_has_is_missing_for_the_operations_of_the_others():
    stability = (await told("stability", edit=()))["stability"]
    assert (stability.key, stability.products) == ("present", [])
    assert {one.partition(".")[0] for one in lacking(stability)} == {"edit"}
    able = [one for one in stability.operations if not one.lacks]
    assert {one.operation.partition(".")[0] for one in able} == {"create", "upscale"}
    assert stability.studios == ["create", "edit", "upscale"]


def test_a_step_by_a_provider_without_a_key_is_refused_with_the_setting_and_who_can_do_it():
    erase = find_operation({one.name: one for one in edits(["openai"])}, "edit.erase")
    with pytest.raises(Refused, match="the edit service has no key of stability") as refused:
        choose_provider(erase, "stability")
    assert (refused.value.rule, refused.value.status) == ("provider.no_key", 422)
    assert "STUDIO_STABILITY_API_KEY" in refused.value.fix
    assert refused.value.valid == ["local", "openai"]
    with pytest.raises(Refused, match="cannot be done by 'fal'") as refused:
        choose_provider(erase, "fal")  # a key would not help
    assert refused.value.rule == "operation.provider"


async def test_a_run_by_providers_without_a_key_is_refused_with_their_settings():
    every = await operations(create=["openai"], edit=["openai"], upscale=["openai"])
    with pytest.raises(Refused, match="'stability' or 'imagen': the key is missing") as refused:
        Preference.of(["openai", "stability", "imagen"], every)
    assert refused.value.rule == "run.providers"
    assert "STUDIO_GOOGLE_API_KEY and STUDIO_STABILITY_API_KEY" in refused.value.fix
    assert {"local", "openai"} <= set(refused.value.valid)
    with pytest.raises(Refused, match="'stabilty': there is no such provider"):
        Preference.of(["stabilty", "stability"], every)


async def passed_over(names: list[str], *steps: Step, **keys: Iterable[str]) -> list[str]:
    """What a plan tells of preferred providers where the studios have these keys."""
    preference = Preference.of(names, await operations(**keys))
    applied = [preference.applied(one) for one in steps]
    return [one.says for one in preference.passed_over(applied, steps)]


ERASE, FAST = Step(operation="edit.erase"), Step(operation="upscale.fast")


@pytest.mark.parametrize("keys", [["openai"], []])
async def test_a_plan_tells_which_key_a_preferred_provider_has_not_for_a_step(keys):
    told = await passed_over(
        ["stability"], ERASE, FAST, create=["stability"], edit=keys, upscale=["stability"]
    )
    assert told == ["local does edit.erase: stability would with STUDIO_STABILITY_API_KEY."]


@pytest.mark.parametrize("second", ["openai", "local"])
async def test_a_plan_tells_the_key_of_the_first_choice_where_the_second_does_the_step(second):
    keys = {"create": ["stability"], "edit": ["openai"], "upscale": ["stability"]}
    told = await passed_over(["stability", second], ERASE, FAST, **keys)
    assert told == [f"{second} does edit.erase: stability would with STUDIO_STABILITY_API_KEY."]
    assert await passed_over([second, "stability"], ERASE, **keys) == []


async def test_a_plan_tells_no_key_of_whoever_would_do_nothing_with_it():
    adjust = Step(operation="edit.adjust", params={"brightness": 0.1})
    named = Step(operation="edit.erase", provider="local")
    keys = {"create": ["stability"], "edit": [], "upscale": ["stability"]}
    assert await passed_over(["stability", "local"], adjust, named, **keys) == []


async def test_a_name_that_is_nearly_that_of_a_provider_without_a_key_is_told_it():
    every = await operations(create=[], edit=[], upscale=[])
    with pytest.raises(Refused, match="'stabilty': there is no such provider") as refused:
        Preference.of(["stabilty"], every)
    assert refused.value.fix == "Did you mean stability?"
    assert "stability" not in refused.value.valid


async def test_a_key_makes_its_account_do_what_the_studios_can_buy_of_it():
    stability = (await told("stability"))["stability"]
    assert (stability.key, stability.studios) == ("present", ["create", "edit", "upscale"])
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
