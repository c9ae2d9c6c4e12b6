"""Versions compared, and renditions measured against a version that they were not made with."""

from datetime import date

import pytest

from services.optimizer.placements import Margins, Placement, PlacementBook, placement_book
from services.optimizer.placements.compliance import RenditionFacts, breaches
from services.optimizer.placements.diff import diff

OLD, NEW = placement_book("2025-10"), placement_book("2026-11")


def changed(book: PlacementBook, id_: str, **fields) -> PlacementBook:
    """The book with one placement changed."""
    rows = [
        Placement.model_validate(one.model_dump() | fields) if one.id == id_ else one
        for one in book.placements
    ]
    return book.model_copy(update={"placements": tuple(rows)})


def facts(id_: str, book: PlacementBook = NEW, **fields) -> RenditionFacts:
    """A rendition that complies with a version."""
    one = book.placement(id_)
    usual = {
        "placement": id_, "width": one.width, "height": one.height, "format": one.formats[0],
        "bytes": max(one.min_bytes, 1000), "version": book.version,
    }  # fmt: skip
    return RenditionFacts(**(usual | fields))


def test_a_version_does_not_differ_from_itself():
    same = diff(NEW, NEW)
    assert (same.added, same.removed, same.changed) == ((), (), ())
    assert same.says == ["2026-11 and 2026-11 say the same."]


def test_the_difference_is_what_the_survey_says_was_changed():
    found = diff(OLD, NEW)
    assert [one.id for one in found.added] == ["instagram_tall"]
    assert {one.id for one in found.changed} == {
        "bluesky_post", "meta_vertical", "google_merchant_main",
    }  # fmt: skip
    assert "bluesky_post: the most bytes was 1,000,000 and is 2,000,000." in found.says


def test_backwards_what_was_added_is_gone():
    found = diff(NEW, OLD)
    assert [one.id for one in found.removed] == ["instagram_tall"]
    assert found.says[0] == "instagram_tall (instagram, Feed tall, 1080×1440) is gone."


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"max_bytes": 3_000_000}, "the most bytes was 5,000,000 and is 3,000,000."),
        ({"max_bytes": None}, "the most bytes was 5,000,000 and is not stated."),
        ({"formats": ("jpeg",)}, "the formats was jpeg, png, webp and is jpeg."),
        ({"min_width": 800}, "the least width was 1,200 px and is 800 px."),
        ({"alt_text_required": True}, "whether alt text is required was no and is yes."),
        ({"safe_margins": Margins(top=10, right=5)},
         "what is covered was nothing and is 10 px top, 5 px right."),
        ({"name": "Wide"}, "the name was “In-stream landscape” and is “Wide”."),
        ({"notes": ("New.",)}, "noted now: New."),
        ({"min_ratio": 0.5}, "the narrowest ratio was not stated and is 0.5."),
        ({"upcoming": ({"since": date(2030, 1, 1), "changes": {"max_bytes": 4_000_000}},)},
         "what is announced was not stated and is max bytes 4,000,000 from 2030-01-01 on."),
    ],
)  # fmt: skip
def test_each_change_is_a_sentence(fields, says):
    found = diff(NEW, changed(NEW, "x_landscape", **fields))
    assert found.says == [f"x_landscape: {says}"]


@pytest.mark.parametrize("one", NEW.placements, ids=lambda one: one.id)
def test_what_was_just_made_complies(one):
    assert [b for b in breaches(facts(one.id), NEW) if b.since is None] == []


@pytest.mark.parametrize(
    ("made", "rule", "named"),
    [
        (facts("x_landscape", width=1500), "placement.ratio", "16:9"),
        (facts("x_landscape", width=1700, height=956), "placement.size", "1600×900"),
        (facts("x_landscape", width=1000, height=562), "placement.min_size", "1200×675"),
        (facts("instagram_square", width=900, height=900), "placement.size", "1080×1080"),
        (facts("tiktok_photo", format="png"), "placement.format", "jpeg, webp"),
        (facts("threads_post", bytes=8_000_001), "placement.max_bytes", "8,000,000"),
        (facts("google_business_photo", bytes=9000), "placement.min_bytes", "10,240"),
        (facts("bluesky_post", has_alt_text=False), "placement.alt_text", "alt text"),
        (facts("bluesky_post", placement="bluesky_gone"), "placement.removed", "bluesky_gone"),
    ],
)
def test_a_broken_rule_is_named_with_what_it_demands(made, rule, named):
    [breach] = breaches(made, NEW)
    assert (breach.rule, breach.since) == (rule, None)
    assert named in breach.says


def test_a_smaller_picture_complies_where_the_placement_takes_one():
    assert breaches(facts("x_landscape", width=1360, height=765), NEW) == []


def test_a_zone_that_shrank_means_composing_again_and_one_that_grew_does_not():
    made = facts("meta_vertical", OLD)
    [breach] = breaches(made, NEW)
    assert breach.rule == "placement.safe_zone"
    assert "288 px more at the bottom" in breach.says
    assert breaches(facts("meta_vertical", NEW), OLD) == []


def test_an_older_version_finds_what_it_did_not_take():
    [breach] = breaches(facts("bluesky_post", bytes=1_500_000), OLD)
    assert breach.rule == "placement.max_bytes"


def test_what_is_only_announced_says_from_when_on():
    [breach] = breaches(facts("google_merchant_main", width=400, height=400), NEW)
    assert (breach.rule, breach.since) == ("placement.min_size", date(2027, 1, 31))
    assert "from 2027-01-31 on" in breach.says


def test_a_rendition_of_an_unknown_version_is_judged_by_what_is_known():
    assert breaches(facts("meta_vertical", version=""), NEW) == []
    assert breaches(facts("meta_vertical", version="2019-01", format="webp"), NEW)
