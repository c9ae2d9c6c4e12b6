"""Naming: what was meant by whoever spelt a name another way."""

import pytest

from studio.naming import did_you_mean, near, spelled

OPERATIONS = (
    "create.generate", "create.import", "edit.adjust", "edit.erase", "edit.general",
    "edit.outpaint", "edit.remove_background", "edit.replace_background", "edit.search_recolor",
    "edit.search_replace", "edit.text", "library.organise", "optimizer.export",
    "upscale.conservative", "upscale.creative", "upscale.fast",
)  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Draft", "draft"),
        ("4K", "4k"),
        ("Top Left", "top-left"),
        ("center", "centre"),
        ("favorite", "favourite"),
        ("organize", "organise"),
        ("Instagram Feed-Square", "instagram_feed_square"),
    ],
)
def test_another_spelling_is_the_same_name(written, meant):
    others = ("standard", "8k", "top", "bottom-left", "review", "instagram_feed")
    assert spelled(written, (*others, meant)) == meant


def test_a_spelling_of_two_names_is_none_of_them():
    assert spelled("A B", ("a_b", "a-b")) is None
    assert spelled("a-b", ("a_b", "a-b")) == "a-b"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Search & Recolor", "edit.search_recolor"),
        ("edit.search_recolour", "edit.search_recolor"),
        ("Background Removal", "edit.remove_background"),
        ("Replace Background", "edit.replace_background"),
        ("General Edit", "edit.general"),
        ("optimize", "optimizer.export"),
        ("library.organize", "library.organise"),
        ("Conservative", "upscale.conservative"),
        ("Upscale Fast", "upscale.fast"),
        ("Text overlay", "edit.text"),
        ("edit.adjsut", "edit.adjust"),
    ],
)
def test_the_guides_words_for_an_operation_lead_to_it(said, meant):
    assert near(said, OPERATIONS)[0] == meant


def test_what_is_like_nothing_suggests_nothing():
    assert near("nonsense", OPERATIONS) == []
    assert near("edit.crop", OPERATIONS) == []
    assert did_you_mean("nonsense", OPERATIONS, "Look there.") == "Look there."
    assert did_you_mean("Generate", OPERATIONS, "") == "Did you mean create.generate, edit.general?"
