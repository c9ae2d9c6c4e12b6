"""Paid upscales: what is refused and promised before they are paid, what is sent, what comes."""

from io import BytesIO
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from services.upscale.models import choice, providers
from services.upscale.providers.ideogram import resemblance
from services.upscale.providers.paid import by_area
from services.upscale.providers.stability import provider_creativity
from services.upscale.service import operations
from studio.events import About
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.money import Money
from studio.operation import Work
from studio.problems import Refused
from studio.providers.buying import Bought
from studio.providers.files import as_file

ALL = {one.name: one for one in operations(("stability", "ideogram", "replicate", "fal"))}
PHOTO = ImageFacts(width=1024, height=1024)


def engine_of(operation, provider, **raw):
    own = ALL[operation]
    return own.engine(provider), own.parse(raw)


def refused(operation, provider, image=PHOTO, **raw) -> Refused:
    engine, params = engine_of(operation, provider, **raw)
    with pytest.raises(Refused) as caught:
        engine.check(image, params)
    return caught.value


def size(operation, provider, image=PHOTO, **raw):
    engine, params = engine_of(operation, provider, **raw)
    [facts] = engine.forecast(image, params)
    return facts.width, facts.height


def test_only_providers_with_a_key_are_offered():
    offered = {one.name: tuple(one.paid) for one in operations(("fal",))}
    assert offered == {
        "upscale.fast": ("fal",),
        "upscale.conservative": (),
        "upscale.creative": ("fal",),
    }
    assert {name for one in operations() for name in one.paid} == set()


def test_a_size_is_promised_exactly():
    assert size("upscale.fast", "stability", factor=4) == (4096, 4096)
    assert size("upscale.fast", "stability", factor=2) == (2048, 2048)
    assert size("upscale.conservative", "stability", long_side=1500) == (1500, 1500)
    assert size("upscale.creative", "stability", long_side=2880) == (2880, 2880)
    assert size("upscale.fast", "replicate", factor=4) == (4096, 4096)
    assert size("upscale.creative", "fal", factor=4) == (4096, 4096)
    assert size("upscale.fast", "fal", factor=4) == (4096, 4096)
    assert size("upscale.creative", "replicate", factor=2) == (2048, 2048)


@pytest.mark.parametrize(
    ("operation", "provider", "raw", "product"),
    [
        ("upscale.conservative", "stability", {"target": "4k"}, "upscale.conservative"),
        ("upscale.creative", "stability", {"factor": 3}, "upscale.creative"),
        ("upscale.creative", "ideogram", {"factor": 2.5}, "upscale"),
        ("upscale.conservative", "replicate", {"factor": 5}, "upscale.real-esrgan"),
        ("upscale.creative", "fal", {"factor": 4.1}, "upscale.clarity"),
        ("upscale.creative", "replicate", {"factor": 2.1}, "upscale.recraft-creative"),
    ],
)
def test_more_than_a_provider_makes_is_refused_with_what_it_makes(
    operation, provider, raw, product
):
    found = refused(operation, provider, **raw)
    assert found.rule == f"{provider}.{product}.output"
    assert "providers.md" in found.says
    assert "longer side of at most" in found.fix


@pytest.mark.parametrize(
    ("operation", "facts", "rule"),
    [
        ("upscale.fast", (1025, 1024), "max_pixels"),
        ("upscale.fast", (1600, 400), "max_side"),
        ("upscale.fast", (31, 100), "min_side"),
        ("upscale.conservative", (3100, 3100), "max_pixels"),
        ("upscale.conservative", (1000, 390), "max_ratio"),
        ("upscale.creative", (1080, 1350), "max_pixels"),
    ],
)
def test_stabilitys_limits_hold_before_it_is_paid(operation, facts, rule):
    raw = {"factor": 2}
    found = refused(operation, "stability", ImageFacts(width=facts[0], height=facts[1]), **raw)
    assert found.rule == f"stability.{operation}.{rule}"
    assert (found.remedy is not None) == rule.startswith("max_") or rule == "max_ratio"


@pytest.mark.parametrize(
    ("operation", "provider", "facts", "rule"),
    [
        ("upscale.fast", "fal", (31, 100), "upscale.recraft-crisp.min_side"),
        ("upscale.fast", "fal", (5000, 100), "upscale.recraft-crisp.max_side"),
        ("upscale.fast", "fal", (2049, 100), "upscale.recraft-crisp.output"),
        ("upscale.creative", "replicate", (255, 400), "upscale.recraft-creative.min_side"),
        ("upscale.creative", "replicate", (4096, 4000), "upscale.recraft-creative.max_pixels"),
    ],
)
def test_recrafts_limits_hold_before_it_is_paid(operation, provider, facts, rule):
    image = ImageFacts(width=facts[0], height=facts[1])
    found = refused(operation, provider, image, factor=2)
    assert found.rule == f"{provider}.{rule}"
    assert "recraft.ai" in found.says


def test_every_engine_buys_what_the_data_say():
    for operation, own in ALL.items():
        for provider, engine in own.paid.items():
            assert engine.products() == choice(provider, operation).products
    told = {(name, one) for name, known in providers().items() for one in known.operations}
    assert told == {(provider, name) for name, own in ALL.items() for provider in own.paid}


def test_a_price_is_the_books_and_nothing_where_nothing_is_made():
    for operation, provider, expected in (
        ("upscale.fast", "stability", "0.02"),
        ("upscale.conservative", "stability", "0.4"),
        ("upscale.creative", "stability", "0.6"),
        ("upscale.creative", "ideogram", "0.06"),
        ("upscale.fast", "replicate", "0.002"),
        ("upscale.creative", "fal", "0.12"),
        ("upscale.fast", "fal", "0.004"),
        ("upscale.creative", "replicate", "0.3"),
    ):
        engine, params = engine_of(operation, provider, factor=2)
        assert str(engine.price(PHOTO, params, provider).expected) == f"{expected} USD"
        assert str(engine.price(None, params, provider).expected) == f"{expected} USD"
    engine, params = engine_of("upscale.conservative", "stability", long_side=1024)
    assert not engine.price(PHOTO, params, "stability").maximum


@given(ours=st.floats(0, 1))
def test_creativity_stays_within_the_providers_ranges(ours):
    assert 0.1 <= provider_creativity(ours) <= 0.5
    assert 1 <= resemblance(ours) <= 100


@given(width=st.integers(64, 3000), height=st.integers(64, 3000))
def test_by_area_is_never_more_than_that(width, height):
    image = ImageFacts(width=width, height=height)
    made = by_area(image, 4_194_304)
    assert made[0] * made[1] <= max(4_194_304, image.pixels)


class Shop:
    """Sells one picture, and keeps what it was asked."""

    def __init__(self, width, height) -> None:
        file = BytesIO()
        Pillow.new("RGB", (width, height), "grey").save(file, "PNG")
        self.picture, self.calls = file.getvalue(), []

    async def buy(self, call, index):
        self.calls.append(call)
        return Bought([self.picture], Money.of("0.07"), {"seed": 5})


async def performed(shop, operation, provider, about=None, size=(300, 200), **raw):
    own = ALL[operation]
    image = Image(Pillow.new("RGB", size, "grey"))
    work = Work(
        step_id=UUID(int=41),
        params=own.parse(raw),
        image=image,
        facts=image.facts,
        provider=provider,
        read_blob=None,
        about=about or About(),
        buy=shop.buy,
    )
    [made] = await own.engine(provider).run(work)
    return made


async def test_the_words_are_those_given_or_those_said_of_the_picture():
    shop = Shop(2508, 1672)
    wish = {"factor": 2}
    await performed(shop, "upscale.conservative", "stability", prompt="a cat", **wish)
    await performed(shop, "upscale.conservative", "stability", About(title="My cat"), **wish)
    await performed(shop, "upscale.conservative", "stability", **wish)
    said = [call.form["prompt"] for call in shop.calls]
    assert said == ["a cat", "My cat", "the same picture, sharp and detailed"]
    assert {call.form["creativity"] for call in shop.calls} == {"0.2"}


async def test_what_comes_larger_is_brought_to_the_size_that_was_asked_for():
    made = await performed(Shop(2508, 1672), "upscale.conservative", "stability", factor=2)
    assert made.image.pixels.size == (600, 400)
    assert made.details["made"] == [2508, 1672]
    assert made.details["needs_review"] is None
    assert made.cost == Money.of("0.07")


async def test_what_comes_smaller_is_kept_and_marked_for_a_person():
    made = await performed(Shop(450, 300), "upscale.creative", "ideogram", factor=2)
    assert made.image.pixels.size == (450, 300)
    assert "600×400 were expected" in made.details["needs_review"]


async def test_another_picture_than_the_source_is_marked_for_a_person():
    shop = Shop(8, 8)
    file = BytesIO()
    Pillow.radial_gradient("L").resize((600, 400)).convert("RGB").save(file, "PNG")
    shop.picture = file.getvalue()
    made = await performed(shop, "upscale.fast", "replicate", factor=2)
    assert "Shrunk back" in made.details["needs_review"]
    assert made.details["fidelity"]["ssim"] < 0.93


async def test_clarity_is_asked_for_the_factor_and_our_creativity():
    shop = Shop(900, 600)
    made = await performed(shop, "upscale.creative", "fal", factor=3, creativity=0.4, seed=9)
    asked = shop.calls[0].json
    assert (asked["upscale_factor"], asked["creativity"], asked["resemblance"]) == (3, 0.4, 0.6)
    assert asked["seed"] == 9
    assert made.image.pixels.size == (900, 600)


async def test_esrgan_is_asked_for_the_factor_that_reaches_the_size():
    shop = Shop(750, 500)
    await performed(shop, "upscale.conservative", "replicate", long_side=750)
    assert shop.calls[0].json["input"]["scale"] == 2.5


async def test_recraft_is_sent_the_picture_alone_and_what_was_not_used_is_noted():
    shop = Shop(1200, 800)
    await performed(shop, "upscale.fast", "fal", factor=2)
    wish = {"factor": 1.5, "prompt": "a cat", "seed": 4}
    made = await performed(shop, "upscale.creative", "replicate", size=(600, 400), **wish)
    crisp, creative = shop.calls
    assert set(crisp.json) == {"image_url"}
    assert crisp.json["image_url"].startswith("data:image/png;")
    assert set(creative.json["input"]) == {"image"}
    assert made.image.pixels.size == (900, 600)
    assert any("takes no creativity, no seed, no prompt" in note for note in made.notes)


def test_a_picture_that_is_too_large_as_png_is_not_sent_to_who_takes_png_only():
    image = Image(Pillow.effect_noise((600, 600), 90).convert("RGB"))
    beside = 10_000_000 - 300_000
    assert as_file(image, "replicate", "upscale.recraft-creative", beside)[:2] == b"\xff\xd8"
    with pytest.raises(Refused) as caught:
        as_file(image, "fal", "upscale.recraft-crisp", beside)
    assert caught.value.rule == "fal.upscale.recraft-crisp.max_bytes"
