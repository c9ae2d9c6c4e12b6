"""Typesetting: text that fits, in the scripts that the fonts cover."""

import numpy as np
import pytest

from studio.imaging.bidirectional import displayed
from studio.imaging.fonts import fonts
from studio.imaging.legibility import READABLE, contrast_on, scrim_colour
from studio.imaging.linebreaks import ended, units
from studio.imaging.shaping import language_of, shaped
from studio.imaging.typesetting import fit
from studio.problems import Refused

TEXTS = {
    "latin": "Made for mornings that begin slowly",
    "greek": "Καλημέρα σε όλους εσάς",
    "cyrillic": "Доброе утро, страна",
    "arabic": "قهوة الصباح الطازجة كل يوم",
    "hebrew": "השקיעה היפה ביותר בעולם",
    "japanese": "毎日を、もっと美しく。新しい朝のコーヒー",
    "chinese": "每天早晨的第一杯咖啡",
    "korean": "매일 아침 새로운 커피 한 잔",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("box", [(900, 300), (300, 900), (240, 240)])
def test_all_ink_of_every_script_lies_in_the_box(text, box):
    block = fit(text, *box, max_size=90, min_size=8)
    shapes = np.asarray(block.shapes("left"))
    assert block.width <= box[0]
    assert block.height <= box[1]
    assert shapes.any()
    assert shapes.shape == (block.height, block.width)
    wider = fit(text, *box, max_size=block.size, min_size=block.size)
    assert wider.texts == block.texts


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_size_is_the_largest_that_fits(text):
    block = fit(text, 500, 200, max_size=400, min_size=8)
    with pytest.raises(Refused):
        fit(text, 500, 200, max_size=block.size + 1, min_size=block.size + 1)


def test_nothing_is_lost_when_lines_are_broken():
    for text in TEXTS.values():
        block = fit(text, 260, 900, max_size=60, min_size=8)
        assert len(block.texts) > 1
        assert "".join(block.texts).replace(" ", "") == text.replace(" ", "")


def test_what_does_not_fit_is_refused_with_the_reason():
    with pytest.raises(Refused) as refused:
        fit("Unabbreviatable", 60, 40, max_size=40, min_size=30, min_size_source="11 pt")
    assert refused.value.rule == "text.does_not_fit"
    assert "11 pt" in refused.value.says


def test_letters_of_no_font_are_refused_by_name():
    with pytest.raises(Refused) as refused:
        fit("Hi 🎉", 500, 200, max_size=40, min_size=8)
    assert refused.value.rule == "text.no_glyph"
    assert "U+1F389" in refused.value.says
    assert "Arabic" in refused.value.valid


def test_arabic_letters_are_joined():
    apart = sum(shaped(letter, "und", True).width for letter in "سلام")
    assert shaped("سلام", "und", True).width < 0.9 * apart


def test_a_number_in_hebrew_reads_from_left_to_right():
    runs = list(displayed("שנת 2026 טובה", is_rtl=True))
    assert [run for direction, run in runs if direction == "ltr"] == ["2026"]
    assert runs[0] == ("rtl", " טובה")  # the end of the sentence stands at the left


def test_brackets_follow_what_they_enclose():
    runs = list(displayed("אבג (abc) דהו", is_rtl=True))
    assert runs[-1][1].startswith("אבג")
    assert ("ltr", "abc") in runs


def test_a_line_never_begins_with_a_japanese_full_stop():
    assert all(piece[0] not in "。、」" for piece in units("「毎日」を、もっと。美しく。"))


def test_korean_words_are_not_broken_within():
    assert units("매일 아침") == ["매일 ", "아침"]


def test_a_soft_hyphen_becomes_a_hyphen_only_where_the_line_ends():
    assert ended("Augen\u00ad") == "Augen-"
    assert ended("Augen\u00adblick") == "Augenblick"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("コーヒー漢字", "ja"),
        ("커피", "ko"),
        ("咖啡门", "zh-Hans"),
        ("咖啡門", "zh-Hant"),
        ("Tea", "und"),
    ],
)
def test_the_language_of_han_characters_is_guessed_from_their_company(text, language):
    assert language_of(text) == language


def test_the_forms_of_han_characters_follow_the_language():
    def drawn(language):
        return np.asarray(
            fit("骨直", 400, 200, max_size=150, min_size=150, language=language).shapes("left")
        )

    assert not np.array_equal(drawn("ja"), drawn("zh-Hans"))


def test_every_script_has_its_font_in_the_order_of_preference():
    assert all(font.has(letter) for font, letter in zip(fonts(), "Aعא漢", strict=True))


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (119, 119, 119), (228, 87, 46)])
def test_an_opaque_scrim_is_always_enough(colour):
    from PIL import Image as Pillow

    assert contrast_on(Pillow.new("RGB", (4, 4), scrim_colour(colour)), colour) >= READABLE
