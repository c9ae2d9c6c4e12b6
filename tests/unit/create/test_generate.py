"""Pictures from prompts: deterministic, varied, and ruled by their words."""

import hashlib
from io import BytesIO
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image as Pillow

from services.create.details import asked
from services.create.operations.generate import Generate, Params
from services.create.operations.import_ import Import
from services.create.providers.diffusers import Diffusers
from services.create.providers.local.engine import MAX_PIXELS, VERSION, generate
from services.create.providers.openai import OpenAI
from services.create.request import requested
from services.create.settings import CreateSettings
from services.create.styles import styles
from services.create.templates import templates
from studio.blobs.base import key_of
from studio.imaging.facts import ImageFacts
from studio.imaging.provenance import ALGORITHMIC_MEDIA
from studio.operation import Work
from studio.problems import Refused


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


@pytest.mark.parametrize("style", list(styles()))
def test_every_style_paints_every_format_exactly(style):
    for width, height in ((256, 256), (180, 320), (384, 128), (64, 64)):
        picture = generate("calm blue", width=width, height=height, seed=3, style=style)
        assert picture.size == (width, height)
        assert np.asarray(picture).std() > 8, "something is to be seen"


@pytest.mark.parametrize("style", list(styles()))
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


async def test_each_variation_has_its_own_seed_and_says_how_it_was_made():
    outputs = await run(Generate(), prompt="sea", variations=3, width=128, height=128, seed=0)
    assert [one.details["seed"] for one in outputs] == [0, 1, 2]
    assert {one.image.source_type for one in outputs} == {ALGORITHMIC_MEDIA}
    assert {one.details["engine"] for one in outputs} == {"procedural"}
    assert {one.details["engine_version"] for one in outputs} == {VERSION}
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
        operation.check(None, Params(prompt="x", style="watercollor"))
    assert "watercolor" in refused.value.fix
    assert "landscape" in refused.value.valid
    assert Params(prompt="x", style="Watercolour").style == "watercolor"
    with pytest.raises(Refused):
        operation.parse({"prompt": "x", "width": 100})
    with pytest.raises(Refused):
        operation.parse({"prompt": "x", "variations": 11})


def test_all_templates_can_be_painted_and_cover_the_guides_26():
    assert len(templates()) >= 26
    for template in templates().values():
        assert template.width * template.height <= MAX_PIXELS


@pytest.mark.parametrize("engine", ["local", "diffusers", "openai"])
async def test_every_engine_tells_what_was_asked_for_in_the_same_words(engine):
    params = Params.model_validate({"prompt": "a cup", "style": "watercolor", "quality": "draft"})
    request = requested(params)
    told = {
        "local": lambda: asked(params, request),
        "diffusers": lambda: Diffusers(CreateSettings())._details(params, request, 1),
        "openai": lambda: OpenAI()._details(params, request, OpenAI().plan(request)),
    }[engine]()
    assert told.items() >= asked(params, request, told["composed_prompt"]).items()
    assert told["transparent"] is False


async def test_details_keep_the_prompt_as_written_and_as_composed():
    asked = {"prompt": "a red cup", "style": "watercolor", "width": 64, "height": 64}
    [composed] = await run(Generate(), **asked)
    assert composed.details["prompt"] == "a red cup"
    assert composed.details["composed_prompt"].startswith("a red cup, watercolor painting")
    [plain] = await run(Generate(), **asked, enhance=False)
    assert plain.details["composed_prompt"] == "a red cup"


async def test_a_reference_is_read_and_gives_its_colours_and_tones():
    dark_green = Pillow.new("RGB", (64, 64), (10, 60, 20))
    dark_green.paste((30, 120, 50), (0, 0, 32, 64))
    encoded = BytesIO()
    dark_green.save(encoded, "PNG")
    data = encoded.getvalue()

    async def read_blob(key):
        assert key == key_of(data)
        return data

    asked = {"prompt": "mountains at noon", "width": 96, "height": 96, "seed": 1}
    [plain] = await run(Generate(), **asked)
    reference = {"blob": key_of(data), "strength": 1}
    [followed] = await run(Generate(), read_blob, **asked, reference=reference)
    before, after = (
        np.asarray(one.image.pixels, np.float32).mean((0, 1)) for one in (plain, followed)
    )
    assert after.mean() < before.mean() - 60, "as dark as the reference"
    assert after[1] > max(after[0], after[2]) + 20, "as green as the reference"
    assert followed.details["reference"] == {"blob": key_of(data), "strength": 1.0}


async def test_a_reference_of_no_strength_is_not_read():
    async def read_blob(_):
        raise AssertionError("must not be read")

    reference = {"blob": key_of(b"x"), "strength": 0}
    [one] = await run(Generate(), read_blob, prompt="sea", width=64, height=64, reference=reference)
    assert one.image.width == 64


async def test_a_reference_that_is_no_picture_is_refused():
    async def read_blob(_):
        return b"just words"

    with pytest.raises(Refused):
        await run(Generate(), read_blob, prompt="sea", width=64, height=64,
                  reference={"blob": key_of(b"just words")})  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"brand": {"palette": []}},
        {"brand": {"palette": ["#123456"] * 9}},
        {"brand": {"palette": ["blurple"]}},
        {"brand": {"palette": ["#123456"], "logo": "logo.png"}},
        {"reference": {"blob": key_of(b"x"), "strength": 1.1}},
        {"reference": {"blob": "x"}},
        {"variations": 0},
        {"quality": "best"},
    ],
)
def test_malformed_parameters_are_refused(wrong):
    with pytest.raises(Refused) as refused:
        Generate().parse({"prompt": "x", **wrong})
    assert refused.value.rule == "create.generate.params"


async def test_an_import_keeps_the_photo_as_it_is(photos):
    data = (photos / "coffee.jpg").read_bytes()

    async def read_blob(_):
        return data

    [output] = await run(Import(), read_blob, blob=key_of(data), filename="coffee.jpg")
    assert output.data == data
    assert (output.facts.width, output.facts.height) == (600, 400)
    assert output.details["title"] == "coffee.jpg"


def test_an_import_is_foretold_as_its_file_is_told_to_be():
    told = {"width": 600, "height": 400, "media_type": "image/png", "alpha": True}
    operation = Import()
    assert operation.forecast(None, operation.parse({"blob": key_of(b"x"), **told})) == [
        ImageFacts(**told)
    ]


async def test_an_import_that_is_no_picture_is_refused():
    async def read_blob(_):
        return b"just words"

    with pytest.raises(Refused):
        await run(Import(), read_blob, blob=key_of(b"just words"))
