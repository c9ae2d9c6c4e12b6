"""Instructions: what the grammar knows is done by the operations, the rest is refused."""

import numpy as np
import pytest
from PIL import Image as Pillow

from services.edit.instruction import PHRASES, steps
from services.edit.operations.adjust import Adjust
from services.edit.operations.text import Text
from services.edit.service import operations
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.imaging.legibility import READABLE
from studio.problems import Refused

BY_NAME = {one.name: one for one in operations()}
GENERAL = BY_NAME["edit.general"]
ADJUST, TEXT = Adjust(), Text()


@pytest.mark.parametrize("phrase", PHRASES)
def test_every_phrase_that_is_documented_is_one_step_that_exists(phrase):
    [step] = steps(phrase)
    assert BY_NAME[step.operation].parse(step.params)


@pytest.mark.parametrize(
    ("instruction", "wanted"),
    [
        ("Brighter and slightly warmer", [("brightness", 0.25), ("temperature", 0.12)]),
        ("make the image much darker", [("brightness", -0.5)]),
        ("increase the contrast by 40 %", [("contrast", 0.4)]),
        ("Please make it black and white.", [("saturation", -1)]),
        ("rotate left, flip vertically", [("rotate", -90), ("flip", "vertical")]),
        ("rotate it by 12.5 degrees", [("rotate", 12.5)]),
        ("crop to a square; then sharpen", [("crop_ratio", "1:1"), ("sharpness", 0.25)]),
    ],
)
def test_clauses_become_adjustments(instruction, wanted):
    read = steps(instruction)
    assert [step.operation for step in read] == ["edit.adjust"] * len(wanted)
    assert [next(iter(step.params.items())) for step in read] == wanted


def test_what_is_quoted_is_never_divided():
    [step] = steps("write “Salt, pepper and more” at the top")
    assert step.params == {"text": "Salt, pepper and more", "anchor": "top"}


@pytest.mark.parametrize(
    ("instruction", "text", "anchor"),
    [
        ("add a text overlay saying Hello", "Hello", "auto"),
        ("Add a text overlay that says Summer Sale! at the top", "Summer Sale!", "top"),
        ("add a text overlay at the bottom right saying: Don't miss it", "Don't miss it",
         "bottom-right"),
        ("add text 'Hello'", "Hello", "auto"),
        ("add a title “Shopping center” in the center", "Shopping center", "centre"),
        ("overlay text saying “Salt, pepper and more”", "Salt, pepper and more", "auto"),
    ],
)  # fmt: skip
def test_a_text_overlay_is_asked_for_in_the_words_of_the_guide(instruction, text, anchor):
    [step] = steps(instruction)
    assert (step.operation, step.params) == ("edit.text", {"text": text, "anchor": anchor})


def test_a_text_without_quotes_ends_where_its_clause_does():
    text, brighter = steps("add a text overlay saying New and make it brighter")
    assert text.params["text"] == "New"
    assert brighter.params == {"brightness": 0.25}
    with pytest.raises(Refused, match="pepper") as refused:
        steps("add a text overlay saying Salt and pepper")
    assert "quotes" in refused.value.fix


@pytest.mark.parametrize(
    "instruction",
    ["add a hat", "brighter, remove the bicycle", "make it pop", ", ;", "turn it into a painting"],
)
def test_anything_else_is_refused_with_what_is_understood(instruction):
    with pytest.raises(Refused) as refused:
        GENERAL.check(None, GENERAL.parse({"instruction": instruction}))
    assert refused.value.rule == "edit.general.not_understood"
    assert refused.value.status == 422
    assert "remove the background" in refused.value.valid
    assert "provider" in refused.value.fix


async def test_it_does_what_the_operations_do(edited, coffee):
    made = await edited(GENERAL, coffee, instruction="crop to 1:1, black and white")
    same = await edited(ADJUST, coffee, crop_ratio="1:1", saturation=-1)
    assert made.image.pixels.tobytes() == same.image.pixels.tobytes()
    assert [step["operation"] for step in made.details["steps"]] == ["edit.adjust"] * 2


async def test_a_chain_forecasts_its_last_image(edited, coffee):
    made = await edited(
        GENERAL, coffee, instruction="crop to 1:1, rotate right, remove the background"
    )
    assert made.image.pixels.size == (400, 400)
    assert made.image.has_alpha


def test_the_limits_of_every_step_hold():
    with pytest.raises(Refused) as refused:
        GENERAL.check(
            ImageFacts(width=600, height=400), GENERAL.parse({"instruction": "extend to 90:1"})
        )
    assert refused.value.rule == "edit.outpaint.max_margin"


async def test_text_is_written_so_that_it_can_be_read(edited, coffee):
    made = await edited(TEXT, coffee, text="Fresh coffee", colour="navy", anchor="top")
    assert made.details["text_contrast"] >= READABLE
    changed = np.any(np.asarray(made.image.pixels) != np.asarray(coffee.pixels), axis=-1)
    assert changed[:100].any()
    assert not changed[200:].any()


async def test_text_of_its_own_operation_is_the_text_of_adjust(edited, coffee):
    own = await edited(TEXT, coffee, text="Fresh", anchor="top-left", size=0.1)
    same = await edited(ADJUST, coffee, text="Fresh", text_anchor="top-left", text_size=0.1)
    assert own.image.pixels.tobytes() == same.image.pixels.tobytes()


@pytest.mark.parametrize("raw", [{}, {"text": "  "}, {"text": "a", "colour": "blurple"}])
def test_a_text_needs_letters_and_a_colour_that_exists(raw):
    with pytest.raises(Refused) as refused:
        TEXT.parse(raw)
    assert refused.value.rule == "edit.text.params"


def test_every_operation_forecasts_without_an_image():
    assert Adjust().forecast(None, ADJUST.parse({"brightness": 0.1})) == []
    assert GENERAL.forecast(None, GENERAL.parse({"instruction": "brighter"})) == []


async def test_a_flat_picture_gets_contrast_that_text_can_use(edited):
    grey = Image(Pillow.linear_gradient("L").point(lambda v: 100 + v // 8).convert("RGB"))
    made = np.asarray((await edited(ADJUST, grey, auto_contrast=1)).image.pixels, int)
    assert np.ptp(made) > 2.5 * np.ptp(np.asarray(grey.pixels, int))
    half = np.asarray((await edited(ADJUST, grey, auto_contrast=0.5)).image.pixels, int)
    assert np.ptp(np.asarray(grey.pixels, int)) < np.ptp(half) < np.ptp(made)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("edit.adjust", {"brightness": 0.1}),
        ("edit.erase", {"mask": {"point": {"x": 0.47, "y": 0.4}}}),
        ("edit.general", {"instruction": "brighter"}),
        ("edit.outpaint", {"left": 4}),
        ("edit.remove_background", {}),
        ("edit.replace_background", {"colour": "white"}),
        ("edit.search_recolor", {"select": "red", "colour": "blue"}),
        ("edit.search_replace", {"select": "white", "erase": True}),
        ("edit.text", {"text": "Hi"}),
    ],
)
async def test_every_edit_says_what_did_it(edited, coffee, name, raw):
    made = await edited(BY_NAME[name], coffee, **raw)
    assert made.details["engine"]
    assert made.details["engine_version"]
