"""Composites: a photo that a generated picture was put into says so, in its file, too."""

import pytest
from PIL import Image as Pillow

from services.edit.operations.replace_background import ReplaceBackground
from services.edit.operations.search_replace import SearchReplace
from services.edit.providers.local import LocalMatting
from studio.imaging.decode import decode
from studio.imaging.encode import encode
from studio.imaging.image import Image
from studio.imaging.provenance import (
    COMPOSITE,
    COMPOSITE_SYNTHETIC,
    TRAINED_ALGORITHMIC_MEDIA,
)

MATTING = LocalMatting()
BACKGROUND, REPLACE = ReplaceBackground(MATTING), SearchReplace(MATTING)
SPOT = {"box": {"x0": 0.8, "y0": 0.05, "x1": 0.9, "y1": 0.2}, "grow": 0}
OPERATIONS = pytest.mark.parametrize(
    ("operation", "mode", "raw"),
    [
        (BACKGROUND, "RGB", {}),
        (REPLACE, "RGB", {"mask": SPOT}),
        (REPLACE, "RGBA", {"mask": SPOT}),
    ],
    ids=["background", "inlay", "cut-out"],
)


@pytest.fixture
def put_in(blobs):
    """Keeps a small picture of a source type, to be put into another."""

    def keep(mode, source_type):
        pixels = Pillow.new(mode, (60, 90), (10, 200, 30))
        if mode == "RGBA":
            pixels.paste((0, 0, 0, 0), (0, 0, 60, 30))
        return blobs.keep(encode(Image(pixels, source_type=source_type), "image/png"))

    return keep


@OPERATIONS
async def test_a_photo_with_a_generated_part_says_so_in_its_file(
    edited, coffee, put_in, operation, mode, raw
):
    made = await edited(operation, coffee, image=put_in(mode, TRAINED_ALGORITHMIC_MEDIA), **raw)
    read_again = decode(encode(made.image, "image/jpeg", 90))
    assert read_again.source_type == COMPOSITE_SYNTHETIC


@OPERATIONS
async def test_a_generated_picture_with_a_generated_part_stays_generated(
    edited, coffee, put_in, operation, mode, raw
):
    generated = Image(coffee.pixels, source_type=TRAINED_ALGORITHMIC_MEDIA)
    part = put_in(mode, TRAINED_ALGORITHMIC_MEDIA)
    made = await edited(operation, generated, image=part, **raw)
    assert made.image.source_type == TRAINED_ALGORITHMIC_MEDIA


@OPERATIONS
async def test_a_photo_with_a_part_that_was_painted_by_an_algorithm_is_a_composite(
    edited, coffee, put_in, operation, mode, raw
):
    made = await edited(operation, coffee, image=put_in(mode, "algorithmicMedia"), **raw)
    assert made.image.source_type == COMPOSITE


@OPERATIONS
async def test_an_unmarked_part_claims_nothing(edited, coffee, put_in, operation, mode, raw):
    made = await edited(operation, coffee, image=put_in(mode, None), **raw)
    assert made.image.source_type is None
