"""`upscale.conservative`: better than bicubic, to the exact size, and nothing invented."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from services.upscale.operations.conservative import Conservative
from services.upscale.providers.lanczos import LanczosEngine
from services.upscale.sizes import MAX_PIXELS, MAX_SIDE, targets
from studio.imaging.decode import decode
from studio.imaging.enlargement import longest
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.imaging.similarity import psnr
from studio.problems import Refused, Unavailable

OPERATION = Conservative()


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
async def test_the_net_beats_bicubic_by_decibels(photos, upscaled, name):
    """Five boxes of each photo, wherever they fall: soft fur and plain sky have less to win."""
    photo = decode((photos / f"{name}.jpg").read_bytes()).pixels
    right, bottom = photo.width - 160, photo.height - 160
    corners = [(0, 0), (right, 0), (0, bottom), (right, bottom), (right // 2, bottom // 2)]
    gains = []
    for left, top in corners:
        truth = photo.crop((left, top, left + 160, top + 160))
        small = truth.resize((80, 80), Pillow.Resampling.BICUBIC)
        ours = (await upscaled(OPERATION, Image(small), factor=2)).image.pixels
        bicubic = small.resize((160, 160), Pillow.Resampling.BICUBIC)
        gains.append(psnr(truth, ours) - psnr(truth, bicubic))
    assert np.mean(gains) >= 0.8
    assert min(gains) > 0.3


async def test_cunet_beats_bicubic_and_says_its_name(face, upscaled):
    truth = face.pixels.crop((40, 40, 200, 200))
    small = Image(truth.resize((80, 80), Pillow.Resampling.BICUBIC))
    made = await upscaled(OPERATION, small, "cunet", factor=2)
    bicubic = small.pixels.resize((160, 160), Pillow.Resampling.BICUBIC)
    assert psnr(truth, made.image.pixels) > psnr(truth, bicubic) + 1.5
    assert made.details["engine"] == "waifu2x CUNet"


async def test_what_is_large_enough_passes_unchanged_and_says_so(face, upscaled):
    made = await upscaled(OPERATION, face, long_side=100)
    assert made.image.pixels is face.pixels
    assert "unchanged" in made.notes[0]


async def test_fidelity_is_measured_and_told(face, upscaled):
    made = await upscaled(OPERATION, face, "lanczos", factor=1.5, prompt="crisp")
    assert made.details["engine"] == "Lanczos"
    assert made.details["prompt"] == "crisp"
    assert made.details["fidelity"]["ssim"] > 0.97
    assert made.details["needs_review"] is None
    assert "prompt" in made.notes[0]


async def test_without_weights_lanczos_stands_in_and_says_so(face, upscaled, away):
    operation = Conservative({"local": away, "lanczos": LanczosEngine()})
    made = await upscaled(operation, face, factor=1.5)
    assert made.details["engine"] == "Lanczos"
    assert made.details["engine_version"].startswith("Pillow")
    assert "Lanczos instead: The weights are not installed" in made.notes[0]


async def test_without_any_engine_it_says_why(face, upscaled, away):
    with pytest.raises(Unavailable, match="not installed"):
        await upscaled(Conservative({"local": away}), face, factor=1.5)


async def test_what_strays_from_its_source_needs_a_review(face, upscaled):
    class Inventive(LanczosEngine):
        def enlarged(self, pixels, width, height):
            return Pillow.effect_noise((width, height), 90).convert("RGB")

    made = await upscaled(Conservative({"local": Inventive()}), face, factor=1.5)
    assert made.details["fidelity"]["ssim"] < 0.5
    assert "conservative asks for 0.93" in made.details["needs_review"]


@given(
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.one_of(
        st.fixed_dictionaries({"factor": st.floats(1.01, 8)}),
        st.fixed_dictionaries({"long_side": st.integers(16, MAX_SIDE)}),
        st.fixed_dictionaries({"target": st.sampled_from(sorted(targets()))}),
        st.fixed_dictionaries(
            {
                "cover": st.fixed_dictionaries(
                    {"width": st.integers(1, 4000), "height": st.integers(1, 4000)}
                )
            }
        ),
    ),
)
def test_the_size_is_never_smaller_and_covers_what_was_asked(width, height, params):
    image = ImageFacts(width=width, height=height)
    parsed = OPERATION.parse(params)
    wide, tall = parsed.of(image)
    is_made = (wide, tall) != (width, height)
    if is_made and (max(wide, tall) > MAX_SIDE or wide * tall > MAX_PIXELS):
        with pytest.raises(Refused, match="more than is made here") as refused:
            OPERATION.forecast(image, parsed)
        assert refused.value.rule == "upscale.conservative.max_size"
        return
    [made] = OPERATION.forecast(image, parsed)
    assert made.width >= width
    assert made.height >= height
    if parsed.cover:
        assert made.width >= parsed.cover.width
        assert made.height >= parsed.cover.height
        is_tight = made.width == parsed.cover.width or made.height == parsed.cover.height
        assert is_tight or not is_made
    if parsed.long_side:
        assert max(made.width, made.height) == max(parsed.long_side, width, height)


@given(width=st.integers(1, 5000), height=st.integers(1, 5000))
def test_the_largest_size_that_a_refusal_names_is_made_and_none_larger(width, height):
    image = ImageFacts(width=width, height=height)
    side = longest(width, height)
    larger = OPERATION.parse({"long_side": min(side + 1, MAX_SIDE)})
    if side < MAX_SIDE:
        with pytest.raises(Refused) as refused:
            OPERATION.check(image, larger)
        assert f"long_side {side}:" in refused.value.fix
    OPERATION.check(image, OPERATION.parse({"long_side": max(side, 16)}))


@pytest.mark.parametrize(
    ("size", "made"),
    [
        ((3840, 2160), (7680, 4320)),
        ((1536, 1024), (7680, 5120)),
        ((1024, 1536), (5120, 7680)),
        ((1024, 1024), None),
        ((1024, 768), None),
        ((1080, 1350), None),
    ],
)
def test_8k_is_made_of_pictures_of_3_to_2_and_longer_as_the_limits_say(size, made):
    image, params = ImageFacts(width=size[0], height=size[1]), OPERATION.parse({"target": "8k"})
    assert "8k is for pictures of 3:2 and longer" in OPERATION.limits[0]
    if made:
        [foretold] = OPERATION.forecast(image, params)
        assert (foretold.width, foretold.height) == made
        return
    with pytest.raises(Refused, match="more than is made here"):
        OPERATION.forecast(image, params)


@pytest.mark.parametrize("params", [{}, {"factor": 2, "long_side": 99}, {"target": "16k"}])
def test_exactly_one_known_size_must_be_asked_for(params):
    with pytest.raises(Refused):
        OPERATION.parse(params)


def test_what_is_larger_than_the_limit_already_passes():
    huge = ImageFacts(width=9000, height=6000)
    params = OPERATION.parse({"target": "4k"})
    OPERATION.check(huge, params)
    [made] = OPERATION.forecast(huge, params)
    assert (made.width, made.height) == (9000, 6000)


@pytest.mark.parametrize("size", [(60, 40), (61, 43), (100, 66), (130, 90)])
async def test_every_way_to_a_size_ends_at_exactly_that_size(face, upscaled, size):
    small = Image(face.pixels.resize((50, 33)))
    made = await upscaled(OPERATION, small, cover={"width": size[0], "height": size[1]})
    assert made.image.width >= size[0]
    assert made.image.height >= size[1]


def test_the_named_sizes_are_in_the_schema():
    schema = OPERATION.params_type.model_json_schema()
    assert "4k" in schema["properties"]["target"]["examples"]


def test_every_provider_of_an_operation_has_an_engine():
    assert tuple(OPERATION._engines) == Conservative.providers
