"""How a prompt is read: the grammar of docs/prompts.md."""

from pathlib import Path

import pytest

from services.create.providers.local.brief import DEFAULT_MOTIFS, read
from services.create.providers.local.finishes import FINISHES
from services.create.providers.local.grammar import page
from services.create.providers.local.painters import PAINTERS
from services.create.providers.local.painters.things import OBJECTS
from services.create.providers.local.vocabulary import vocabulary
from services.create.styles import styles

RED, BLUE, WHITE = (0xD7, 0x26, 0x3D), (0x26, 0x67, 0xC9), (0xF6, 0xF7, 0xF9)


@pytest.mark.parametrize(
    ("prompt", "painter", "motif"),
    [
        ("snowy mountains", "landscape", "mountains"),
        ("summer mountains", "landscape", "mountains"),
        ("coffee cup", "still_life", "cup"),
        ("cup on a plinth", "plinth", "cup"),
        ("floral pattern", "pattern", "flowers"),
        ("city lights at night, bokeh", "skyline", "city"),
        ("poster of mountains", "poster", "mountains"),
        ("a plain blue", "mesh", "aurora"),
        ("", "mesh", "aurora"),
    ],
)
def test_subject_words_choose_what_is_painted(prompt, painter, motif):
    brief = read(prompt)
    assert (brief.painter, brief.motif) == (painter, motif)


def test_a_colour_belongs_to_the_thing_that_follows_it():
    brief = read("a red cup on a blue plate")
    assert brief.things == (("cup", RED),)
    assert brief.parts == {"plate": BLUE}
    assert brief.colours == (RED,)


def test_a_plates_colour_is_not_its_cups_but_a_ground_alone_rules_the_palette():
    brief = read("a cup on a blue plate")
    assert (brief.colours, brief.parts, brief.things) == ((), {"plate": BLUE}, (("cup", None),))
    assert read("a blue background").colours == (BLUE,)


def test_a_colour_may_follow_its_thing_with_in():
    assert read("a cup in red on a table").things == (("cup", RED),)


def test_numbers_repeat_things():
    assert read("three red apples and a cup").things == (*[("apple", RED)] * 3, ("cup", None))


def test_hex_colours_and_shades_are_understood():
    assert read("a poster in #123456").colours == ((0x12, 0x34, 0x56),)
    [dark] = read("a dark blue poster").colours
    [pale] = read("a pale blue poster").colours
    assert sum(dark) < sum(BLUE) < sum(pale)
    assert read("a dark blue poster").mood == read("a blue poster").mood, "not a dark picture"


def test_what_is_not_wanted_is_neither_read_nor_shown():
    by_negative = read("red and blue poster", negative_prompt="red")
    assert by_negative.colours == read("blue poster").colours
    assert by_negative.avoided == (RED,)
    brief = read("mountains with clouds, without snow, no red", negative_prompt="fog, clouds")
    assert brief.avoids == {"clouds", "mist", "snow"}
    assert not brief.has("clouds", otherwise=True)
    assert brief.avoided == (RED,)
    brief = read("a cup without steam or shadows on a blue plate")
    assert (brief.avoids, brief.parts) == ({"steam", "shadows"}, {"plate": BLUE})


def test_a_style_named_in_the_prompt_is_used_unless_one_is_asked_for():
    assert read("an oil painting of the sea").style.id == "oil-painting"
    assert read("an oil painting of the sea", style="pixel-art").style.id == "pixel-art"
    assert read("the sea").style is None


def test_quoted_words_are_a_headline_and_are_not_read():
    brief = read('a poster that says "Red Sale" in blue')
    assert brief.headline == "Red Sale"
    assert brief.colours == (BLUE,)


def test_a_brand_takes_the_place_of_all_colour_words():
    brief = read("a red cup on a blue plate", brand=(WHITE,))
    assert (brief.colours, dict(brief.parts), brief.things) == ((WHITE,), {}, (("cup", None),))


def test_every_word_leads_to_something_that_can_be_painted():
    words = vocabulary()
    assert len(words.colours) >= 50
    assert {painter for painter, _ in words.subjects.values()} <= set(PAINTERS)
    assert set(words.designs.values()) <= set(PAINTERS) == set(DEFAULT_MOTIFS)
    assert set(words.weak) <= set(words.subjects)
    motifs = {m for painter, m in words.subjects.values() if painter in ("plinth", "still_life")}
    assert motifs == set(OBJECTS)
    for style in styles().values():
        assert style.local.painter in {None, *PAINTERS}
        assert style.local.finish in {None, *FINISHES}
        assert set(style.local.words) <= set(words.moods)
    assert {one.local.finish for one in styles().values()} - {None} == set(FINISHES)


def test_the_page_of_the_grammar_is_up_to_date():
    written = Path(__file__).parents[3] / "docs" / "prompts.md"
    assert written.read_text(encoding="utf-8") == page()
