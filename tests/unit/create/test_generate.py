"""Pictures from prompts: deterministic, varied, and ruled by their words."""

import hashlib
from uuid import uuid4

import numpy as np
import pytest

from services.create.operations.generate import MAX_PIXELS, Generate, Params
from services.create.operations.import_ import Import
from services.create.providers.local.brief import read, vocabulary
from services.create.providers.local.engine import generate, styles
from services.create.templates import templates
from studio.blobs.base import key_of
from studio.imaging.provenance import ALGORITHMIC_MEDIA
from studio.operation import Work
from studio.problems import Refused


def painted(prompt: str, seed: int = 1, width: int = 192, height: int = 192, **more) -> np.ndarray:
    picture = generate(prompt, width=width, height=height, seed=seed, quality="standard", **more)
    return np.asarray(picture, np.float32)


async def run(operation, read_blob=None, **params):
    parsed = operation.parse(params)
    operation.check(None, parsed)
    return await operation.run(Work(uuid4(), parsed, None, None, "local", read_blob))


def test_the_same_request_gives_the_same_bytes():
    one, again = (
        hashlib.sha256(generate("a forest at dawn", width=300, height=200, seed=5).tobytes())
        for _ in range(2)
    )
    assert one.digest() == again.digest()


@pytest.mark.parametrize("style", styles())
def test_every_style_paints_every_format_exactly(style):
    for width, height in ((256, 256), (180, 320), (384, 128), (64, 64)):
        picture = generate("calm blue", width=width, height=height, seed=3, style=style)
        assert picture.size == (width, height)
        assert np.asarray(picture).std() > 8, "something is to be seen"


@pytest.mark.parametrize("style", styles())
def test_variations_differ_and_not_by_noise_only(style):
    small = [
        np.asarray(
            generate("teal and coral", width=128, height=128, seed=s, style=style).resize((16, 16)),
            np.float32,
        )
        for s in range(4)
    ]
    for i, one in enumerate(small):
        for other in small[i + 1 :]:
            assert np.abs(one - other).mean() > 3


def test_colour_words_rule_the_colours():
    red = painted("abstract flow in red and crimson").mean((0, 1))
    blue = painted("abstract flow in blue and navy").mean((0, 1))
    assert red[0] > red[2] + 20
    assert blue[2] > blue[0] + 20


def test_hex_colours_are_understood():
    assert read("a poster in #123456").colours == ((0x12, 0x34, 0x56),)


def test_night_is_darker_than_noon():
    assert painted("mountains at night").mean() < painted("mountains at noon").mean() - 40


def test_moods_change_the_saturation():
    def colourfulness(prompt):
        picture = painted(prompt)
        return (picture.max(-1) - picture.min(-1)).mean()

    assert colourfulness("vibrant red poster") > colourfulness("calm misty red poster") * 1.2


@pytest.mark.parametrize(("word", "side"), [("left", slice(0, 96)), ("right", slice(96, 192))])
def test_place_words_move_the_subject(word, side):
    picture = painted(f"red ball {word}, white and cream background")
    redness = picture[..., 0] - picture[..., 2]
    other = slice(96, 192) if side.start == 0 else slice(0, 96)
    assert redness[:, side].sum() > redness[:, other].sum()


def test_subject_words_choose_what_is_painted():
    for prompt, painter in (
        ("snowy mountains", "landscape"),
        ("coffee cup", "plinth"),
        ("floral pattern", "pattern"),
        ("city lights at night, bokeh", "landscape"),
    ):
        assert read(prompt).painter == painter


def test_a_negative_prompt_takes_words_out():
    assert read("red and blue poster", negative_prompt="red").colours == (
        read("blue poster").colours
    )


def test_the_vocabulary_is_large_enough_and_consistent():
    words = vocabulary()
    assert len(words.colours) >= 40
    assert set(words.styles.values()) >= {painter for painter, _ in words.subjects.values()}


async def test_each_variation_has_its_own_seed_and_says_how_it_was_made():
    outputs = await run(Generate(), prompt="sea", variations=3, width=128, height=128, seed=0)
    assert [one.details["seed"] for one in outputs] == [0, 1, 2]
    assert {one.image.source_type for one in outputs} == {ALGORITHMIC_MEDIA}
    assert len({one.image.pixels.tobytes() for one in outputs}) == 3
    assert [one.label for one in outputs] == ["variation 1", "variation 2", "variation 3"]


async def test_a_template_sets_size_and_quality_and_an_explicit_size_beats_it():
    operation = Generate()
    params = operation.parse({"prompt": "sea", "template": "instagram_story", "variations": 2})
    assert [(f.width, f.height) for f in operation.forecast(None, params)] == [(1080, 1920)] * 2
    params = operation.parse(
        {"prompt": "sea", "template": "instagram_story", "width": 64, "height": 64}
    )
    assert [(f.width, f.height) for f in operation.forecast(None, params)] == [(64, 64)]


def test_what_cannot_be_made_is_refused_with_what_can():
    operation = Generate()
    with pytest.raises(Refused) as refused:
        operation.check(None, Params(prompt="x", template="instagram_storry"))
    assert "instagram_story" in refused.value.fix
    with pytest.raises(Refused) as refused:
        operation.check(None, Params(prompt="x", width=4096, height=4096))
    assert refused.value.rule == "create.generate.max_pixels"
    with pytest.raises(Refused) as refused:
        operation.check(None, Params(prompt="x", style="cubism"))
    assert "landscape" in refused.value.valid
    with pytest.raises(Refused):
        operation.parse({"prompt": "x", "width": 100})
    with pytest.raises(Refused):
        operation.parse({"prompt": "x", "variations": 11})


def test_all_templates_can_be_painted_and_cover_the_guides_26():
    assert len(templates()) >= 26
    for template in templates().values():
        assert template.width * template.height <= MAX_PIXELS


async def test_an_import_keeps_the_photo_as_it_is(photos):
    data = (photos / "coffee.jpg").read_bytes()

    async def read_blob(_):
        return data

    [output] = await run(Import(), read_blob, blob=key_of(data), filename="coffee.jpg")
    assert output.data == data
    assert (output.facts.width, output.facts.height) == (600, 400)
    assert output.details["title"] == "coffee.jpg"


async def test_an_import_that_is_no_picture_is_refused():
    async def read_blob(_):
        return b"just words"

    with pytest.raises(Refused):
        await run(Import(), read_blob, blob=key_of(b"just words"))
