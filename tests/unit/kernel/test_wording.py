"""Wording: what a validator found, told to a person."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.app import openapi
from services.create.request import Params as CreateParams
from services.edit.service import operations as edits
from services.optimizer.operations.export import Export
from services.upscale.service import operations as upscales
from studio.naming import near
from studio.problems import in_words
from studio.wording import spelled_as, validated

#: How pydantic speaks, and no person.
RAW = re.compile(r"\bvalid (dictionary|list|tuple|string)|after validation|pattern|\^|extra inputs"
                 r"|input should|value error|\\d|permitted|None|items? ")  # fmt: skip


class Letter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    font_colour: Annotated[str, Field(pattern="^#[0-9a-f]{6}$")] = "#000000"
    anchor: Literal["top-left", "centre"] | Literal["auto"] = "auto"


class Sheet(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int = Field(1, ge=1, le=10)
    share: float = Field(0.5, gt=0, lt=1)
    title: str = Field("a", min_length=1, max_length=5)
    quality: Literal["draft", "premium"] = "draft"
    template: Annotated[str, spelled_as(lambda: ("blog_header",))] | None = None
    ratio: str = Field("1:1", pattern=r"^[0-9]+:[0-9]+$", examples=["16:9"])
    code: str = Field("Q1", pattern=r"^Q[1-4]$", examples=["Q3"])
    inks: tuple[str, ...] = Field(("a",), min_length=1, max_length=2, examples=[["navy"]])
    letters: list[Letter] = []
    about: dict[str, Any] = {}
    run: UUID | None = None
    is_done: bool = False


def wording(**raw: object) -> str:
    with pytest.raises(ValidationError) as error:
        validated(Sheet, raw)
    told = in_words(error.value, Sheet)
    assert not RAW.search(told), told
    return told


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"count": 12}, "count: must be at most 10, not 12"),
        ({"count": 0}, "count: must be at least 1, not 0"),
        ({"count": "many"}, "count: must be a whole number, not 'many'"),
        ({"count": 1.5}, "count: must be a whole number, not 1.5"),
        ({"share": 1}, "share: must be less than 1, not 1"),
        ({"title": ""}, "title: must not be empty"),
        ({"title": "too long"}, "title: takes at most 5 characters"),
        ({"title": 5}, "title: must be text, not 5"),
        ({"quality": "best"}, "quality: must be 'draft' or 'premium', not 'best'"),
        ({"inks": []}, "inks: give at least one, such as 'navy'"),
        ({"inks": ["a", "b", "c"]}, "inks: takes at most 2, not 3"),
        ({"inks": "navy"}, "inks: must be a list, not 'navy'"),
        ({"about": "x"}, "about: must be an object with named fields, not 'x'"),
        ({"letters": ["x"]}, "letters.0: must be an object with named fields, not 'x'"),
        ({"is_done": "perhaps"}, "is_done: must be true or false, not 'perhaps'"),
        ({"ratio": "wide"}, "ratio: must be a ratio of width to height, such as '16:9', "
         "not 'wide'"),
        ({"code": "q1"}, "code: 'q1' has not the form that is wanted; an example is 'Q3'"),
        ({"count": 0, "title": ""}, "count: must be at least 1, not 0; title: must not be empty"),
    ],
)  # fmt: skip
def test_a_rule_is_told_as_what_is_wanted(raw, told):
    assert wording(**raw) == told


def test_a_form_is_told_in_words_with_an_example():
    assert wording(letters=[{"font_colour": "navy"}]) == (
        "letters.0.font_colour: must be a colour as # and six hexadecimal digits, "
        "such as '#0a3d62', not 'navy'"
    )
    assert "a UUID, such as" in wording(run="first")


def test_an_unknown_field_names_the_near_one_at_any_depth():
    assert wording(letters=[{"font_color": "#000000"}]) == (
        "letters.0.font_color: there is no such field (did you mean 'font_colour'?)"
    )
    assert wording(cuont=1).endswith("(did you mean 'count'?)")
    assert wording(nonsense=1) == "nonsense: there is no such field"


def test_a_long_value_is_not_repeated_in_full():
    assert len(wording(count="9" * 5000)) < 120


def test_of_very_many_faults_the_first_are_told():
    with pytest.raises(ValidationError) as error:
        Letter.model_validate({f"field{number}": 1 for number in range(50_000)})
    clauses = in_words(error.value, Letter).split("; ")
    assert len(clauses) == 8
    assert clauses[0].startswith("field0: there is no such field")


def test_a_name_of_any_length_is_compared_by_its_beginning():
    assert near("colour" + "r" * 1_000_000, ["colour"]) == near("colour" + "r" * 74, ["colour"])


def test_enumerated_words_may_have_any_capitals():
    made = validated(
        Sheet,
        {
            "quality": "Premium",
            "template": "Blog Header",
            "letters": [{"anchor": "Top Left"}, {"anchor": "AUTO"}, {"anchor": "Center"}],
        },
    )
    assert (made.quality, made.template) == ("premium", "blog_header")
    assert [one.anchor for one in made.letters] == ["top-left", "auto", "centre"]


def test_what_is_given_is_left_as_it_was():
    raw = {"quality": "Draft", "letters": [{"anchor": "AUTO"}]}
    validated(Sheet, raw)
    assert raw == {"quality": "Draft", "letters": [{"anchor": "AUTO"}]}


def test_a_word_in_capitals_beside_a_fault_leaves_the_fault_alone():
    assert wording(quality="Draft", count=0) == "count: must be at least 1, not 0"


@pytest.mark.parametrize("quality", ["Draft", "STANDARD", "premium"])
def test_what_is_created_is_named_in_any_capitals(quality):
    raw = {"prompt": "a cup", "quality": quality, "style": "Photographic"}
    made = validated(CreateParams, {**raw, "template": "Instagram_Feed_Square"})
    assert (made.quality, made.style) == (quality.lower(), "photographic")
    assert made.template == "instagram_feed_square"


def test_a_target_is_named_in_any_capitals():
    [upscale] = [one for one in upscales() if one.name == "upscale.conservative"]
    assert upscale.parse({"target": "4K"}) == upscale.parse({"target": "4k"})


def test_a_brand_has_colours_by_name_too():
    made = validated(CreateParams, {"prompt": "a", "brand": {"palette": ["navy", "#0A3D62"]}})
    assert made.brand.palette == ("#000080", "#0a3d62")
    with pytest.raises(ValidationError) as error:
        validated(CreateParams, {"prompt": "a", "brand": {"palette": ["blurple"]}})
    told = in_words(error.value, CreateParams)
    assert told.startswith("brand.palette.0: “blurple” is not a colour")
    assert "at least one" not in told


def patterns(schema: object) -> set[str]:
    """Every pattern anywhere in a JSON Schema."""
    if isinstance(schema, list):
        return set().union(*map(patterns, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
    return own.union(*map(patterns, schema.values()))


def test_every_form_that_a_caller_may_miss_is_told_in_words():
    schemas = [one.params_type.model_json_schema() for one in (*edits(), *upscales(), Export())]
    schemas += [CreateParams.model_json_schema(), openapi()]
    found = patterns(schemas)
    assert len(found) > 4
    for pattern in found:

        class Wanted(BaseModel):
            value: str = Field(pattern=pattern)

        with pytest.raises(ValidationError) as error:
            Wanted(value="?!")
        told = in_words(error.value)
        assert re.match("value: must be (a|an|the) ", told), pattern
        assert "such as" in told
