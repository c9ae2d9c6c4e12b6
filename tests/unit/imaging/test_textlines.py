"""Text lines: type on a photo is found to its strokes, and photos without type have none."""

from functools import lru_cache

import numpy as np
import pytest
from PIL import Image as Pillow

from studio.imaging.image import Image
from studio.imaging.textlines import written
from tests.inscriptions import inscribed, photos

SEEDS = [3, 17, 104, 120]


@lru_cache
def looked_at(seed):
    """An inscription in an ink that covers, and what is found of it."""
    drawn = inscribed(seed, opacity=1)
    return drawn, written(drawn.image)


@pytest.mark.parametrize("seed", SEEDS)
def test_words_in_one_ink_are_found_to_their_strokes(seed):
    drawn, found = looked_at(seed)
    covered = found.strokes[drawn.strokes].mean()
    assert covered > 0.9, f"{drawn.words} in {drawn.ink}"
    assert found.lines


@pytest.mark.parametrize("seed", SEEDS)
def test_little_is_marked_but_the_strokes(seed):
    drawn, found = looked_at(seed)
    assert found.strokes.sum() < 4 * drawn.strokes.sum(), (
        "small type has a margin as wide as itself"
    )


@pytest.mark.parametrize(("name", "photo"), photos(), ids=[name for name, _ in photos()])
def test_a_photo_without_type_has_no_line(name, photo):
    found = written(photo)
    assert found.lines == ()
    assert not found.strokes.any()


@pytest.mark.parametrize("size", [(1, 1), (9, 5), (300, 200)])
def test_a_blank_picture_has_no_line(size):
    found = written(Image(Pillow.new("RGB", size, "grey")))
    assert found.lines == ()
    assert found.strokes.shape == size[::-1]


def test_a_line_says_where_it_is_and_in_which_ink():
    drawn, found = looked_at(SEEDS[0])
    line = found.lines[0]
    columns, width = np.nonzero(drawn.strokes)[1], drawn.strokes.shape[1]
    assert line.box.x0 == pytest.approx(columns.min() / width, abs=0.02)
    assert line.box.x1 == pytest.approx(columns.max() / width, abs=0.02)
    ink = np.median(np.asarray(drawn.image.pixels)[drawn.strokes], axis=0)
    assert np.abs(np.array(line.colour) - ink).max() < 20


def test_looking_twice_finds_the_same():
    drawn, one = looked_at(SEEDS[1])
    other = written(drawn.image)
    assert one.lines == other.lines
    assert np.array_equal(one.strokes, other.strokes)
