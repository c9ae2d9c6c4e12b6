"""Faces are found where they are, at any size, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image as Pillow

from studio.imaging.faces import faces, head
from studio.imaging.geometry import Box
from studio.imaging.image import Image

#: The astronaut's face, brows to chin, drawn by hand on the photo.
FACE = Box(x0=0.35, y0=0.16, x1=0.53, y1=0.34)


def test_the_face_of_a_portrait_is_found_once(photo: Callable[[str], Image]) -> None:
    found = faces(photo("astronaut"))
    assert len(found) == 1
    assert found[0].box.overlap(FACE) > 0.7
    assert found[0].score > 0.8


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket"])
def test_no_face_is_seen_where_there_is_none(name: str, photo: Callable[[str], Image]) -> None:
    assert faces(photo(name)) == []


def test_small_faces_in_a_wide_picture_are_found(photo: Callable[[str], Image]) -> None:
    wide = photo("rocket").pixels.resize((3840, 1280))
    small = photo("astronaut").pixels.resize((256, 256))
    places = []
    for left, top in ((2500, 700), (300, 100)):
        wide.paste(small, (left, top))
        x0, y0 = (left + FACE.x0 * 256) / 3840, (top + FACE.y0 * 256) / 1280
        x1, y1 = (left + FACE.x1 * 256) / 3840, (top + FACE.y1 * 256) / 1280
        places.append(Box(x0=x0, y0=y0, x1=x1, y1=y1))
    found = faces(Image(wide))
    assert len(found) == 2
    assert all(any(face.box.overlap(place) > 0.5 for face in found) for place in places)


def test_a_face_that_fills_the_picture_is_found(photo: Callable[[str], Image]) -> None:
    close = photo("astronaut").pixels.crop((170, 70, 280, 180))
    assert len(faces(Image(close))) == 1


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (20_000, 2)])
def test_pictures_of_any_shape_can_be_searched(size: tuple[int, int]) -> None:
    assert faces(Image(Pillow.new("RGB", size, "gray"))) == []


def test_threads_search_at_the_same_time(photo: Callable[[str], Image]) -> None:
    image = photo("astronaut")
    alone = faces(image)
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(faces, [image] * 3)) == [alone] * 3


@pytest.mark.parametrize("size", [(900, 600), (600, 900), (1000, 500), (515, 1033)])
def test_a_small_face_is_found_wherever_it_is(
    size: tuple[int, int], photo: Callable[[str], Image]
) -> None:
    small = photo("astronaut").pixels.resize((160, 160))
    for left, top in ((0, 0), (size[0] - 160, size[1] - 160), (size[0] // 3, size[1] // 2)):
        canvas = Pillow.new("RGB", size, (120, 130, 140))
        canvas.paste(small, (left, top))
        [found] = faces(Image(canvas))
        x, y = found.box.centre
        assert abs(x * size[0] - left - 0.44 * 160) < 8
        assert abs(y * size[1] - top - 0.25 * 160) < 8


def test_a_head_is_more_than_its_face_and_ends_with_the_picture() -> None:
    assert head(FACE).contains(FACE)
    assert head(FACE).y0 < FACE.y0 - 0.4 * FACE.height
    corner = Box(x0=0, y0=0, x1=0.1, y1=0.1)
    assert head(corner).x0 == head(corner).y0 == 0
