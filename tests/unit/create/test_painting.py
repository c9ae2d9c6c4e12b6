"""What is painted is what the words say: colours, light, moods, places, and what is not wanted."""

import numpy as np
import pytest

from services.create.operations.generate import Generate, Params
from services.create.providers.local.brief import FAMILIES, read
from services.create.providers.local.engine import generate
from services.create.providers.local.painters import PAINTERS
from services.create.providers.local.reference import look_at, main_colours
from studio.imaging.colour import srgb_to_lab
from studio.problems import Refused

BRAND = ((11, 57, 84), (255, 90, 95), (245, 183, 0))

#: A prompt for each painter.
PROMPTS = {
    "landscape": "mountains at sunrise", "skyline": "city skyline at night",
    "still_life": "a cup on a table", "plinth": "perfume bottle", "ribbons": "abstract flow",
    "poster": "festival poster", "isometric": "isometric city", "pattern": "floral pattern",
    "mesh": "gradient", "geometric": "bauhaus shapes", "bokeh": "bokeh",
    "wash": "paint splash",
}  # fmt: skip


def painted(prompt, seed=1, width=192, height=192, **more) -> np.ndarray:
    picture = generate(prompt, width=width, height=height, seed=seed, **more)
    return np.asarray(picture, np.float32)


def share_near(picture, colour, distance=30.0) -> float:
    """The share of pixels within a ΔE of a colour."""
    away = srgb_to_lab(picture) - srgb_to_lab(colour)
    return float((np.linalg.norm(away, axis=-1) < distance).mean())


def test_every_painter_is_chosen_by_words():
    assert {read(prompt).painter for prompt in PROMPTS.values()} == set(PAINTERS)
    assert set(FAMILIES) <= set(PAINTERS)


def test_a_red_cup_on_a_blue_plate_shows_red_over_blue():
    picture = painted("a red cup on a blue plate")
    red = (picture[..., 0] > 120) & (picture[..., 0] > picture[..., 2] + 70) & (
        picture[..., 0] > picture[..., 1] + 90
    )  # fmt: skip
    blue = (picture[..., 2] > 110) & (picture[..., 2] > picture[..., 0] + 60)
    assert red.mean() > 0.02
    assert blue.mean() > 0.01
    height = np.arange(192)[:, None]
    assert (height * red).sum() / red.sum() < (height * blue).sum() / blue.sum()


def test_colours_change_places_with_their_things():
    picture = painted("a blue cup on a red plate")
    blue = picture[..., 2] > picture[..., 0] + 60
    red = (picture[..., 0] > picture[..., 2] + 90) & (picture[..., 0] > picture[..., 1] + 100)
    height = np.arange(192)[:, None]
    assert (height * blue).sum() / blue.sum() < (height * red).sum() / red.sum()


def test_colour_words_rule_the_colours():
    red = painted("abstract flow in red and crimson").mean((0, 1))
    blue = painted("abstract flow in blue and navy").mean((0, 1))
    assert red[0] > red[2] + 20
    assert blue[2] > blue[0] + 20


@pytest.mark.parametrize("subject", ["mountains", "a cup on a table", "perfume bottle", "poster"])
def test_night_is_darker_than_noon(subject):
    night, noon = painted(f"{subject} at night"), painted(f"{subject} at noon")
    assert night.mean() < noon.mean() - 40


def test_moods_change_the_saturation():
    def colourfulness(prompt):
        picture = painted(prompt)
        return (picture.max(-1) - picture.min(-1)).mean()

    assert colourfulness("vibrant red poster") > colourfulness("calm misty red poster") * 1.2


@pytest.mark.parametrize(
    "subject",
    ["floral pattern in sage", "bauhaus shapes in red", "abstract flow", "festival poster"],
)
def test_minimal_is_sparse(subject):
    def detail(prompt):
        pictures = [painted(prompt, seed=seed).mean(-1) for seed in range(5)]
        return np.mean([np.abs(np.diff(one, axis=0)).mean() for one in pictures])

    assert detail(f"minimal {subject}") < 0.75 * detail(f"busy {subject}")


@pytest.mark.parametrize(("word", "side"), [("left", slice(0, 96)), ("right", slice(96, 192))])
def test_place_words_move_the_subject(word, side):
    picture = painted(f"red ball {word}, white and cream background")
    redness = picture[..., 0] - picture[..., 2]
    other = slice(96, 192) if side.start == 0 else slice(0, 96)
    assert redness[:, side].sum() > redness[:, other].sum()


def test_numbers_repeat_things_on_the_table():
    def redness(prompt):
        picture = painted(prompt, width=384)
        red = (picture[..., 0] > picture[..., 1] + 80) & (picture[..., 0] > picture[..., 2] + 80)
        columns = red.any(0).astype(int)
        return int((np.diff(columns) == 1).sum())

    assert redness("three red apples on a white table") > redness("a red apple on a white table")


@pytest.mark.parametrize("painter", PROMPTS)
def test_an_unwanted_hue_is_not_painted(painter):
    picture = painted(PROMPTS[painter], negative_prompt="red, orange, yellow")
    lab = srgb_to_lab(picture)
    chroma, hue = np.hypot(lab[..., 1], lab[..., 2]), np.arctan2(lab[..., 2], lab[..., 1])
    warm = (chroma > 25) & (hue > 0.35) & (hue < 1.5)  # 20° to 86°: red to yellow
    assert warm.mean() < 0.01


def test_an_unwanted_feature_is_not_painted():
    steaming = painted("a hot cup of coffee on a black background", seed=3)
    cold = painted("a hot cup of coffee on a black background", seed=3, negative_prompt="steam")
    changed = np.abs(steaming - cold).max(-1) > 12
    assert changed.mean() > 0.003
    assert changed[:130].sum() > 0.9 * changed.sum(), "only above the cup"
    assert steaming[changed].mean() > cold[changed].mean()
    stars = painted("mountains at night, no stars, no moon")[:50]
    assert stars.max() < painted("mountains at night")[:50].max() - 60


@pytest.mark.parametrize("painter", PROMPTS)
def test_a_brands_colours_are_dominant(painter):
    branded = painted(PROMPTS[painter], palette=BRAND)
    lab, table = srgb_to_lab(branded), srgb_to_lab(BRAND)
    nearest = np.linalg.norm(lab[..., None, :] - table, axis=-1).min(-1)
    plain = srgb_to_lab(painted(PROMPTS[painter]))
    without = np.linalg.norm(plain[..., None, :] - table, axis=-1).min(-1)
    assert (nearest < 32).mean() > 0.5
    assert np.median(nearest) < 0.8 * np.median(without) or np.median(nearest) < 15


def test_a_brand_of_one_colour_still_shows_forms():
    picture = painted("mountains at sunrise", palette=((88, 24, 69),))
    assert picture.std() > 12


def test_every_brand_colour_of_three_is_to_be_seen():
    picture = painted("bauhaus shapes", palette=BRAND)
    assert all(share_near(picture, colour, 25) > 0.01 for colour in BRAND)


def test_a_brands_tone_is_read_as_moods():
    assert read("sea", tone=("calm",)).mood == read("calm sea").mood


def test_a_reference_is_followed_by_its_strength():
    red = look_at(generate("abstract flow in red", width=96, height=96, seed=1), 1.0)
    distances = []
    for strength in (0.0001, 0.5, 1.0):
        look = type(red)(red.palette, red.tones, strength)
        picture = painted("sea at noon", look=look)
        distances.append(picture[..., 0].mean() - picture[..., 2].mean())
    assert distances == sorted(distances)
    assert distances[2] > distances[0] + 40


def test_the_main_colours_are_the_most_common_first():
    picture = generate("x", width=64, height=64, seed=1).copy()
    picture.paste((200, 0, 0), (0, 0, 64, 64))
    picture.paste((0, 0, 200), (0, 0, 64, 16))
    assert main_colours(picture, 2) == ((200, 0, 0), (0, 0, 200))


@pytest.mark.parametrize("space", ["left", "right", "top", "centre"])
def test_copy_space_is_calmer_than_it_was(space):
    part = {
        "left": np.s_[:, :55], "right": np.s_[:, 137:], "top": np.s_[:45, :],
        "centre": np.s_[70:122, 70:122],
    }[space]  # fmt: skip
    plain, calm = painted("leaves pattern"), painted("leaves pattern", space=space)
    assert calm[part].std() < 0.5 * plain[part].std()


def test_a_posters_quoted_words_are_set_in_type():
    without = painted("a festival poster", seed=4)
    said = painted('a festival poster that says "Open Air"', seed=4)
    assert np.abs(said - without)[10:60].max() > 80


def test_a_headline_that_cannot_be_shown_is_refused_before_it_is_painted():
    for words in ("\U0001f9ff\U0001f9ff", "so many words that they cannot be read " * 2):
        prompt = f'a festival poster that says "{words.strip()}"'
        params = Params(prompt=prompt, template="ad_display_skyscraper")
        with pytest.raises(Refused) as refused:
            Generate().check(None, params)
        assert refused.value.rule.startswith("text.")


def test_qualities_differ_in_detail_and_keep_the_composition():
    draft, premium = (painted("isometric city", quality=q, seed=2) for q in ("draft", "premium"))
    assert np.abs(np.diff(draft, axis=1)).mean() < np.abs(np.diff(premium, axis=1)).mean()


@pytest.mark.parametrize("painter", PROMPTS)
def test_no_painter_leaves_a_hole(painter):
    for seed in range(6):
        picture = painted(PROMPTS[painter], seed=seed, width=160, height=96)
        assert np.isfinite(picture).all()
        assert (picture.sum(-1) == 0).mean() < 0.2
