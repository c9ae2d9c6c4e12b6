"""Encoding: a floor that is asked for is kept, and no file is written twice in a search."""

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from services.optimizer.batch import Encoding
from services.optimizer.encoding import Wish, encode_for
from services.optimizer.focus import find_focus
from services.optimizer.placements import placement_book
from services.optimizer.rendition import Fitting, render
from studio.imaging.decode import decode
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.imaging.similarity import ssim
from studio.problems import Refused
from tests.conftest import PHOTOS

PLACEMENTS = {one.id: one for one in placement_book().placements}


def photo(placement: str, name: str = "astronaut") -> Image:
    """A photo of the placement's size."""
    one, seen = PLACEMENTS[placement], decode((PHOTOS / f"{name}.jpg").read_bytes())
    return seen.with_pixels(seen.pixels.resize((one.width, one.height)))


@pytest.mark.parametrize("placement", ["instagram_square", "open_graph"])
def test_a_floor_above_the_usual_quality_is_reached(placement):
    image = photo(placement)
    usual = encode_for(image, PLACEMENTS[placement])
    assert ssim(image.pixels, decode(usual.data).pixels) < 0.995
    finer = encode_for(image, PLACEMENTS[placement], Wish(floor=0.995))
    assert finer.ssim == pytest.approx(ssim(image.pixels, decode(finer.data).pixels), abs=1e-3)
    assert finer.ssim >= 0.995


def grain(sigma: float, size: tuple[int, int] = (1080, 1080)) -> Image:
    """Grey with the grain of a dark photo: what JPEG smooths away first."""
    noise = np.random.default_rng(5).normal(128, sigma, (size[1], size[0], 3))
    return Image(Pillow.fromarray(noise.clip(0, 255).astype(np.uint8)))


@pytest.mark.parametrize("id_", ["instagram_square", "open_graph", "threads_post"])
def test_the_usual_floor_is_kept_where_the_usual_quality_would_miss_it(id_):
    one = PLACEMENTS[id_]
    image = grain(8, (one.width, one.height))
    made = encode_for(image, one)
    reached = ssim(image.pixels, decode(made.data).pixels)
    assert reached >= 0.92
    assert made.ssim == pytest.approx(reached, abs=1e-3)
    coarse = encode_for(image, one, Wish(floor=0.5, format="jpeg"))
    assert coarse.quality == 85
    assert ssim(image.pixels, decode(coarse.data).pixels) < 0.92


@pytest.mark.parametrize("sigma", [4, 6, 12, 25])
def test_grain_that_lies_only_between_the_tiles_is_not_overlooked(sigma):
    one = PLACEMENTS["instagram_square"]
    image = grain(sigma, (one.width, one.height))
    for x in range(4):  # where tiles of 64 px lie: the middles of the quarters
        for y in range(4):
            corner = (int((x + 0.5) * one.width / 4 - 50), int((y + 0.5) * one.height / 4 - 50))
            image.pixels.paste((128, 128, 128), (*corner, corner[0] + 100, corner[1] + 100))
    made = encode_for(image, one)
    whole = ssim(image.pixels, decode(made.data).pixels)
    assert whole >= 0.92
    assert made.ssim == pytest.approx(whole, abs=0.01)


def test_grain_of_the_grounds_own_colour_is_not_overlooked_where_it_is_see_through():
    """White grain on clear ground: on white, which JPEG would have, there is nothing to see."""
    one = PLACEMENTS["instagram_square"].model_copy(update={"formats": ("webp",)})
    alpha = np.asarray(grain(25, (one.width, one.height)).pixels.convert("L")).copy()
    for x in range(4):
        for y in range(4):
            across, down = (int((at + 0.5) * 1080 / 4 - 50) for at in (x, y))
            alpha[down : down + 100, across : across + 100] = 128
    white = np.full((one.height, one.width, 4), 255, np.uint8)
    white[..., 3] = alpha
    image = Image(Pillow.fromarray(white))
    made = encode_for(image, one)
    grey = (128, 128, 128)
    whole = ssim(image.flattened(grey), decode(made.data).flattened(grey))
    assert made.ssim == pytest.approx(whole, abs=0.01)


@pytest.mark.parametrize("format_", ["jpeg", "webp", "avif"])
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_sixteen_tiles_tell_the_similarity_of_the_whole_file(format_, name):
    image = photo("instagram_square", name)
    free = PLACEMENTS["instagram_square"].model_copy(update={"formats": (format_,)})
    made = encode_for(image, free)
    assert made.sampled
    assert made.ssim == pytest.approx(ssim(image.pixels, decode(made.data).pixels), abs=0.005)


def test_the_similarity_of_every_file_is_told():
    demanding = PLACEMENTS["open_graph"].model_copy(update={"min_bytes": 100_000})
    small = PLACEMENTS["instagram_square"].model_copy(update={"width": 200, "height": 200})
    for image, placement in (
        (Image(Pillow.linear_gradient("L").resize((1200, 630)).convert("RGB")), demanding),
        (Image(photo("instagram_square").pixels.resize((200, 200))), small),
        (Image(Pillow.new("RGBA", (1200, 630), (9, 9, 9, 0))), PLACEMENTS["open_graph"]),
    ):
        made = encode_for(image, placement)
        assert made.ssim is not None
        ground = image.flattened((128, 128, 128))
        seen = ssim(ground, decode(made.data).flattened((128, 128, 128)))
        assert made.ssim == pytest.approx(seen, abs=0.01)


def test_a_floor_that_only_lossless_files_reach_gives_png_or_is_refused():
    assert encode_for(photo("open_graph"), PLACEMENTS["open_graph"], Wish(floor=1)).ssim == 1
    with pytest.raises(Refused) as refused:
        encode_for(photo("instagram_square"), PLACEMENTS["instagram_square"], Wish(floor=1))
    assert refused.value.rule == "optimizer.quality_floor"
    assert "0.99" in refused.value.says


def test_a_search_within_a_limit_writes_no_file_twice(monkeypatch):
    written: list[Encoding] = []
    write = Encoding.write
    image = photo("instagram_square")

    def counted(self: Encoding, pixels: Image) -> bytes:
        if pixels.pixels.size == image.pixels.size:  # not the tiles that are measured
            written.append(self)
        return write(self, pixels)

    monkeypatch.setattr(Encoding, "write", counted)
    limit = len(encode_for(image, PLACEMENTS["instagram_square"]).data) // 2
    written.clear()
    limited = PLACEMENTS["instagram_square"].model_copy(update={"max_bytes": limit})
    found = encode_for(image, limited)
    assert len(found.data) <= limit
    assert len(written) == len(set(written)) == found.trials <= 6


def test_a_file_made_larger_than_the_usual_one_is_told_as_it_is():
    image = Image(Pillow.linear_gradient("L").resize((1200, 630)).convert("RGB"))
    usual = encode_for(image, PLACEMENTS["open_graph"])
    demanding = PLACEMENTS["open_graph"].model_copy(update={"min_bytes": 100_000})
    found = encode_for(image, demanding)
    assert len(found.data) >= 100_000 > len(usual.data)
    seen = decode(found.data)
    assert (seen.width, seen.height) == (found.width, found.height) == (1200, 630)
    assert found.ssim == pytest.approx(ssim(image.pixels, seen.pixels), abs=0.005)


def test_a_crop_in_which_nothing_is_clear_has_no_alpha_and_may_become_jpeg():
    pixels = photo("open_graph").pixels.resize((2000, 2000)).convert("RGBA")
    pixels.paste((0, 0, 0, 0), (0, 0, 2000, 40))
    middle = Box(x0=0.2, y0=0.4, x1=0.8, y1=0.6)
    image = Image(pixels)
    made = render(image, PLACEMENTS["open_graph"], find_focus(image, [middle]), Fitting())
    assert made.crop.y0 > 0.02
    assert not made.image.has_alpha
    assert encode_for(made.image, PLACEMENTS["open_graph"]).media_type != "image/png"


def test_a_region_thinner_than_any_pixel_leads_the_crop_without_harm():
    image = Image(Pillow.fromarray(np.full((1200, 1200, 3), 90, np.uint8)))
    speck = Box(x0=0, y0=0, x1=1e-200, y1=1e-200)
    focus = find_focus(image, [speck])
    assert render(image, PLACEMENTS["open_graph"], focus).crop.y0 == pytest.approx(0)


def coloured_type() -> Image:
    """Blue words on red, of which half the chroma leaves a smear."""
    image = photo("open_graph")
    ground = Pillow.new("RGB", image.pixels.size, (200, 20, 30))
    draw = ImageDraw.Draw(ground)
    for line in range(12):
        words = "Sale ends on Sunday, all colours " * 4
        draw.text((20, 20 + line * 48), words, (20, 40, 220), ImageFont.load_default(36))
    return image.with_pixels(Pillow.blend(ground, image.pixels, 0.05))


def test_coloured_type_is_not_written_in_a_format_that_halves_its_chroma():
    both = PLACEMENTS["open_graph"].model_copy(update={"formats": ("jpeg", "webp")})
    lettered = encode_for(coloured_type(), both)
    assert (lettered.media_type, lettered.encoding.subsampling) == ("image/jpeg", "4:4:4")
    assert encode_for(photo("open_graph"), both).media_type == "image/webp"
    only = both.model_copy(update={"formats": ("webp",)})
    assert encode_for(coloured_type(), only).media_type == "image/webp"
