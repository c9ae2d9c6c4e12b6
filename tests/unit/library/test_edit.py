"""Edits: what people say is kept as they said it, within limits."""

from datetime import UTC

import pytest
from pydantic import ValidationError

from services.library.edit import Edit
from services.library.operations.organise import Organise
from studio.imaging.facts import ImageFacts
from studio.operation import Work
from studio.problems import Broken, Refused
from tests.library import row


def test_an_edit_changes_what_it_names_and_nothing_else():
    before = row(about={"title": "Old", "description": "kept", "tags": ["a", "b"]})
    after = Edit(title="", favourite=True, add_tags=[" c "], remove_tags=["a"]).applied_to(before)
    assert (after["title"], after["favourite"], after["tags"]) == ("", True, ["b", "c"])
    assert after["description"] == "kept"
    assert (before["title"], before["tags"]) == ("Old", ["a", "b"])


def test_a_review_tells_since_when_and_can_be_taken_back():
    approved = Edit(review="approved").applied_to(row())
    assert (approved["review"], approved["reviewed_at"].tzinfo) == ("approved", UTC)
    assert Edit(review="approved").applied_to(approved) == approved
    assert Edit(title="T").applied_to(approved)["review"] == "approved"
    open_again = Edit(review="").applied_to(approved)
    assert (open_again["review"], open_again["reviewed_at"]) == ("", None)


def test_an_edit_applied_twice_is_an_edit_applied_once():
    edit = Edit(add_tags=["x"], remove_collections=["gone"], add_collections=["here"])
    once = edit.applied_to(row())
    assert edit.applied_to(once) == once


@pytest.mark.parametrize(
    "wrong",
    [
        {"add_tags": [" "]},
        {"add_collections": [""]},
        {"title": "t" * 301},
        {"titel": "t"},
        {"review": "fine"},
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        Edit(**wrong)


def test_an_asset_has_a_limited_number_of_tags():
    full = {"tags": [f"t{number}" for number in range(200)]}
    with pytest.raises(Refused) as refused:
        Edit(add_tags=["more"]).applied_to(row(full))
    assert refused.value.rule == "library.too_many_names"
    assert Edit(add_tags=["t7"]).applied_to(row(full))["tags"] == sorted(full["tags"])


def test_organise_forecasts_the_image_itself_and_adds_what_it_is_told_to():
    organise = Organise()
    params = organise.parse({"collection": "Spring", "tags": ["sea"], "favourite": True})
    facts = ImageFacts(width=3, height=4)
    assert list(organise.forecast(facts, params)) == [facts]
    after = organise.organised(row(about={"title": "Kept", "tags": ["old"]}), params)
    assert (after["collections"], after["tags"]) == (["Spring"], ["old", "sea"])
    assert (after["favourite"], after["title"]) == (True, "Kept")


@pytest.mark.parametrize("raw", [{}, {"tags": [""]}, {"collection": ""}, {"tag": "x"}])
def test_organise_says_what_is_wrong_with_its_parameters(raw):
    with pytest.raises(Refused) as refused:
        Organise().parse(raw)
    assert refused.value.rule == "library.organise.params"
    assert refused.value.valid == ["collection", "favourite", "tags", "title"]


async def test_organise_is_never_run_like_a_studios_operation():
    organise = Organise()
    work = Work(step_id=None, params=None, image=None, facts=None, provider="local", read_blob=None)
    with pytest.raises(Broken):
        await organise.run(work)
