"""Paid edits before they are paid: what is refused, what is promised, what it costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from services.edit.models import providers
from services.edit.providers.paid import Canvas, no_larger
from services.edit.providers.stability import colour_in_words
from services.edit.service import operations
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.problems import Refused

ALL = {
    one.name: one
    for one in operations(("stability", "openai", "google", "huggingface", "ideogram", "replicate"))
}
BOX = {"box": {"x0": 0.25, "y0": 0.25, "x1": 0.5, "y1": 0.5}}
PHOTO = ImageFacts(width=1200, height=800)


def engine_of(operation, provider, **raw):
    own = ALL[operation]
    return own.engine(provider), own.params_type.model_validate(raw)


def refused(operation, provider, image=PHOTO, **raw) -> Refused:
    engine, params = engine_of(operation, provider, **raw)
    with pytest.raises(Refused) as caught:
        engine.check(image, params)
    return caught.value


def forecast(operation, provider, image=PHOTO, **raw) -> ImageFacts:
    engine, params = engine_of(operation, provider, **raw)
    [facts] = engine.forecast(image, params)
    return facts


def test_only_providers_with_a_key_are_offered():
    offered = {one.name: one.offered for one in operations(("stability",))}
    assert offered["edit.erase"] == ("local", "stability")
    assert offered["edit.general"] == ("local",)
    assert {name for one in operations() for name in one.paid} == set()


@pytest.mark.parametrize(
    ("operation", "raw", "size", "rule"),
    [
        ("edit.remove_background", {}, (2049, 2048), "max_pixels"),
        ("edit.erase", {"mask": BOX}, (63, 200), "min_side"),
        ("edit.inpaint", {"mask": BOX, "prompt": "a cup"}, (4000, 3000), "max_pixels"),
        ("edit.outpaint", {"left": 8}, (1000, 300), "max_ratio"),
        ("edit.search_replace", {"select": "the cup", "prompt": "b"}, (1000, 300), "max_ratio"),
        ("edit.search_recolor", {"select": "the cup", "colour": "red"}, (300, 1000), "max_ratio"),
        ("edit.replace_background", {"prompt": "a sea"}, (4000, 3000), "max_pixels"),
    ],
)
def test_stabilitys_limits_of_a_picture_hold_before_it_is_paid(operation, raw, size, rule):
    found = refused(operation, "stability", ImageFacts(width=size[0], height=size[1]), **raw)
    assert found.rule == f"stability.{operation}.{rule}"
    assert "providers.md §4.1" in found.says
    assert (rule == "max_pixels") == (found.remedy is not None)


def test_what_stability_calls_by_words_has_a_limit_that_a_mask_has_not():
    long = ImageFacts(width=1000, height=300)
    assert forecast("edit.search_replace", "stability", long, mask=BOX, prompt="b").width == 1000


def test_outpainting_to_a_far_ratio_is_refused_with_stabilitys_own_limit():
    found = refused("edit.outpaint", "stability", ratio="30:1")
    assert found.rule == "stability.edit.outpaint.max_margin"
    assert "2,000" in found.says


def test_outpainting_to_the_ratio_that_it_has_is_nothing_to_do():
    assert refused("edit.outpaint", "stability", ratio="3:2").rule == "edit.outpaint.nothing_to_do"


@pytest.mark.parametrize("provider", ["stability", "openai", "ideogram"])
def test_what_needs_no_model_stays_local(provider):
    found = refused("edit.replace_background", provider, colour="white")
    assert found.rule == f"{provider}.edit.replace_background.local_only"


def test_ideogram_needs_a_prompt_to_inpaint():
    assert refused("edit.inpaint", "ideogram", mask=BOX).rule == "ideogram.edit.prompt"


def test_ideogram_is_sent_nothing_that_would_come_back_smaller():
    large = ImageFacts(width=2000, height=1000)
    found = refused("edit.inpaint", "ideogram", large, mask=BOX, prompt="a cup")
    assert found.remedy == {"operation": "edit.resize", "params": {"max_pixels": 1_048_576}}


def test_an_outpainted_picture_grows_by_what_was_asked():
    facts = forecast("edit.outpaint", "stability", left=100, right=20, up=3, down=4)
    assert (facts.width, facts.height, facts.alpha) == (1320, 807, False)


def test_a_cut_out_has_its_size_and_transparency():
    for provider in ("stability", "replicate"):
        facts = forecast("edit.remove_background", provider)
        assert (facts.width, facts.height, facts.alpha) == (1200, 800, True)


def test_a_picture_of_up_to_four_megapixels_keeps_its_size():
    assert forecast("edit.erase", "stability", mask=BOX).pixels == PHOTO.pixels
    large = forecast("edit.erase", "stability", ImageFacts(width=3600, height=2400), mask=BOX)
    assert large.pixels <= 4_194_304
    assert large.ratio == pytest.approx(1.5, abs=0.002)


@pytest.mark.parametrize("provider", ["openai", "google"])
@given(width=st.integers(64, 6000), height=st.integers(64, 6000))
def test_an_instruction_keeps_the_ratio_of_a_picture(provider, width, height):
    image = ImageFacts(width=width, height=height)
    facts = forecast("edit.general", provider, image, instruction="make it winter")
    shown = facts.width / facts.height / image.ratio
    assert shown == pytest.approx(1, abs=1.01 / min(facts.width, facts.height))


@given(
    width=st.integers(20, 400),
    height=st.integers(20, 400),
    drawn=st.sampled_from([(102, 102), (153, 102), (102, 153)]),
)
def test_what_is_laid_on_a_canvas_is_taken_from_it(width, height, drawn):
    canvas = Canvas((width, height), drawn)
    red = Pillow.new("RGB", (width, height), "red")
    laid = canvas.laid(red, mode="constant")
    assert laid.width <= max(drawn[0], round(height * drawn[0] / drawn[1]), width)
    back = canvas.taken(Image(laid.resize(drawn, Pillow.Resampling.NEAREST)))
    assert back.pixels.size == canvas.kept
    middle = back.pixels.getpixel((back.width // 2, back.height // 2))
    assert middle == (255, 0, 0)


def test_a_price_is_the_books():
    for operation, provider, raw, expected in (
        ("edit.erase", "stability", {"mask": BOX}, "0.05"),
        ("edit.inpaint", "stability", {"mask": BOX}, "0.05"),
        ("edit.outpaint", "stability", {"left": 8}, "0.04"),
        ("edit.replace_background", "stability", {"prompt": "a sea"}, "0.08"),
        ("edit.general", "openai", {"instruction": "winter"}, "0.054376"),
        ("edit.inpaint", "ideogram", {"mask": BOX, "prompt": "a cup"}, "0.06"),
        ("edit.remove_background", "replicate", {}, "0.01"),
    ):
        engine, params = engine_of(operation, provider, **raw)
        assert str(engine.price(PHOTO, params, provider).expected) == f"{expected} USD"


def test_every_engine_has_a_price_before_there_is_a_picture():
    raw = {
        "edit.erase": {"mask": BOX},
        "edit.general": {"instruction": "make it winter"},
        "edit.inpaint": {"mask": BOX, "prompt": "a cup"},
        "edit.outpaint": {"left": 8},
        "edit.remove_background": {},
        "edit.replace_background": {"prompt": "a sea"},
        "edit.search_recolor": {"select": "the cup", "colour": "red"},
        "edit.search_replace": {"select": "the cup", "prompt": "a vase"},
    }
    for name, own in ALL.items():
        for provider in own.paid:
            asked = {"ratio": "3:2"} if provider == "ideogram" and "outpaint" in name else raw[name]
            engine, params = engine_of(name, provider, **asked)
            engine.check(None, params)
            assert engine.price(None, params, provider).expected
            assert list(engine.forecast(None, params)) == []


def test_a_hex_colour_is_told_by_its_nearest_name():
    assert colour_in_words("#ff0101") == "red (#ff0101)"
    assert colour_in_words("navy") == "navy"


@given(
    width=st.integers(1, 9000), height=st.integers(1, 9000), pixels=st.integers(10_000, 9_000_000)
)
def test_no_larger_means_no_larger(width, height, pixels):
    small = no_larger((width, height), pixels)
    assert small[0] * small[1] <= max(pixels, *small)
    assert small[0] <= width
    assert small[1] <= height


def test_what_an_engine_buys_is_in_the_data_and_every_product_of_the_data_is_bought_by_one():
    for own in ALL.values():
        for provider, engine in own.paid.items():
            ways = providers()[provider].operations[own.name]
            assert set(engine.products()) == {p for one in ways.values() for p in one.products}
    done = {(provider, name) for name, own in ALL.items() for provider in own.paid}
    assert done == {(who, name) for who, one in providers().items() for name in one.operations}


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ({"left": 8}, "ideogram.edit.outpaint.local_only"),
        ({"left": 8, "right": 8, "up": 8, "down": 8}, "ideogram.edit.outpaint.local_only"),
        ({"ratio": "3:2", "anchor": "top"}, "ideogram.edit.outpaint.local_only"),
        ({"ratio": "3:2", "prompt": "a sea"}, "ideogram.edit.outpaint.local_only"),
        ({"ratio": "3.2:1"}, "ideogram.reframe.max_ratio"),
        ({"ratio": "1:1"}, "edit.outpaint.nothing_to_do"),
    ],
)
def test_ideogram_extends_squares_evenly_in_one_direction(raw, rule):
    square = ImageFacts(width=512, height=512)
    assert refused("edit.outpaint", "ideogram", square, **raw).rule == rule


def test_ideogram_takes_no_picture_that_is_not_square_or_that_it_would_shrink():
    assert refused("edit.outpaint", "ideogram", ratio="2:1").rule == "ideogram.reframe.square"
    large = ImageFacts(width=1024, height=1024)
    found = refused("edit.outpaint", "ideogram", large, ratio="16:9")
    assert found.rule == "ideogram.reframe.output"
    assert found.remedy == {"operation": "edit.resize", "params": {"max_side": 736}}
    small = ImageFacts(width=736, height=736)
    assert forecast("edit.outpaint", "ideogram", small, ratio="16:9").width == 1308


def test_an_edit_by_hugging_face_keeps_the_ratio_and_has_about_a_megapixel_at_most():
    made = forecast("edit.general", "huggingface", instruction="make it winter")
    assert abs(made.width / made.height - 1.5) < 0.01
    assert 900_000 < made.width * made.height <= 1_048_576
    tiny = ImageFacts(width=63, height=400)
    found = refused("edit.general", "huggingface", tiny, instruction="make it winter")
    assert found.rule == "huggingface.edit.flux.1-kontext-dev.min_side"
