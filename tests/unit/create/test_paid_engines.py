"""Paid engines: what is told of a picture before anything is paid, and kept when it is."""

from __future__ import annotations

import io
from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from services.create.operations.generate import Generate
from services.create.providers.fal import Fal
from services.create.providers.google import Gemini, Imagen
from services.create.providers.huggingface import HuggingFace
from services.create.providers.ideogram import Ideogram
from services.create.providers.openai import OpenAI
from services.create.providers.paid import PaidGenerate
from services.create.providers.replicate import Replicate
from services.create.providers.stability import Stability
from services.create.quality import ladder
from services.create.request import Params, requested
from services.create.service import ENGINES, engines
from studio.money import Money
from studio.operation import Failure, Output, Work
from studio.problems import Refused
from studio.providers.buying import Bought
from studio.providers.call import Call, InDoubt, Moderated, Parked, ProviderAway, ProviderRefused
from studio.providers.limits import product_limits
from studio.providers.pictures import key_refused

QUALITIES = ("draft", "standard", "premium")
EVERY = pytest.mark.parametrize("engine", [one() for one in ENGINES], ids=lambda one: one.provider)
QUALITY = pytest.mark.parametrize("quality", QUALITIES)
CENT = Money.of("0.01")
BLOB = "sha256:" + "0" * 64
FOLLOWING = {"reference": {"blob": BLOB, "strength": 0.6}}
MANNERS = [{}, FOLLOWING, {"transparent": True}, {**FOLLOWING, "transparent": True}]


def params(**fields: object) -> Params:
    return Params.model_validate({"prompt": "a lighthouse at dusk", **fields})


def size(engine: PaidGenerate, **fields: object) -> tuple[int, int]:
    facts = engine.forecast(None, params(**fields))[0]
    return facts.width, facts.height


def sent(engine: PaidGenerate, **fields: object) -> Call:
    """The first call of a request."""
    request = requested(params(**fields))
    plan = engine.plan(request)
    return engine.call(request, plan, engine._parts(request, plan, {})[0])


def picture(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Pillow.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return buffer.getvalue()


# What is offered


def test_only_providers_with_a_key_are_offered():
    assert engines({}) == []
    assert [one.provider for one in engines({"stability", "fal"})] == ["stability", "fal"]
    assert [one.provider for one in engines({"google"})] == ["google", "imagen"]


def test_the_local_engine_stays_the_default():
    offered = Generate().with_engines(engines({"stability", "openai"})).offered
    assert offered == ("local", "stability", "openai")


# Forecasts


@EVERY
@QUALITY
def test_every_shape_that_the_provider_takes_is_made_as_asked(engine, quality):
    plan = engine.plan(requested(params(quality=quality)))
    known = product_limits(engine.account, plan.product)
    if known.sizes:
        assert plan.shape in known.sizes or plan.shape == "square_hd"
        return
    for ratio in known.aspect_ratios:
        found = engine.plan(requested(params(quality=quality, aspect_ratio=ratio)))
        assert found.shape == ratio


@pytest.mark.parametrize("engine", [OpenAI(), Fal()], ids=["openai", "fal"])
@pytest.mark.parametrize("ratio", ["1:1", "16:9", "2:3", "5:1"])
def test_sizes_are_those_of_the_limits(engine, ratio):
    plan = engine.plan(requested(params(aspect_ratio=ratio)))
    assert f"{plan.size[0]}x{plan.size[1]}" in product_limits(engine.account, plan.product).sizes


@EVERY
@QUALITY
def test_a_forecast_has_as_many_pictures_as_variations(engine, quality):
    assert len(engine.forecast(None, params(quality=quality, variations=7))) == 7


@pytest.mark.parametrize(
    ("engine", "quality", "expected"),
    [
        (Stability(), "draft", (896, 1088)),
        (Stability(), "standard", (1120, 1376)),
        (Stability(), "premium", (896, 1088)),
        (OpenAI(), "standard", (1024, 1536)),
        (Gemini(), "standard", (928, 1152)),
        (Gemini(), "premium", (1856, 2304)),
        (Imagen(), "premium", (1792, 2560)),
        (HuggingFace(), "premium", (912, 1136)),
        (Ideogram(), "standard", (896, 1120)),
        (Replicate(), "draft", (896, 1088)),
        (Fal(), "draft", (768, 1024)),
    ],
)
def test_a_size_that_a_provider_cannot_make_is_told_as_the_nearest_that_it_can(
    engine, quality, expected
):
    asked = params(width=1080, height=1350, quality=quality)
    engine.check(None, asked)
    assert size(engine, width=1080, height=1350, quality=quality) == expected


def test_a_small_square_is_asked_for_small_where_that_is_cheaper():
    assert size(Fal(), width=400, height=400) == (512, 512)
    assert size(Fal(), width=600, height=600) == (1024, 1024)


@given(width=st.integers(64, 4096), height=st.integers(64, 4096))
def test_any_size_is_fitted_into_what_a_model_makes(width, height):
    made = size(HuggingFace(), width=width, height=height)
    assert made[0] * made[1] <= 1_048_576
    assert all(256 <= side <= 2048 and side % 16 == 0 for side in made)


def test_a_size_that_can_be_made_is_made_exactly():
    assert size(HuggingFace(), width=1024, height=768) == (1024, 768)


# Prices


@pytest.mark.parametrize(
    ("engine", "fields", "expected"),
    [
        (Stability(), {"quality": "draft"}, "0.04"),
        (Stability(), {"variations": 3}, "0.09"),
        (Stability(), {"quality": "premium", "variations": 2}, "0.16"),
        (OpenAI(), {"quality": "draft", "variations": 2}, "0.005152"),
        (Gemini(), {"quality": "draft", "variations": 2}, "0.078"),
        (Gemini(), {"quality": "premium"}, "0.134"),
        (Imagen(), {"variations": 6}, "0.24"),
        (HuggingFace(), {"variations": 2}, "0.05"),
        (Ideogram(), {"variations": 10}, "0.3"),
        (Ideogram(), {"quality": "draft"}, "0.03"),
        (Ideogram(), {"transparent": True}, "0.06"),
        (Stability(), MANNERS[1], "0.065"),
        (OpenAI(), MANNERS[1], "0.037992"),
        (Gemini(), MANNERS[1], "0.067"),
        (HuggingFace(), MANNERS[1], "0.025"),
        (Ideogram(), MANNERS[1], "0.06"),
        (Replicate(), MANNERS[1] | {"quality": "premium"}, "0.025"),
        (Fal(), MANNERS[1] | {"variations": 2}, "0.06"),
        (Replicate(), {"variations": 6, "quality": "draft"}, "0.018"),
        (Replicate(), {"variations": 2, "quality": "premium"}, "0.08"),
        (Fal(), {"variations": 5}, "0.125"),
    ],
)
def test_the_price_is_that_of_all_calls(engine, fields, expected):
    assert engine.price(None, params(**fields), engine.provider).expected == Money.of(expected)


@EVERY
@QUALITY
@pytest.mark.parametrize("variations", [1, 10])
@pytest.mark.parametrize("manner", MANNERS, ids=["words", "reference", "transparent", "both"])
def test_the_price_is_what_the_calls_expect_to_pay(engine, quality, variations, manner):
    asked = params(quality=quality, variations=variations, **manner)
    request = requested(asked)
    if not getattr(ladder(engine.ladder), engine.manner(request)):
        with pytest.raises(Refused):
            engine.plan(request)
        return
    plan = engine.plan(request)
    start = picture(64, 64) if request.followed else None
    calls = [engine.call(request, plan, part, start) for part in engine._parts(request, plan, {})]
    price = engine.price(None, asked, engine.provider).expected
    assert plan.product in engine.products()
    assert len({one.path for one in calls}) == 1
    assert sum((one.price for one in calls), Money.zero()) == price
    assert {one.product for one in calls} == {plan.product}
    assert {one.provider for one in calls} == {engine.account}


# Refusals


@EVERY
def test_a_prompt_that_is_too_long_is_refused_in_the_providers_words(engine, monkeypatch):
    plan = engine.plan(requested(params()))
    known = product_limits(engine.account, plan.product)
    narrow = known.model_copy(update={"max_prompt": 5})
    monkeypatch.setattr("studio.providers.limits.product_limits", lambda *_: narrow)
    with pytest.raises(Refused) as refused:
        engine.check(None, params())
    assert refused.value.rule == f"{engine.account}.{plan.product}.max_prompt"
    assert known.source in refused.value.says


@EVERY
def test_nothing_is_bought_whose_price_is_not_known(engine, monkeypatch):
    plan = engine.plan(requested(params()))
    unheard = type(plan)("generate.unheard-of", "unheard-of", plan.prompt, plan.size)
    monkeypatch.setattr(type(engine), "plan", lambda *_: unheard)
    with pytest.raises(Refused) as refused:
        engine.check(None, params())
    assert refused.value.rule == "price.unknown"


@EVERY
def test_an_unknown_style_is_refused_with_near_ones(engine):
    with pytest.raises(Refused) as refused:
        engine.check(None, params(style="watercolors"))
    assert "watercolor" in refused.value.valid


# What is sent


def test_a_style_that_stability_knows_is_its_preset_and_any_other_is_words():
    known, other = sent(Stability(), style="anime"), sent(Stability(), style="watercolor")
    assert known.form["style_preset"] == "anime"
    assert "style_preset" not in other.form
    assert "watercolor" in other.form["prompt"]


def test_a_turbo_model_is_told_no_negative_prompt_and_that_is_noted():
    request = requested(params(quality="draft", negative_prompt="boats"))
    plan = Stability().plan(request)
    assert "negative_prompt" not in Stability().call(request, plan, range(1)).form
    assert plan.notes
    assert sent(Stability(), negative_prompt="boats").form["negative_prompt"] == "boats"


@pytest.mark.parametrize("engine", [OpenAI(), Gemini()], ids=["openai", "google"])
def test_models_that_follow_instructions_are_told_what_to_avoid(engine):
    assert engine.plan(requested(params(negative_prompt="boats"))).prompt.endswith("Avoid: boats.")


@pytest.mark.parametrize("engine", [Imagen(), Replicate(), Fal()], ids=lambda one: one.provider)
def test_what_cannot_be_told_to_a_model_is_noted(engine):
    assert engine.plan(requested(params(negative_prompt="boats"))).notes


def test_a_brands_colours_are_ideograms_palette():
    files = dict(sent(Ideogram(), brand={"palette": ["#0b3954"]}).files)
    assert b"#0B3954" in files["color_palette"].data


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1, 2**31, 2**32 - 3, 2**32 - 1])
@EVERY
def test_each_variation_has_a_seed_of_its_own_that_the_provider_takes(engine, seed):
    asked = requested(params(seed=seed))
    found = [engine.seed(asked, range(number, number + 1)) for number in range(10)]
    if engine.seeds is not None:
        assert all(1 <= one <= engine.seeds for one in found)
        assert len(set(found)) == 10


def test_imagen_keeps_its_watermark():
    parameters = sent(Imagen(), seed=7).json["parameters"]
    assert "seed" not in parameters
    assert "addWatermark" not in parameters


def test_a_picture_is_followed_as_closely_as_was_asked_in_each_providers_own_measure():
    def told(engine: PaidGenerate) -> Call:
        request = requested(params(reference={"blob": BLOB, "strength": 0.8}))
        return engine.call(request, engine.plan(request), range(1), picture(64, 64))

    assert told(Stability()).form["strength"] == "0.2"
    assert told(Stability()).form["mode"] == "image-to-image"
    assert told(Fal()).json["strength"] == 0.2
    assert told(Replicate()).json["input"]["prompt_strength"] == 0.2
    assert told(Ideogram()).form["image_weight"] == "80"
    for engine in (OpenAI(), Gemini(), HuggingFace()):
        request = requested(params(reference={"blob": BLOB, "strength": 0.8}))
        plan = engine.plan(request)
        assert "Keep closely to the reference" in plan.prompt
        assert any("told in words" in note for note in plan.notes)


# What is made of what was bought


class Till:
    """Sells what it is told to, by the number of the call."""

    def __init__(self, sells: Callable[[int], Bought | Exception]) -> None:
        self.sells, self.asked = sells, []

    async def buy(self, call: Call, index: int) -> Bought:
        self.asked.append(index)
        answer = self.sells(index)
        if isinstance(answer, Exception):
            raise answer
        return answer


def bought(*files: bytes, cost: str = "0.03", **details: object) -> Bought:
    return Bought(list(files), Money.of(cost), details)


async def run(engine: PaidGenerate, till: Till, **fields: object) -> list[Output | Failure]:
    async def read_blob(key: str) -> bytes:
        raise AssertionError(key)

    work = Work(UUID(int=7), params(**fields), None, None, engine.provider, read_blob, buy=till.buy)
    return list(await engine.run(work))


CORE = picture(1248, 1248)


async def test_a_picture_tells_how_it_was_made():
    till = Till(lambda _: bought(CORE, seed=11, request="req-1"))
    [made] = await run(Stability(), till, style="anime", seed=11)
    details = made.details
    assert made.cost == Money.of("0.03")
    assert made.image.source_type == "trainedAlgorithmicMedia"
    assert details["prompt"] == "a lighthouse at dusk"
    assert details["composed_prompt"].startswith("a lighthouse at dusk, ")
    assert (details["provider"], details["model"]) == ("stability", "core")
    assert (details["seed"], details["request"]) == (11, "req-1")
    assert "needs_review" not in details


async def test_variations_have_seeds_that_follow_one_another():
    made = await run(Stability(), Till(lambda _: bought(CORE)), seed=5, variations=3)
    assert [one.details["seed"] for one in made] == [5, 6, 7]
    assert [one.label for one in made] == ["variation 1", "variation 2", "variation 3"]


async def test_a_size_that_was_not_asked_for_is_noted():
    [made] = await run(Stability(), Till(lambda _: bought(CORE)))
    assert any("1248×1248" in note and "1024×1024" in note for note in made.notes)


async def test_a_picture_of_the_wrong_size_is_kept_for_review():
    [made] = await run(Stability(), Till(lambda _: bought(picture(936, 624))))
    assert made.image.pixels.size == (936, 624)
    assert made.cost == Money.of("0.03")
    assert "936×624" in made.details["needs_review"]
    assert made.details["needs_review"] in made.notes


async def test_a_background_that_was_not_wanted_is_kept_for_review():
    till = Till(lambda _: bought(picture(1024, 1024)))
    [made] = await run(Ideogram(), till, transparent=True)
    assert "has a background" in made.details["needs_review"]


async def test_a_size_that_is_off_by_less_than_was_known_of_it_is_only_noted():
    [made] = await run(Stability(), Till(lambda _: bought(picture(1240, 1256))))
    assert "needs_review" not in made.details
    assert any("1240×1256" in note for note in made.notes)


async def test_of_an_exact_size_no_pixel_may_miss():
    [made] = await run(OpenAI(), Till(lambda _: bought(picture(1024, 1020))))
    assert made.details["needs_review"]


async def test_pictures_of_one_call_share_its_cost_to_the_last_billionth():
    square = picture(1024, 1024)
    made = await run(OpenAI(), Till(lambda _: bought(*[square] * 3, cost="0.1")), variations=3)
    assert sum((one.cost for one in made), Money.zero()) == Money.of("0.1")
    assert [one.label for one in made] == ["variation 1", "variation 2", "variation 3"]


@pytest.mark.parametrize(
    ("refusal", "paid"),
    [
        (Moderated(provider="stability", says="flagged"), Money.zero()),
        (Moderated(provider="stability", says="blurred", billed="yes"), Money.of("0.03")),
        (Moderated(provider="stability", says="gone", billed="unknown"), Money.of("0.03")),
        (InDoubt("stability", "generate.core"), Money.of("0.03")),
        (ProviderRefused(rule="provider.expired", says="It is gone."), Money.of("0.03")),
    ],
    ids=["unbilled", "billed", "perhaps billed", "in doubt", "expired"],
)
async def test_a_variation_that_is_refused_costs_the_others_nothing(refusal, paid):
    refusal.cost = paid  # as the buyer has it on record
    till = Till(lambda index: refusal if index == 1 else bought(CORE))
    first, second, third = await run(Stability(), till, variations=3)
    assert isinstance(first, Output)
    assert isinstance(third, Output)
    assert isinstance(second, Failure)
    assert (second.problem.rule, second.cost, second.label) == (refusal.rule, paid, "variation 2")


async def test_a_step_of_which_nothing_was_bought_is_refused():
    refusal = Moderated(provider="stability", says="flagged")
    with pytest.raises(Moderated):
        await run(Stability(), Till(lambda _: refusal), variations=3)


async def test_an_empty_account_is_asked_no_further():
    refusal = key_refused("stability", "no")
    till = Till(lambda index: refusal if index else bought(CORE))
    made = await run(Stability(), till, variations=5)
    assert till.asked == [0, 1]
    assert [type(one) for one in made] == [Output, *[Failure] * 4]
    assert sum((one.cost for one in made), Money.zero()) == Money.of("0.03")


async def test_all_jobs_are_ordered_before_one_is_waited_for():
    till = Till(lambda _: Parked(rule="provider.working", says="It works.", retry_after=5))
    with pytest.raises(Parked):
        await run(Fal(), till, variations=10)
    assert till.asked == [0, 1, 2]


async def test_a_provider_that_is_away_is_tried_again_later():
    till = Till(lambda _: ProviderAway(rule="provider.away", says="Away."))
    with pytest.raises(ProviderAway):
        await run(Stability(), till, variations=2)
    assert till.asked == [0]


async def test_a_picture_that_a_filter_took_out_of_a_reply_fails_alone():
    made = picture(1024, 1024)
    answer = bought(made, made, cost="0.08", filtered=1, reason="unsafe")
    first, second, third = await run(Imagen(), Till(lambda _: answer), variations=3)
    assert first.cost + second.cost == Money.of("0.08")
    assert isinstance(third, Failure)
    assert third.problem.rule == "provider.moderated"
    assert "unsafe" in third.problem.says
    assert not third.cost


async def test_a_picture_that_cannot_be_read_was_paid_all_the_same():
    till = Till(lambda _: bought(CORE[:200]))
    [failed] = await run(Stability(), till)
    assert isinstance(failed, Failure)
    assert failed.cost == Money.of("0.03")
