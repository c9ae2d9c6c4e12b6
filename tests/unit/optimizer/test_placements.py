"""Placement data: every row is believable, and what is not is refused on load."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from pydantic import ValidationError

from services.optimizer import placements
from services.optimizer.placements import (
    PlacementBook,
    books_in,
    placement_book,
    placement_books,
    platform_aliases,
)
from services.optimizer.placements.model import Placement
from studio.problems import NotFound, Refused
from studio.v1 import optimizer_pb2

FOLDER = Path(placements.__file__).parent
BOOK = placement_book()
ROWS = [pytest.param(one, id=one.id) for one in BOOK.placements]

#: What workflows, demos and catalogued renditions have named since the first version.
FIRST = {
    "instagram_portrait", "instagram_square", "instagram_story", "facebook_link", "facebook_cover",
    "x_landscape", "linkedin_landscape", "youtube_thumbnail", "pinterest_pin", "tiktok_photo",
    "threads_post", "open_graph",
}  # fmt: skip


@pytest.fixture
def data() -> dict:
    """The newest version as it is written, small enough to be spoilt."""
    text = (FOLDER / f"{BOOK.version}.yaml").read_text(encoding="utf-8")
    written = yaml.load(text, yaml.CSafeLoader)
    kept = ("instagram_portrait", "x_profile", "google_merchant_main", "google_business_photo")
    written["placements"] = [one for one in written["placements"] if one["id"] in kept]
    return written


def row(data: dict, id_: str) -> dict:
    return next(one for one in data["placements"] if one["id"] == id_)


def test_every_platform_of_the_survey_has_its_placements_and_the_first_ids_are_kept():
    assert len(BOOK.placements) >= 45
    assert {one.id for one in BOOK.placements} >= FIRST
    assert {one.platform for one in BOOK.placements} == {
        "instagram", "meta", "facebook", "x", "linkedin", "youtube", "pinterest", "tiktok",
        "threads", "bluesky", "google_business", "google_merchant", "shopify", "amazon", "etsy",
        "walmart", "blog", "email",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("id_", "size", "zone"),
    [
        ("instagram_portrait", (1080, 1350), (952, 1222)),
        ("instagram_square", (1080, 1080), (810, 1080)),
        ("instagram_story", (1080, 1920), (950, 1267)),
        ("instagram_reel_cover", (1080, 1920), (950, 979)),
        ("facebook_link", (1200, 630), (1080, 560)),
        ("facebook_cover", (1640, 624), (1280, 624)),
        ("youtube_banner", (2560, 1440), (1546, 423)),
        ("x_header", (1500, 500), (1500, 380)),
        ("pinterest_idea", (1080, 1920), (820, 1210)),
    ],
)
def test_a_safe_zone_has_the_px_that_its_source_gives(id_, size, zone):
    one = BOOK.placement(id_)
    assert (one.width, one.height) == size
    box = one.safe_zone
    assert (round(box.width * one.width), round(box.height * one.height)) == zone


def test_the_hard_limits_are_those_of_the_publishing_apis():
    assert BOOK.placement("bluesky_post").max_bytes == 2_000_000
    assert BOOK.placement("bluesky_link").max_bytes == 1_000_000
    assert BOOK.placement("bluesky_post").alt_text_required
    assert BOOK.placement("google_business_photo").min_bytes == 10 * 1024
    assert BOOK.placement("linkedin_landscape").max_pixels == 36_152_320
    assert "png" not in BOOK.placement("tiktok_photo").formats
    assert BOOK.placement("instagram_portrait").formats == ("jpeg",)
    assert set(BOOK.placement("bluesky_avatar").formats) == {"png", "jpeg"}


def test_shops_say_what_the_picture_itself_must_show():
    amazon, merchant = BOOK.placement("amazon_main"), BOOK.placement("google_merchant_main")
    assert amazon.product.background == "#ffffff"
    assert amazon.product.min_fill == 0.85
    assert (merchant.product.min_fill, merchant.product.max_fill) == (0.75, 0.9)
    assert merchant.product.keep_digital_source_type


@pytest.mark.parametrize("one", ROWS)
def test_the_safe_zone_of_a_circle_is_the_largest_square_in_it(one: Placement):
    if one.shape != "circle":
        assert one.safe_zone.area <= 1
        return
    side = one.width - one.safe_margins.left - one.safe_margins.right
    largest = one.width / 2**0.5
    assert largest - 2 <= side <= largest


def test_an_announced_change_holds_from_its_day_on():
    merchant = BOOK.placement("google_merchant_main")
    [change] = merchant.upcoming
    assert change.since == date(2027, 1, 31)
    assert (merchant.min_width, merchant.after(change).min_width) == (100, 500)
    assert merchant.after(change).upcoming == ()


def test_the_codes_of_the_sources_stand_in_the_file_itself():
    for book in placement_books().values():
        for one in book.placements:
            named = re.findall(r"[SW]\d+", one.source)
            assert named
            assert set(named) <= set(book.sources), one.id
        assert [code for code, one in book.sources.items() if one.primary] == ["S21", "S24", "S26"]


def test_the_reconstructed_version_says_that_it_is():
    assert "2026-11" in placement_book("2025-10").reconstructed
    assert not BOOK.reconstructed
    assert "RECONSTRUCTED" in (FOLDER / "2025-10.yaml").read_text(encoding="utf-8")


def spoilt(id_: str, **fields) -> Callable[[dict], None]:
    def spoil(data: dict) -> None:
        row(data, id_).update(fields)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (spoilt("instagram_portrait", aspect="5:4"), "1080×1350 is not 5:4"),
        (spoilt("instagram_portrait", safe_margins={"top": 700, "bottom": 650}), "no safe zone"),
        (spoilt("instagram_portrait", min_bytes=9_000_000), "min_bytes must be below max_bytes"),
        (spoilt("instagram_portrait", advised_bytes=8_000_000), "advised_bytes must be below"),
        (spoilt("instagram_portrait", min_width=1440), "min_width must be below max_width"),
        (spoilt("instagram_portrait", max_width=1000), "own width is outside"),
        (spoilt("instagram_portrait", min_ratio=0.9), "own ratio is outside"),
        (spoilt("instagram_portrait", max_pixels=1000), "more than max_pixels"),
        (spoilt("instagram_portrait", min_images=5, max_images=4), "min_images must not exceed"),
        (spoilt("instagram_portrait", formats=["jpeg", "jpeg"]), "named twice"),
        (spoilt("instagram_portrait", formats=["gif"]), "formats"),
        (spoilt("instagram_portrait", colour="red"), "colour"),
        (spoilt("instagram_portrait", source="S99"), "none of the book's sources"),
        (spoilt("instagram_portrait", source="somebody said so"), "none of the book's sources"),
        (spoilt("instagram_portrait", checked_on=date(2099, 1, 1)), "checked after the book"),
        (spoilt("instagram_portrait", id="x"), "named like a platform"),
        (spoilt("instagram_portrait", id="x_profile"), "the same id"),
        (spoilt("instagram_portrait", valid_from="2026-02-01", valid_until="2026-01-01"),
         "valid_from must not be after"),
        (spoilt("x_profile", safe_margins={}), "not inside the circle"),
        (spoilt("x_profile", height=300, aspect="4:3"), "a circle is shown of a square"),
        (spoilt("google_merchant_main", product={"min_fill": 0.9, "max_fill": 0.8}), "min_fill"),
        (spoilt("google_merchant_main",
                upcoming=[{"since": "2020-01-01", "changes": {"min_width": 500}}]), "lie ahead"),
        (spoilt("google_merchant_main",
                upcoming=[{"since": "2027-01-31", "changes": {"min_width": 5000}}]), "own width"),
        (spoilt("google_merchant_main",
                upcoming=[{"since": "2027-01-31", "changes": {"name": 1}}]), "changes"),
    ],
)  # fmt: skip
def test_data_that_cannot_be_is_refused_on_load(data, spoil, says):
    PlacementBook.model_validate(data)
    spoil(data)
    with pytest.raises(ValidationError, match=re.escape(says)):
        PlacementBook.model_validate(data)


def test_a_file_is_named_by_its_version(tmp_path):
    (tmp_path / "2030-01.yaml").write_text((FOLDER / "2026-11.yaml").read_text())
    with pytest.raises(ValueError, match="says that it is version 2026-11"):
        books_in(tmp_path)


def test_the_newest_version_is_meant_if_none_is_named_and_unknown_ones_are_refused():
    assert list(placement_books()) == sorted(placement_books())
    assert BOOK.version == list(placement_books())[-1]
    with pytest.raises(Refused) as refused:
        placement_book("2031-01")
    assert refused.value.valid == list(placement_books())


def test_what_there_is_not_names_what_is_near():
    with pytest.raises(NotFound, match="no placement 'bluesky_pst'") as missing:
        BOOK.placement("bluesky_pst")
    assert "bluesky_post" in missing.value.fix
    with pytest.raises(Refused) as refused:
        BOOK.of_platform("bluesy")
    assert "bluesky" in refused.value.fix


@pytest.mark.parametrize("book", placement_books().values(), ids=list(placement_books()))
def test_an_alias_stands_for_a_platform_of_every_version_and_hides_no_name(book):
    assert set(platform_aliases().values()) <= set(book.platforms)
    assert not set(platform_aliases()) & {*book.platforms, *book.ids, "all"}


def test_twitter_is_x_for_whoever_still_says_so():
    assert BOOK.chosen(["twitter"]) == BOOK.chosen(["x"]) == BOOK.of_platform("Twitter")
    assert BOOK.placement("twitter_card") is BOOK.placement("x_card")
    with pytest.raises(Refused) as refused:
        BOOK.chosen(["twitter_landscap"])
    assert "x_landscape" in refused.value.fix


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Instagram", "instagram"),
        ("LinkedIn", "linkedin"),
        ("TikTok", "tiktok"),
        ("Google Business", "google_business"),
        ("google-merchant", "google_merchant"),
        ("Instagram Story", "instagram_story"),
        ("ALL", "all"),
    ],
)
def test_capitals_and_blanks_make_no_other_placement(written, meant):
    assert BOOK.chosen([written]) == BOOK.chosen([meant])


@pytest.mark.parametrize("one", ROWS)
def test_the_contract_has_every_field_of_a_placement(one: Placement):
    message = json_format.ParseDict(one.model_dump(mode="json"), optimizer_pb2.Placement())
    told = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    assert Placement.model_validate(told) == one
