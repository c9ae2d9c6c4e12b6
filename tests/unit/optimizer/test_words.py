"""Words on a picture are kept by its crops, or people are told that they are not."""

import pytest
from PIL import ImageDraw, ImageFont

from services.optimizer.crop import focal_crop
from services.optimizer.focus import Focus, find_focus
from services.optimizer.placements import placement_book
from services.optimizer.rendition import render
from services.optimizer.words import blocks
from studio.imaging.decode import decode
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.imaging.textlines import TextLine
from tests.conftest import PHOTOS
from tests.unit.optimizer.test_crop import blob

PLACEMENTS = {one.id: one for one in placement_book().placements}


def poster(name: str, top: float, words: str = "GRAND OPENING", size: int = 120) -> Image:
    """A photo of 2000 × 2000 px with words on a band."""
    pixels = decode((PHOTOS / f"{name}.jpg").read_bytes()).pixels.resize((2000, 2000))
    draw = ImageDraw.Draw(pixels)
    edge = round(top * 2000)
    draw.rectangle((0, edge, 2000, edge + size + 60), fill=(20, 30, 60))
    draw.text((160, edge + 16), words, (255, 255, 255), ImageFont.load_default(size))
    return Image(pixels)


def words_of(focus: Focus) -> list[Box]:
    return [one.box for one in focus.regions if one.kind == "text"]


@pytest.mark.parametrize("name", ["chelsea", "coffee", "rocket"])
@pytest.mark.parametrize("top", [0.02, 0.88])
def test_a_headline_at_an_edge_is_kept_by_a_wide_crop(name, top):
    image = poster(name, top)
    focus = find_focus(image)
    [words] = words_of(focus)
    assert top - 0.01 <= words.y0
    assert words.y1 <= top + 0.1
    made = render(image, PLACEMENTS["x_landscape"], focus)
    assert made.crop.contains(words)


def test_words_that_have_no_room_are_told():
    image = poster("coffee", 0.88, "GRAND OPENING ON 12 MAY", 140)
    focus = find_focus(image)
    made = render(image, PLACEMENTS["instagram_story"], focus)
    [words] = words_of(focus)
    assert not made.crop.contains(words)
    assert made.needs_review is not None
    assert "words" in made.needs_review


def test_words_give_way_to_a_head():
    head, words = Box(x0=0.4, y0=0.05, x1=0.6, y1=0.3), Box(x0=0.1, y0=0.85, x1=0.9, y1=0.95)
    both = focal_crop(blob(0.5, 0.5), 3, keep=[head], words=[words])
    assert both.box.contains(head)
    assert not both.box.contains(words)
    alone = focal_crop(blob(0.5, 0.2), 3, words=[words])
    assert alone.box.contains(words)


def test_a_headline_between_two_people_does_not_win_over_both():
    left, right = Box(x0=0.02, y0=0.3, x1=0.22, y1=0.6), Box(x0=0.78, y0=0.3, x1=0.98, y1=0.6)
    words = Box(x0=0.3, y0=0.4, x1=0.7, y1=0.5)
    weights = blob(0.12, 0.45, 0.1) + blob(0.88, 0.45, 0.1)
    for ratio in (0.4, 0.56, 0.66, 0.8):
        crop = focal_crop(weights, ratio, keep=[left, right], words=[words])
        assert crop == focal_crop(weights, ratio, keep=[left, right])
        assert ratio == 0.8 or crop.box.contains(left) or crop.box.contains(right)


def test_a_portrait_in_a_circle_leaves_words_on_purpose():
    image = poster("astronaut", 0.88)
    focus = find_focus(image)
    assert words_of(focus)
    assert focus.portrait
    made = render(image, PLACEMENTS["x_profile"], focus)
    assert made.needs_review is None


def test_photographs_have_no_words():
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        assert not words_of(find_focus(Image(decode((PHOTOS / f"{name}.jpg").read_bytes()).pixels)))


def test_lines_that_follow_each_other_are_one_block():
    def line(x0: float, y0: float, x1: float, y1: float) -> TextLine:
        return TextLine(Box(x0=x0, y0=y0, x1=x1, y1=y1), (0, 0, 0))

    headline, below = line(0.1, 0.1, 0.9, 0.2), line(0.3, 0.25, 0.7, 0.3)
    far, beside = line(0.1, 0.8, 0.5, 0.84), line(0.95, 0.1, 1.0, 0.2)
    found = blocks([far, below, headline, beside])
    assert found[0] == Box(x0=0.1, y0=0.1, x1=0.9, y1=0.3)
    assert set(map(str, found)) == {str(found[0]), str(far.box), str(beside.box)}


def test_a_focus_with_words_comes_back_from_its_document():
    focus = find_focus(poster("coffee", 0.88))
    assert Focus.from_document(focus.as_document()).words == focus.words != []
