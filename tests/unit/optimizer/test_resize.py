"""Resizing: the halves that sizes share shift nothing, and every rendition has its own pixels."""

import numpy as np
import pytest
from PIL import Image as Pillow

from services.optimizer.batch import Encoding, in_threads
from services.optimizer.resize import Pyramid
from studio.imaging.decode import decode
from studio.imaging.image import Image
from studio.imaging.similarity import ssim
from tests.conftest import PHOTOS


def master(width: int, height: int) -> Pillow.Image:
    photo = decode((PHOTOS / "astronaut.jpg").read_bytes()).pixels
    return photo.resize((width, height), Pillow.Resampling.LANCZOS)


@pytest.mark.parametrize("size", [(2049, 2047), (2305, 2305), (4097, 1025)])
@pytest.mark.parametrize("wanted", [(320, 320), (110, 110)])
def test_a_master_of_odd_sides_is_shrunk_as_truly_as_an_even_one(size, wanted):
    pixels = master(*size)
    seen = Pyramid(pixels).resized(wanted)
    assert ssim(seen, pixels.resize(wanted, Pillow.Resampling.LANCZOS)) >= 0.998


def test_a_part_of_an_odd_master_is_the_part_that_was_asked_for():
    pixels = master(2049, 2049)
    box = (901.0, 333.0, 2049.0, 2049.0)
    seen = Pyramid(pixels).resized((164, 245), box)
    wanted = pixels.resize((164, 245), Pillow.Resampling.LANCZOS, box=box)
    assert ssim(seen, wanted) >= 0.998


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (3, 5)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_of_any_size_can_be_shrunk_and_enlarged(size, mode):
    pixels = Pillow.new(mode, size, "red")
    for wanted in [(1, 1), (16, 16), (1, 300)]:
        seen = Pyramid(pixels).resized(wanted)
        assert (seen.size, seen.mode) == (wanted, mode)
        assert seen.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


def test_half_of_a_picture_at_the_size_of_the_whole_is_not_the_whole():
    pixels = Pillow.fromarray(np.repeat(np.arange(200, dtype=np.uint8), 200).reshape(200, 200))
    seen = Pyramid(pixels.convert("RGB")).resized((200, 200), (0, 0, 200, 100))
    assert seen.getpixel((0, 199))[0] == pytest.approx(99, abs=1)


def test_a_picture_asked_for_at_its_own_size_may_be_changed_without_harm():
    pixels = master(200, 200)
    before = pixels.copy()
    Pyramid(pixels).resized((200, 200)).paste("red", (0, 0, 200, 200))
    assert pixels == before


async def test_renditions_of_the_masters_own_size_are_written_with_their_own_settings():
    """Pillow keeps a file's settings in the picture while it writes: sharing it mixed them up."""
    grain = np.random.default_rng(7).integers(0, 255, (500, 500, 3), dtype=np.uint8)
    image = Image(Pillow.fromarray(grain))
    pyramid = Pyramid(image.pixels)
    how = [Encoding("image/jpeg", 20), Encoding("image/jpeg", 95), Encoding("image/webp", 80)] * 6

    def written(one: Encoding) -> bytes:
        return one.write(image.with_pixels(pyramid.resized((500, 500))))

    made = await in_threads(written, how, lambda one: one.quality or 0)
    alone = {one: one.write(image) for one in dict.fromkeys(how)}
    assert all(data == alone[one] for data, one in zip(made, how, strict=True))
