"""Pictures of the product templates: the real matte cuts out the product, and nothing else."""

import numpy as np
import pytest

from services.create.providers.local.engine import paint
from services.create.request import Params, requested
from services.create.templates import templates
from services.edit.providers.local import LocalMatting
from studio.imaging.image import Image

#: Of the union of cut-out and product that they share; half a pixel of an edge is a fifth of 0.06.
LEAST = 0.94

ALONE = [one.id for one in templates().values() if one.alone]


def picture(prompt, seed, template="product_square", side=384, unwanted=""):
    asked = Params(
        prompt=prompt, negative_prompt=unwanted, template=template, width=side, height=side
    )
    return paint(requested(asked), seed=seed)


def product(prompt, seed, template="product_square") -> np.ndarray:
    """Where the painted product is: what stays the same before another ground."""
    light, dark = (
        np.asarray(picture(f"{prompt}, {ground} background", seed, template, unwanted="shadows"),
                   np.float32)
        for ground in ("white", "black")
    )  # fmt: skip
    return np.abs(light - dark).max(-1) < 24


def overlap(prompt, seed, template="product_square") -> float:
    matte = LocalMatting().matte(Image(picture(prompt, seed, template)))
    true = product(prompt, seed, template)
    return float(np.minimum(matte, true).sum() / np.maximum(matte, true).sum())


@pytest.mark.parametrize(
    ("prompt", "seed"),
    [("a red mug", 1), ("a white mug", 2), ("a perfume bottle", 3), ("a terracotta vase", 4),
     ("a white vase", 5), ("a table lamp", 6), ("a cream jar", 7), ("a navy gift box", 8),
     ("a candle", 9), ("a stack of books", 10)],
)  # fmt: skip
def test_the_cut_out_is_the_product(prompt, seed):
    assert overlap(prompt, seed) > LEAST


@pytest.mark.parametrize("template", ALONE)
def test_every_template_for_cut_outs_shows_the_product_alone(template):
    assert overlap("a red mug", 3, template) > LEAST


def test_every_product_template_says_whether_it_is_for_cut_outs():
    those = [one for one in templates().values() if one.category == "product"]
    assert {one.id for one in those if not one.alone} == {"product_scene", "google_business_photo"}
    assert "cut-out" in (templates()["product_scene"].note or "")


def test_the_ground_is_even_and_differs_from_the_product():
    for prompt in ("a white mug", "a black bottle"):
        pixels = np.asarray(picture(prompt, 1), np.float32)
        edge = np.concatenate([pixels[:8].reshape(-1, 3), pixels[-8:].reshape(-1, 3)])
        assert edge.std(0).max() < 12
        inside = pixels[product(prompt, 1)]
        assert np.abs(np.median(inside, 0) - np.median(edge, 0)).max() > 60


def test_a_ground_that_is_named_is_kept():
    corner = np.asarray(picture("a white mug on a red background", 1), np.float32)[:20, :20]
    assert corner[..., 0].mean() > corner[..., 2].mean() + 100


def test_a_vase_comes_without_flowers_unless_they_are_named():
    def greens(prompt):
        pixels = np.asarray(picture(prompt, 1), np.int16)
        return (pixels[..., 1] > pixels[..., [0, 2]].max(-1) + 20).mean()

    assert greens("a terracotta vase") == 0
    assert greens("a terracotta vase of tulips") > 0.003
