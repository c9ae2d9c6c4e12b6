"""`upscale.creative`: what is there more visible, as bold as asked, and honest about it."""

import numpy as np
import pytest
from PIL import Image as Pillow

from services.upscale.detail import Detail, enhance
from services.upscale.operations.creative import MAX_INPUT, Creative
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.problems import Refused

OPERATION = Creative()


@pytest.fixture
def eyes(face) -> Image:
    return Image(face.pixels.crop((60, 70, 140, 130)))


async def test_more_creativity_shows_more_and_stays_true_to_the_source(face, upscaled):
    scores, contrasts = [], []
    for creativity in (0.0, 0.3, 1.0):
        made = await upscaled(OPERATION, face, "lanczos", factor=2, creativity=creativity, seed=1)
        assert made.details["needs_review"] is None
        scores.append(made.details["fidelity"]["ssim"])
        luma = np.asarray(made.image.pixels.convert("L"), float)
        contrasts.append(np.abs(np.diff(luma)).mean())
    assert scores[0] > scores[1] > scores[2] > 0.85
    assert contrasts[0] < contrasts[1] < contrasts[2]


async def test_a_seed_makes_the_same_grain_and_another_makes_another(eyes, upscaled):
    one, same, other = [
        (await upscaled(OPERATION, eyes, "lanczos", factor=2, seed=seed)).image.pixels.tobytes()
        for seed in (5, 5, 6)
    ]
    assert one == same
    assert one != other


async def test_without_a_seed_the_step_gives_one_and_the_details_tell_it(eyes, upscaled):
    one = await upscaled(OPERATION, eyes, "lanczos", factor=2)
    again = await upscaled(OPERATION, eyes, "lanczos", factor=2, seed=one.details["seed"])
    assert one.image.pixels.tobytes() == again.image.pixels.tobytes()
    assert one.details["creativity"] == 0.3


async def test_it_says_that_it_invents_nothing_and_uses_no_prompt(eyes, upscaled):
    made = await upscaled(OPERATION, eyes, factor=2, prompt="more hair")
    assert made.details["prompt"] == "more hair"
    assert "invents no detail" in made.notes[0]
    assert "not used" in made.notes[1]


async def test_large_pictures_are_enhanced_at_their_own_size(face, upscaled):
    made = await upscaled(OPERATION, face, long_side=100)
    assert made.image.pixels.size == face.pixels.size
    assert made.image.pixels.tobytes() != face.pixels.tobytes()


async def test_transparency_is_not_grained(eyes, upscaled):
    cut = eyes.with_alpha(np.tile(np.linspace(0, 1, 80, dtype=np.float32), (60, 1)))
    plain, bold = [
        (await upscaled(OPERATION, cut, "lanczos", factor=2, creativity=creativity)).image.pixels
        for creativity in (0.0, 1.0)
    ]
    assert plain.getchannel("A").tobytes() == bold.getchannel("A").tobytes()
    assert plain.convert("RGB").tobytes() != bold.convert("RGB").tobytes()


def test_more_than_a_megapixel_is_refused_with_the_rule():
    params = OPERATION.parse({"target": "4k"})
    OPERATION.check(ImageFacts(width=1024, height=1024), params)
    with pytest.raises(Refused, match="this image has 1,458,000") as refused:
        OPERATION.forecast(ImageFacts(width=1080, height=1350), params)
    assert refused.value.rule == "upscale.creative.max_pixels"
    assert f"{MAX_INPUT:,}" in str(refused.value)


def test_the_result_has_the_limits_of_conservative():
    with pytest.raises(Refused) as refused:
        OPERATION.check(ImageFacts(width=1000, height=1000), OPERATION.parse({"factor": 8}))
    assert refused.value.rule == "upscale.creative.max_size"


def test_bands_do_not_show(face):
    whole, banded = face.pixels.copy(), face.pixels.copy()
    detail = Detail(1.0, 1.5, 3)
    enhance(whole, detail, rows=999)
    enhance(banded, detail, rows=17)
    apart = np.abs(np.asarray(whole, int) - np.asarray(banded, int))
    assert apart.max() <= 1
    assert np.asarray(face.pixels, int).std() < np.asarray(whole, int).std()


def test_hard_edges_get_no_halo():
    half = Pillow.new("RGB", (60, 40), (60, 60, 60))
    half.paste((190, 190, 190), (30, 0, 60, 40))
    enlarged = half.resize((240, 160), Pillow.Resampling.BICUBIC)
    before = np.asarray(enlarged, int)[..., 0].mean(axis=0)
    enhance(enlarged, Detail(1.0, 4, 0))
    after = np.asarray(enlarged, int)[..., 0].mean(axis=0)
    assert after.min() >= before.min() - 7
    assert after.max() <= before.max() + 7
    assert np.abs(np.diff(after)).max() > 1.2 * np.abs(np.diff(before)).max(), "the edge is steeper"


def test_every_provider_of_an_operation_has_an_engine():
    assert tuple(OPERATION._engines) == Creative.providers
