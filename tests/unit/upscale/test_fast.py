"""`upscale.fast`: twice or four times as large, at once, a little better than plain resampling."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pillow

from services.upscale.operations.fast import MAX_PIXELS, Fast
from services.upscale.providers.lanczos import LanczosEngine
from studio.imaging.decode import decode
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.imaging.similarity import psnr
from studio.problems import Refused

OPERATION = Fast()


async def test_it_makes_four_times_the_size_unless_told_otherwise(face, upscaled):
    made = await upscaled(OPERATION, face)
    assert (made.image.width, made.image.height) == (1024, 1024)
    assert made.details["engine"] == "Lanczos, sharpened"
    assert made.details["factor"] == 4
    assert made.details["needs_review"] is None


@pytest.mark.parametrize("factor", [2, 4])
async def test_it_is_truer_than_lanczos_on_photographs(photos, upscaled, factor):
    gains = []
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        truth = decode((photos / f"{name}.jpg").read_bytes()).pixels.crop((0, 0, 448, 296))
        small = truth.resize((448 // factor, 296 // factor), Pillow.Resampling.BICUBIC)
        ours = (await upscaled(OPERATION, Image(small), factor=factor)).image.pixels
        plain = small.resize(truth.size, Pillow.Resampling.LANCZOS)
        gains.append(psnr(truth, ours) - psnr(truth, plain))
    assert min(gains) > 0
    assert np.mean(gains) > 0.1


async def test_one_pass_of_the_net_is_there_for_those_who_wait(face, upscaled):
    small = Image(face.pixels.crop((40, 40, 90, 80)))
    made = await upscaled(OPERATION, small, "waifu2x")
    assert "passes: 1" in made.details["engine"]
    assert (made.image.width, made.image.height) == (200, 160)


def grained(pixels: Pillow.Image) -> Pillow.Image:
    noise = np.random.default_rng(3).normal(0, 12, (pixels.height, pixels.width, 3))
    return Pillow.fromarray((np.asarray(pixels) + noise).clip(0, 255).astype(np.uint8))


def blocky(pixels: Pillow.Image) -> Pillow.Image:
    file = BytesIO()
    pixels.save(file, "JPEG", quality=40)
    return Pillow.open(file).convert("RGB")


@pytest.mark.parametrize(("spoiled", "level"), [(blocky, 1), (blocky, 2), (grained, 3)])
async def test_noise_is_taken_away_where_that_is_asked_for(face, upscaled, spoiled, level):
    truth = face.pixels.crop((40, 40, 168, 168))
    noisy = Image(spoiled(truth.resize((64, 64), Pillow.Resampling.BICUBIC)))
    plain, calm = [await upscaled(OPERATION, noisy, factor=2, denoise=n) for n in (0, level)]
    assert f"noise reduction {level}" in calm.details["engine"]
    assert psnr(truth, calm.image.pixels) > psnr(truth, plain.image.pixels) + 0.3
    assert not calm.notes


async def test_lanczos_says_that_it_takes_no_noise_away(face, upscaled):
    made = await upscaled(OPERATION, face, "lanczos", factor=2, denoise=1)
    assert made.details["engine"] == "Lanczos"
    assert "denoise was not used" in made.notes[0]


async def test_without_weights_lanczos_stands_in(face, upscaled, away):
    operation = Fast({"waifu2x": away, "lanczos": LanczosEngine()})
    made = await upscaled(operation, face, "waifu2x", factor=2)
    assert made.details["engine"] == "Lanczos"
    assert "not installed" in made.notes[0]


@pytest.mark.parametrize(("factor", "most"), [(2, 2048), (4, 1024)])
def test_the_result_has_a_limit_that_the_refusal_tells(factor, most):
    params = OPERATION.parse({"factor": factor})
    [made] = OPERATION.forecast(ImageFacts(width=most, height=most), params)
    assert made.pixels == MAX_PIXELS
    with pytest.raises(Refused, match=f"{most * most:,} pixels; this image has") as refused:
        OPERATION.check(ImageFacts(width=most + 1, height=most), params)
    assert refused.value.rule == "upscale.fast.max_pixels"
    assert "upscale.conservative" in refused.value.fix


@pytest.mark.parametrize("factor", [1, 3, 8])
def test_other_factors_are_refused(factor):
    with pytest.raises(Refused):
        OPERATION.parse({"factor": factor})


def test_every_provider_of_an_operation_has_an_engine():
    assert tuple(OPERATION._engines) == Fast.providers
