"""Requests and prompts: what parameters come to, in sizes, seeds and words."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.create.dimensions import ratio_of, size_of
from services.create.prompts import MAX_ADDED, colour_name, compose
from services.create.request import SEEDS, Params, requested
from services.create.styles import find_style, styles
from services.create.templates import find_template, templates
from studio.problems import Refused


def size(**params):
    request = requested(Params(prompt="x", **params))
    return request.width, request.height


@pytest.mark.parametrize(
    ("text", "exact"),
    [("4:5", Fraction(4, 5)), ("1.91:1", Fraction(191, 100)), ("16:9", Fraction(16, 9)),
     (" 2 : 3 ", Fraction(2, 3)), ("1x1", Fraction(1))],
)  # fmt: skip
def test_ratios_are_read_exactly(text, exact):
    assert ratio_of(text) == exact


@pytest.mark.parametrize(
    "text", ["", "wide", "4:0", "0:5", "1:31", "31:1", "-1:2", "1e3:2", "4:5:6"]
)
def test_what_is_no_ratio_is_refused_with_examples(text):
    with pytest.raises(Refused) as refused:
        ratio_of(text)
    assert refused.value.rule == "create.generate.aspect_ratio"
    assert "4:5" in refused.value.valid


def test_both_sides_beat_the_ratio_which_beats_the_template():
    everything = {"width": 300, "height": 200, "aspect_ratio": "4:5", "template": "twitter_header"}
    assert size(**everything) == (300, 200)
    assert size(aspect_ratio="4:5", template="twitter_header") == (1536, 1920)
    assert size(template="twitter_header") == (1500, 500)
    assert size() == (1024, 1024)


def test_one_side_and_a_ratio_give_the_other_side():
    assert size(width=1080, aspect_ratio="4:5") == (1080, 1350)
    assert size(height=628, aspect_ratio="1.91:1") == (1199, 628)
    with pytest.raises(Refused) as refused:
        size(width=100, aspect_ratio="3:1")
    assert refused.value.rule == "create.generate.side"


@given(st.integers(1, 30), st.integers(1, 30))
def test_a_ratio_alone_gives_1920_px_and_that_ratio(width, height):
    made = size_of(None, None, f"{width}:{height}", None)
    assert max(made) == 1920
    assert min(made) >= 64
    assert abs(made[0] / made[1] / (width / height) - 1) < 0.01


def test_seeds_follow_one_another_and_wrap_around():
    request = requested(Params(prompt="x", seed=SEEDS - 1, variations=2))
    assert [request.seed_of(i) for i in range(2)] == [SEEDS - 1, 0]
    assert requested(Params(prompt="x", seed=0), default_seed=7).seed == 0, "zero is a seed"
    assert requested(Params(prompt="x"), default_seed=SEEDS + 7).seed == 7


def test_a_request_has_every_default_made_definite():
    request = requested(Params(prompt="a cup", template="instagram_reel_cover"))
    assert (request.style_id, request.quality, request.aspect_ratio) == (
        "cinematic",
        "premium",
        "9:16",
    )
    assert request.preset("stability") == "cinematic"
    assert request.preset("nobody") is None
    own = requested(
        Params(prompt="a cup", template="instagram_reel_cover", style="anime", quality="draft")
    )
    assert (own.style_id, own.quality) == ("anime", "draft")


def test_a_composed_prompt_says_everything_once_and_the_subject_first():
    composed = compose(
        "a red cup, cel shading",
        "hands",
        style=find_style("anime"),
        template=find_template("marketplace_main"),
        palette=["#0B3954"],
        tone=["calm"],
    )
    assert composed.prompt.startswith("a red cup, cel shading, anime key visual")
    assert composed.prompt.count("cel shading") == 1
    assert "colour palette of navy (#0b3954)" in composed.prompt
    assert "calm mood" in composed.prompt
    assert "the whole product in frame" in composed.prompt
    assert composed.negative_prompt.startswith("hands, photograph")
    assert "watermark" in composed.negative_prompt


def test_light_and_composition_are_added_only_where_the_prompt_names_none():
    style = find_style("photographic")
    assert "soft natural light" in compose("a cup", style=style).prompt
    assert "soft natural light" not in compose("a cup at sunset", style=style).prompt
    assert "rule of thirds" in compose("a cup", style=style).prompt
    assert "rule of thirds" not in compose("a cup, centred", style=style).prompt
    hinted = compose("a cup", style=style, template=find_template("instagram_story")).prompt
    assert "rule of thirds" not in hinted


def test_what_is_refused_is_not_added_and_what_is_wanted_is_not_refused():
    style = find_style("comic-book")
    assert "flat colours" not in compose("a cup", "flat colours", style=style).prompt
    assert "photograph" not in compose("a photograph of a cup", style=style).negative_prompt


def test_a_prompt_is_as_written_if_enhance_is_off():
    asked = Params(prompt=" a cup ", negative_prompt="x", style="anime", enhance=False)
    request = requested(asked)
    assert (request.prompt, request.negative_prompt) == (" a cup ", "x")


@given(
    st.text(min_size=1, max_size=2000),
    st.sampled_from(sorted(styles())),
    st.sampled_from(sorted(templates())),
)
def test_composing_never_cuts_the_subject_and_adds_a_bounded_length(subject, style, template):
    composed = compose(subject, style=find_style(style), template=find_template(template))
    whole = subject.strip().rstrip(",")
    assert composed.prompt.startswith(whole)
    assert len(composed.prompt) <= len(whole) + MAX_ADDED


def test_colours_are_named_by_the_nearest_word():
    assert [colour_name(c) for c in ("#14284f", "#d7263e", "#fefefe")] == ["navy", "red", "white"]
