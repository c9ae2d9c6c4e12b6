"""Fidelity: shrunk back, a result must match its source; how well is data, one floor a mode."""

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageChops

from services.upscale.fidelity import fidelity, floors, judged
from studio.imaging.image import Image
from studio.imaging.similarity import psnr, ssim


def test_a_picture_is_true_to_itself(face):
    large = Image(face.pixels.resize((1500, 1500), Pillow.Resampling.LANCZOS))
    assert fidelity(large, large).ssim == 1
    assert fidelity(large, large).psnr == 99


def test_fidelity_of_a_large_picture_is_that_of_its_parts(face):
    large = Image(face.pixels.resize((1500, 1500), Pillow.Resampling.LANCZOS))
    lower_half_wrong = large.pixels.copy()
    lower_half_wrong.paste((128, 128, 128), (0, 750, 1500, 1500))
    assert 0.3 < fidelity(large, Image(lower_half_wrong)).ssim < 0.95


def test_strips_measure_what_the_whole_would(face):
    large = face.pixels.resize((2304, 2310), Pillow.Resampling.BICUBIC)
    back = large.resize((256, 256), Pillow.Resampling.LANCZOS, reducing_gap=3.0)
    found = fidelity(face, Image(large))
    assert found.ssim == pytest.approx(ssim(face.pixels, back), abs=0.002)
    assert found.psnr == pytest.approx(psnr(face.pixels, back), abs=0.1)


def test_a_result_that_is_something_else_has_low_fidelity(face):
    other = Image(Pillow.effect_noise((512, 512), 80).convert("RGB"))
    assert fidelity(face, other).ssim < 0.5


def test_each_mode_has_its_own_floor(face):
    grain = np.random.default_rng(1).normal(0, 4, (256, 256, 1))
    grainy = Image(
        Pillow.fromarray((np.asarray(face.pixels) + grain).clip(0, 255).astype(np.uint8))
    )
    score = fidelity(face, grainy)
    assert floors()["creative"].ssim < score.ssim < floors()["conservative"].ssim
    assert judged(face, grainy, "creative")["needs_review"] is None
    told = judged(face, grainy, "conservative")
    assert f"{score.ssim:.2f} only (SSIM); conservative asks for 0.93" in told["needs_review"]
    assert told["fidelity"] == {"ssim": score.ssim, "psnr_db": score.psnr}


def test_a_change_of_colour_is_seen_where_structure_is_the_same(face):
    tinted = Image(ImageChops.add(face.pixels, Pillow.new("RGB", face.pixels.size, (14, 0, 14))))
    assert fidelity(face, tinted).ssim > floors()["conservative"].ssim
    assert "look at its colours" in judged(face, tinted, "conservative")["needs_review"]


def test_creative_may_stray_further_than_the_faithful_modes():
    assert floors()["creative"].ssim < floors()["conservative"].ssim
    assert floors()["creative"].psnr_db < floors()["fast"].psnr_db
