"""The price book and the limits: each number says where it comes from."""

from decimal import Decimal

import pytest

from studio.money import Money
from studio.problems import Refused
from studio.providers.accounts import PROVIDERS
from studio.providers.limits import product_limits, provider_limits
from studio.providers.prices import price_book

BOOK = price_book()


def bought(provider: str) -> set[str]:
    """The products that can be bought; tokens only count what a reply says was used."""
    products = {one.product for one in BOOK.providers[provider].prices}
    return {one for one in products if not one.startswith("token.")}


def test_the_newest_book_is_named_by_its_month():
    assert BOOK.version == "2026-11"


def test_every_provider_with_an_account_has_prices_and_limits():
    assert set(BOOK.providers) == set(PROVIDERS)
    assert all(provider_limits(one).products for one in PROVIDERS)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_price_and_limit_has_a_source(provider):
    prices, limits = BOOK.providers[provider].prices, provider_limits(provider).products
    assert all(one.source.strip() for one in (*prices, *limits))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_has_limits_has_a_price_and_the_reverse(provider):
    limits = [one.product for one in provider_limits(provider).products]
    assert set(limits) == bought(provider)
    assert len(set(limits)) == len(limits)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_must_be_checked_again_has_a_range(provider):
    for one in BOOK.providers[provider].prices:
        if one.product in bought(provider) and "[recheck]" in (one.note or ""):
            price = BOOK.price(provider, one.product)
            assert price.minimum < price.maximum, one.product


def test_every_model_of_openai_has_the_prices_of_its_tokens():
    models = {
        one.removeprefix("generate.").rsplit(".", 2)[0]
        for one in bought("openai")
        if one.startswith("generate.")
    }
    tokens = {one.product for one in BOOK.providers["openai"].prices} - bought("openai")
    kinds = ("output", "text_input", "image_input")
    assert tokens == {f"token.{kind}.{model}" for kind in kinds for model in models}


def test_an_upscale_costs_what_the_configuration_says_and_not_the_guide():
    price = BOOK.price("stability", "upscale.conservative")
    assert str(price.expected) == "0.4 USD"
    assert str(price.minimum) == "0.25 USD"


def test_a_price_that_is_not_known_is_refused():
    with pytest.raises(Refused, match="knows no price"):
        BOOK.price("stability", "generate.everything")


@pytest.mark.parametrize("images", [1, 3, 10])
def test_the_most_that_a_call_may_cost_grows_with_its_pictures(images):
    for provider in PROVIDERS:
        for product in bought(provider):
            price = BOOK.price(provider, product, images)
            most = BOOK.most(provider, product, price.expected)
            assert most == price.maximum, product


def test_the_most_of_what_is_not_in_the_book_is_not_known():
    with pytest.raises(Refused, match="knows no price"):
        BOOK.most("stability", "generate.everything", BOOK.price("fal", "upscale.clarity").expected)


@pytest.mark.parametrize(
    ("sizes", "dollars"),
    [
        ([(1024, 1024)], "0.03"),  # 2²⁰ px are one megapixel
        ([(1024, 1025)], "0.06"),  # and a begun one is a whole one
        ([(64, 64)], "0.03"),
        ([(1024, 1024), (2048, 2048)], "0.15"),  # each picture by itself
        ([(64, 64)] * 4, "0.12"),
    ],
)
def test_what_is_billed_by_the_megapixel_costs_what_its_results_sizes_tell(sizes, dollars):
    cost = price_book().by_size("fal", "generate.flux.dev.image-to-image", sizes)
    assert cost == Money.of(dollars)


def test_no_other_price_is_by_the_size_and_none_is_told_by_no_size():
    book = price_book()
    assert book.by_size("fal", "upscale.clarity", []) is None
    assert book.by_size("fal", "upscale.recraft-crisp", [(4096, 4096)]) is None
    assert book.by_size("stability", "generate.core", [(4096, 4096)]) is None
    assert book.by_size("fal", "nothing.of-the-kind", [(4096, 4096)]) is None


def test_a_call_whose_result_nobody_has_seen_may_have_cost_every_size_up_to_its_most():
    book = price_book()
    price, most = Money.of("0.12"), Money.of("0.51")
    amounts = book.amounts("fal", "upscale.clarity", price, most)
    assert amounts[0] == Decimal("0.12")
    assert sorted(amounts) == [Decimal("0.03") * one for one in range(1, 18)]
    fixed = book.amounts("fal", "upscale.recraft-crisp", Money.of("0.004"), Money.of("0.006"))
    assert fixed == [Decimal("0.004")]
    assert book.amounts("fal", "nothing.of-the-kind", price, most) == [Decimal("0.12")]


def test_what_is_billed_by_the_megapixel_has_the_price_of_one_at_least():
    for provider in price_book().providers.values():
        for one in provider.prices:
            if one.per_megapixel:
                assert one.minimum == one.per_megapixel
                assert one.expected % one.per_megapixel == 0


def test_fast_upscale_takes_what_ultra_makes_and_not_what_core_makes():
    most = product_limits("stability", "upscale.fast").image.max_pixels
    assert product_limits("stability", "generate.ultra").output_pixels <= most
    assert product_limits("stability", "generate.core").output_pixels > most
