"""Enlarging: better than bicubic, without seams, to the exact size."""

from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from services.upscale.enlarge import FIDELITY_FLOOR, bled, enlarged, fidelity
from services.upscale.operations.conservative import (
    MAX_PIXELS,
    MAX_SIDE,
    Conservative,
    _size,
    targets,
)
from services.upscale.providers.lanczos import LanczosEngine
from services.upscale.providers.local import PAD, _reflected, doubled
from studio.imaging.decode import decode
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.imaging.similarity import psnr
from studio.operation import Work
from studio.problems import Refused, Unavailable

OPERATION = Conservative()


@pytest.fixture
def face(photos) -> Image:
    """The astronaut's head and collar, 256 px."""
    photo = decode((photos / "astronaut.jpg").read_bytes())
    return photo.with_pixels(photo.pixels.crop((110, 0, 366, 256)))


class Away:
    """An engine whose weights are not installed."""

    name, version = "away", "0"

    def enlarged(self, pixels, width, height):
        raise Unavailable(rule="weights.missing", says="The weights are not installed.")


async def _no_blob(ref):
    raise AssertionError(f"enlarging reads no other blob: {ref}")


async def upscaled(image: Image, provider: str = "local", operation=OPERATION, **params):
    parsed = operation.parse(params)
    operation.check(image.facts, parsed)
    [forecast] = operation.forecast(image.facts, parsed)
    [made] = await operation.run(Work(uuid4(), parsed, image, image.facts, provider, _no_blob))
    assert made.image.facts == forecast
    return made


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
async def test_the_net_beats_bicubic_by_decibels(photos, name):
    """Five boxes of each photo, wherever they fall: soft fur and plain sky have less to win."""
    photo = decode((photos / f"{name}.jpg").read_bytes()).pixels
    right, bottom = photo.width - 160, photo.height - 160
    corners = [(0, 0), (right, 0), (0, bottom), (right, bottom), (right // 2, bottom // 2)]
    gains = []
    for left, top in corners:
        truth = photo.crop((left, top, left + 160, top + 160))
        small = truth.resize((80, 80), Pillow.Resampling.BICUBIC)
        ours = (await upscaled(Image(small), factor=2)).image.pixels
        bicubic = small.resize((160, 160), Pillow.Resampling.BICUBIC)
        gains.append(psnr(truth, ours) - psnr(truth, bicubic))
    assert np.mean(gains) >= 0.8
    assert min(gains) > 0.3


def test_tiles_leave_no_seams(face):
    small = face.pixels.resize((150, 110))
    whole, tiled = (np.asarray(doubled(small, tile), np.int16) for tile in (512, 64))
    apart = np.abs(whole - tiled)
    assert apart.max() <= 2
    assert apart[:, 127:129].mean() <= apart.mean() + 0.01, "no more at a seam than elsewhere"


@given(st.integers(1, 30), st.integers(-PAD, 0), st.integers(1, 40))
def test_edges_are_mirrored(size, start, length):
    row = np.arange(size)
    padded = np.pad(row, (PAD, length + PAD), mode="reflect" if size > 1 else "edge")
    places = _reflected(start, start + length, size)
    assert (row[places] == padded[start + PAD : start + PAD + length]).all()


def test_the_same_picture_gives_the_same_pixels(face):
    small = face.pixels.crop((0, 0, 40, 30))
    assert doubled(small).tobytes() == doubled(small).tobytes()


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (8, 8)])
def test_tiny_pictures_can_be_doubled(size):
    assert doubled(Pillow.new("RGB", size, (9, 99, 199))).size == (size[0] * 2, size[1] * 2)


async def test_transparency_is_kept():
    pixels = Pillow.new("RGBA", (40, 40), (200, 30, 30, 255))
    pixels.paste((0, 0, 0, 0), (0, 0, 20, 40))
    made = (await upscaled(Image(pixels), factor=2)).image.pixels
    assert made.getpixel((5, 40))[3] == 0
    assert made.getpixel((75, 40))[3] == 255


async def test_colours_that_hide_under_transparency_stay_hidden():
    pixels = Pillow.new("RGBA", (40, 40), (200, 30, 30, 255))
    pixels.paste((0, 255, 0, 0), (0, 0, 20, 40))
    made = np.asarray((await upscaled(Image(pixels), factor=2)).image.pixels, int)
    assert np.abs(made[made[..., 3] > 0][:, :3] - [200, 30, 30]).max() <= 4


def test_clear_pixels_take_the_colours_around_them():
    pixels = Pillow.new("RGBA", (33, 20), (0, 255, 0, 0))
    pixels.putpixel((3, 4), (10, 20, 30, 255))
    made = np.asarray(bled(pixels), int)
    assert np.abs(made - [10, 20, 30]).max() <= 1, "premultiplying rounds"


def test_a_wholly_clear_picture_can_be_enlarged():
    clear = Image(Pillow.new("RGBA", (9, 5), (1, 2, 3, 0)))
    made = enlarged(clear, 20, 11, LanczosEngine()).pixels
    assert made.size == (20, 11)
    assert made.getchannel("A").getextrema() == (0, 0)


async def test_a_cut_out_is_judged_by_what_can_be_seen(face):
    cut = face.pixels.crop((40, 40, 120, 120))
    cut.putalpha(Pillow.radial_gradient("L").resize((80, 80)).point(lambda v: 255 * (v < 110)))
    made = await upscaled(Image(cut), factor=2)
    assert made.details["fidelity"]["ssim"] > 0.97


async def test_what_is_large_enough_passes_unchanged_and_says_so(face):
    made = await upscaled(face, long_side=100)
    assert made.image.pixels is face.pixels
    assert "unchanged" in made.notes[0]


async def test_fidelity_is_measured_and_told(face):
    made = await upscaled(face, "lanczos", factor=1.5, prompt="crisp")
    assert made.details["engine"] == "Lanczos"
    assert made.details["fidelity"]["ssim"] > 0.97
    assert made.details["needs_review"] is None
    assert "prompt" in made.notes[0]


async def test_without_weights_lanczos_stands_in_and_says_so(face):
    made = await upscaled(face, operation=Conservative(local=Away()), factor=1.5)
    assert made.details["engine"] == "Lanczos"
    assert made.details["engine_version"].startswith("Pillow")
    assert "not installed" in made.notes[0]


async def test_what_strays_from_its_source_needs_a_review(face):
    class Inventive(LanczosEngine):
        def enlarged(self, pixels, width, height):
            return Pillow.effect_noise((width, height), 90).convert("RGB")

    made = await upscaled(face, operation=Conservative(local=Inventive()), factor=1.5)
    assert made.details["fidelity"]["ssim"] < FIDELITY_FLOOR
    assert "SSIM" in made.details["needs_review"]


def test_fidelity_of_a_large_picture_is_that_of_its_parts(face):
    large = Image(face.pixels.resize((1500, 1500), Pillow.Resampling.LANCZOS))
    assert fidelity(large, large).ssim == 1
    assert fidelity(large, large).psnr == 99
    lower_half_wrong = large.pixels.copy()
    lower_half_wrong.paste((128, 128, 128), (0, 750, 1500, 1500))
    assert 0.3 < fidelity(large, Image(lower_half_wrong)).ssim < 0.95


def test_a_result_that_is_something_else_has_low_fidelity(face):
    other = Image(Pillow.effect_noise((512, 512), 80).convert("RGB"))
    assert fidelity(face, other).ssim < 0.5


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
    wide, tall = _size(image, parsed)
    is_made = (wide, tall) != (width, height)
    if is_made and (max(wide, tall) > MAX_SIDE or wide * tall > MAX_PIXELS):
        with pytest.raises(Refused, match="more than is made here"):
            OPERATION.forecast(image, parsed)
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
async def test_every_way_to_a_size_ends_at_exactly_that_size(face, size):
    small = Image(face.pixels.resize((50, 33)))
    made = await upscaled(small, cover={"width": size[0], "height": size[1]})
    assert made.image.width >= size[0]
    assert made.image.height >= size[1]


def test_the_named_sizes_are_in_the_schema():
    schema = OPERATION.params_type.model_json_schema()
    assert "4k" in schema["properties"]["target"]["examples"]
