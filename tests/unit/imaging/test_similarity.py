"""Similarity of several pictures at once is that of each."""

import numpy as np
import pytest
from PIL import Image as Pillow

from studio.imaging.similarity import luma, ssim, ssim_of_luma
from tests.conftest import PHOTOS


def test_the_similarity_of_a_stack_is_the_mean_of_its_pictures():
    """Also at their edges, where a picture in a row would look at its neighbour."""
    photo = Pillow.open(PHOTOS / "astronaut.jpg").convert("RGB")
    tiles = [photo.crop((x, 200, x + 64, 264)) for x in (0, 128, 300, 448)]
    coarse = [one.quantize(8 * n).convert("RGB") for n, one in enumerate(tiles, 1)]
    stacks = [np.stack([luma(one) for one in group], axis=-1) for group in (tiles, coarse)]
    each = [ssim(one, other) for one, other in zip(tiles, coarse, strict=True)]
    assert max(each) - min(each) > 0.01
    assert ssim_of_luma(*stacks) == pytest.approx(float(np.mean(each)), abs=1e-6)


def test_a_picture_is_wholly_like_itself():
    photo = Pillow.open(PHOTOS / "coffee.jpg").convert("RGB")
    assert ssim(photo, photo) == pytest.approx(1)
