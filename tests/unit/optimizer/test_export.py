"""Exports: exact sizes, bytes within limits, nothing enlarged, nothing lost silently."""

from uuid import uuid4

import numpy as np
import pytest
from PIL import Image as Pillow

from services.optimizer.encoding import encode_for
from services.optimizer.focus import find_focus
from services.optimizer.operations.export import Export
from services.optimizer.placements import placement_book
from services.optimizer.rendition import render
from studio.imaging.decode import decode, inspect
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.imaging.provenance import ALGORITHMIC_MEDIA
from studio.operation import Failure, Output, Work
from studio.problems import Refused

BOOK = placement_book()
PLACEMENTS = {one.id: one for one in BOOK.placements}


@pytest.fixture(scope="module")
def astronaut() -> Image:
    from tests.conftest import PHOTOS

    photo = decode((PHOTOS / "astronaut.jpg").read_bytes())
    return photo.with_pixels(photo.pixels.resize((2048, 2048), Pillow.Resampling.LANCZOS))


async def export(image: Image, **params):
    operation = Export()
    parsed = operation.parse(params)
    forecast = operation.forecast(image.facts, parsed)
    made = await operation.run(Work(uuid4(), parsed, image, image.facts, "local", None))
    return forecast, made


async def test_every_placement_gets_its_exact_size_in_a_format_it_takes(astronaut):
    forecast, made = await export(astronaut, placements=["all"])
    assert len(made) == len(BOOK.placements) == 12
    for facts, one, placement in zip(forecast, made, BOOK.placements, strict=True):
        assert isinstance(one, Output)
        assert one.facts == facts == inspect(one.data)
        assert (facts.width, facts.height) == (placement.width, placement.height)
        assert facts.media_type.removeprefix("image/") in placement.formats
        assert placement.min_bytes <= len(one.data) <= placement.max_bytes
        assert one.details["faces"] == 1
        assert not one.details["needs_review"] or "safe zone" in one.details["needs_review"]


def test_no_placement_cuts_the_face(astronaut):
    focus = find_focus(astronaut)
    [face] = [one.box for one in focus.regions]
    for placement in BOOK.placements:
        assert render(astronaut, placement, focus).crop.contains(face, slack=0.005), placement.id


async def test_what_would_have_to_be_enlarged_fails_alone_and_says_what_to_do():
    small = Image(Pillow.effect_noise((1280, 720), 60).convert("RGB"))
    _, made = await export(small, placements=["youtube_thumbnail", "instagram_story"], fit="cover")
    assert isinstance(made[0], Output)
    assert isinstance(made[1], Failure)
    assert made[1].problem.rule == "optimizer.would_upscale"
    assert "long_side 3414" in made[1].problem.fix


async def test_the_master_that_the_fix_asks_for_is_large_enough():
    enough = Image(Pillow.new("RGB", (3414, 1920)))
    _, [made] = await export(enough, placements=["instagram_story"], fit="cover")
    assert isinstance(made, Output)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (4000, 30), (500, 400), (1080, 1080)])
@pytest.mark.parametrize("padding", ["colour", "blur", "transparent"])
def test_contain_loses_no_pixel_and_enlarges_none(size, padding):
    marked = Pillow.new("RGB", size, (0, 200, 0))
    for corner in ((0, 0), (size[0] - 1, 0), (0, size[1] - 1), (size[0] - 1, size[1] - 1)):
        marked.putpixel(corner, (255, 0, 0))
    placement = PLACEMENTS["instagram_square"]
    rendition = render(Image(marked), placement, None, fit="contain", padding=padding)
    assert rendition.image.pixels.size == (1080, 1080)
    assert rendition.crop == Box(x0=0, y0=0, x1=1, y1=1)
    if max(size) <= 1080:
        found = np.asarray(rendition.image.pixels.convert("RGB"), np.int16)
        green = (abs(found - (0, 200, 0)).sum(-1) < 8).sum()
        red = (abs(found - (255, 0, 0)).sum(-1) < 8).sum()
        assert green + red >= size[0] * size[1]


def test_bytes_stay_within_the_limit_by_quality_and_never_under_the_floor():
    noise = np.random.default_rng(1).integers(0, 256, (630, 1200, 3), np.uint8)
    soft = Image(Pillow.fromarray(noise).resize((150, 79)).resize((1200, 630)))
    tight = PLACEMENTS["open_graph"].model_copy(update={"max_bytes": 40_000})
    encoded = encode_for(soft, tight)
    assert len(encoded.data) <= 40_000
    assert encoded.quality < 88
    with pytest.raises(Refused) as refused:
        encode_for(Image(Pillow.fromarray(noise)), tight)
    assert refused.value.rule == "optimizer.max_bytes"


def test_a_format_that_the_placement_refuses_is_refused(astronaut):
    with pytest.raises(Refused) as refused:
        encode_for(astronaut, PLACEMENTS["tiktok_photo"], wanted="png")
    assert refused.value.valid == ["jpeg", "webp"]


def test_transparency_is_kept_where_it_can_be_and_flattened_where_not():
    clear = Image(Pillow.new("RGBA", (1200, 630), (255, 0, 0, 0)))
    assert encode_for(clear, PLACEMENTS["open_graph"]).media_type == "image/png"
    flat = encode_for(clear, PLACEMENTS["instagram_square"], background=(0, 0, 255))
    assert flat.media_type == "image/jpeg"
    blue = decode(flat.data).pixels.getpixel((5, 5))
    assert blue[2] > 240
    assert blue[0] < 15


def test_provenance_survives_the_export():
    made = Image(Pillow.new("RGB", (1200, 630)), source_type=ALGORITHMIC_MEDIA)
    encoded = encode_for(made, PLACEMENTS["open_graph"])
    assert decode(encoded.data).source_type == ALGORITHMIC_MEDIA


async def test_a_blank_or_fully_transparent_master_is_cropped_to_its_centre():
    for pixels in (Pillow.new("RGB", (1400, 1400)), Pillow.new("RGBA", (1400, 1400))):
        _, [made] = await export(Image(pixels), placements=["facebook_link"])
        box = made.details["crop"]
        assert (box["y0"] + box["y1"]) / 2 == pytest.approx(0.5, abs=0.02)


async def test_regions_that_are_given_count_alone(astronaut):
    corner = {"x0": 0.7, "y0": 0.75, "x1": 0.95, "y1": 0.95}
    _, [made] = await export(astronaut, placements=["facebook_link"], regions=[corner])
    assert made.details["detectors"] == ["given"]
    assert made.details["crop"]["y1"] >= 0.95 - 0.01


def test_platforms_and_all_choose_placements_and_unknown_ones_name_near_ones():
    assert {one.id for one in BOOK.chosen(["instagram"])} == {
        "instagram_portrait",
        "instagram_square",
        "instagram_story",
    }
    assert len(BOOK.chosen(["instagram_square", "all"])) == 12
    with pytest.raises(Refused) as refused:
        BOOK.chosen(["instagram_sqare"])
    assert "instagram_square" in refused.value.fix
