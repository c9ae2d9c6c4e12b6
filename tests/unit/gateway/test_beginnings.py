"""Beginnings: a run begins with a prompt, an upload or assets of the library, and with one only."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.definition import refuse_two_beginnings, workflows
from studio.problems import Refused
from studio.slip import Step

UPLOAD = "sha256:" + "0" * 64
#: What workflows cannot do without, beside a beginning.
LEAST: dict[str, dict[str, Any]] = {
    "social-media-campaign": {"campaign": "Q1"},
    "campaign-launch": {"campaign": "Q1"},
    "brand-asset-creation": {"palette": ["#0b3954"]},
    "product-photography": {"product_line": "Cups"},
    "pattern-2-create-edit": {"remove_background": True},
    "pattern-3-create-edit-upscale": {},
    "pattern-4-create-edit-optimize": {},
    "pattern-5-professional": {},
    "blog-featured-image": {},
    "quick-social-post": {},
}


@pytest.mark.parametrize("name", LEAST)
def test_assets_are_a_beginning_and_nothing_is_made_anew(name: str) -> None:
    workflow = workflows()[name]
    steps = workflow.steps_for(LEAST[name], from_assets=True)
    of_a_photo = workflow.steps_for({**LEAST[name], "photo": UPLOAD})
    assert of_a_photo[0].operation == "create.import"
    assert steps == of_a_photo[1:]
    assert workflow.described()["takes_assets"] is True


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("given", [{"prompt": "sea"}, {"photo": UPLOAD}])
def test_assets_together_with_another_beginning_are_refused(
    name: str, given: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match="does not begin with assets, too") as refused:
        workflows()[name].steps_for({**LEAST[name], **given}, from_assets=True)
    assert (refused.value.rule, refused.value.status) == ("run.two_beginnings", 422)
    assert refused.value.fix == f"Leave out {next(iter(given))}, or assets and selection."


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("begun", ["assets", "photo"])
def test_what_is_given_for_a_picture_that_is_not_made_is_refused_instead_of_dropped(
    name: str, begun: str
) -> None:
    given = {**LEAST[name], **({"photo": UPLOAD} if begun == "photo" else {})}
    with pytest.raises(Refused, match="Nothing would be done with style and seed") as refused:
        workflows()[name].steps_for(
            {**given, "seed": 0, "style": "bokeh"}, from_assets=begun == "assets"
        )
    assert (refused.value.rule, refused.value.status) == ("workflow.parameters", 422)
    assert "create.generate" in refused.value.says
    assert refused.value.fix == "Leave style and seed out, or begin with prompt."
    assert not {"seed", "style"} & set(refused.value.valid)


@pytest.mark.parametrize(
    ("name", "given", "lost", "fix"),
    [
        ("pattern-5-professional", {"palette_strength": 0}, "palette_strength", "give palette"),
        ("refine-favourites", {"palette_strength": 1.0}, "palette_strength", "give palette"),
        ("product-photography", {"lightness": 0.5, "part": "the mug"}, "part and lightness",
         "give colour"),
        ("brand-asset-creation", {"upscale_to": None, "upscale_prompt": "grain"}, "upscale_prompt",
         "give upscale_to"),
        ("blog-featured-image", {"text_anchor": "top"}, "text_anchor", "give text"),
        ("blog-featured-image", {"text": "Hello", "fit": "cover"}, "fit", "do without text"),
        ("blog-featured-image", {"placements": [], "alt_text": "sea"}, "alt_text",
         "give placements"),
    ],
)  # fmt: skip
def test_what_is_given_for_a_step_that_is_left_out_is_refused_with_what_it_needs(
    name: str, given: dict[str, Any], lost: str, fix: str
) -> None:
    least: dict[str, Any] = {"refine-favourites": {"collection": "Sea"}}.get(name) or LEAST[name]
    with pytest.raises(Refused, match=f"^Nothing would be done with {lost}: ") as refused:
        workflows()[name].steps_for({**least, **given}, from_assets=True)
    assert refused.value.rule == "workflow.parameters"
    assert refused.value.fix == f"Leave {lost} out, or {fix}."
    assert not {*lost.split(" and ")} & {*refused.value.valid}
    assert fix.startswith("do") or fix.removeprefix("give ") in refused.value.valid


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("begun", ["assets", "photo"])
def test_every_default_may_be_given_as_it_is_and_changes_nothing(name: str, begun: str) -> None:
    workflow = workflows()[name]
    given = {**LEAST[name], **({"photo": UPLOAD} if begun == "photo" else {})}
    defaults = {one: parameter.default for one, parameter in workflow.parameters.items()}
    steps = workflow.steps_for({**defaults, **given}, from_assets=begun == "assets")
    assert steps == workflow.steps_for(given, from_assets=begun == "assets")


@pytest.mark.parametrize(
    "given",
    [
        {"brand": {}, "erase": {}, "adjust": {}},
        {"text": "Hello", "fit": "contain"},  # as it is where there are words
        {"placements": [], "text": "Hello", "upscale_to": None},
    ],
)
def test_what_is_so_anyway_or_leaves_a_step_out_is_no_loss(given: dict[str, Any]) -> None:
    steps = workflows()["blog-featured-image"].steps_for(given, from_assets=True)
    assert ("optimizer.export" in [one.operation for one in steps]) == ("placements" not in given)
    assert {one.params.get("fit") for one in steps} >= ({"contain"} if "fit" in given else {None})


@pytest.mark.parametrize("name", ["brand-asset-creation", "pattern-5-professional"])
def test_what_is_left_to_its_default_or_used_elsewhere_too_is_no_loss(name: str) -> None:
    given = {**LEAST[name], "palette": ["#0b3954"], "variations": None, "style": None}
    steps = workflows()[name].steps_for(given, from_assets=True)
    assert ["#0b3954"] in [step.params.get("palette") for step in steps]


@pytest.mark.parametrize("name", LEAST)
def test_a_prompt_and_a_photo_are_refused_instead_of_one_being_dropped(name: str) -> None:
    with pytest.raises(Refused, match="prompt or with photo, not with both") as refused:
        workflows()[name].steps_for({**LEAST[name], "prompt": "sea", "photo": UPLOAD})
    assert refused.value.rule == "run.two_beginnings"


@pytest.mark.parametrize("name", LEAST)
def test_a_run_without_a_beginning_is_told_all_that_there_are(name: str) -> None:
    with pytest.raises(Refused, match="needs one of: prompt, photo") as refused:
        workflows()[name].steps_for(LEAST[name])
    assert refused.value.fix == "Give one of them, or begin with assets of the library."


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("content-library-building", {"category": "Sea", "prompt": "sea"}),
        ("weekly-social-content", {"prompt": "sea"}),
    ],
)
def test_what_makes_its_own_pictures_begins_with_no_assets(
    name: str, given: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match="makes its own pictures") as refused:
        workflows()[name].steps_for(given, from_assets=True)
    assert refused.value.rule == "run.two_beginnings"
    assert workflows()[name].described()["takes_assets"] is False


@pytest.mark.parametrize("name", ["pattern-1-create", "pattern-2-create-edit"])
def test_assets_to_which_nothing_is_to_be_done_are_refused(name: str) -> None:
    with pytest.raises(Refused, match="nothing to do with assets") as refused:
        workflows()[name].steps_for({}, from_assets=True)
    assert refused.value.rule == "workflow.no_step"


def test_a_variation_still_needs_a_colour_or_a_scene() -> None:
    with pytest.raises(Refused, match="one of: colour, background") as refused:
        workflows()["product-variation"].steps_for({"product_line": "Cups"}, from_assets=True)
    assert refused.value.fix == "Give one of them."


def test_steps_of_ones_own_begin_with_one_thing_too() -> None:
    made = Step(operation="create.generate", params={"prompt": "sea"})
    edited = Step(operation="edit.adjust", params={"brightness": 0.1})
    refuse_two_beginnings([edited])
    with pytest.raises(Refused, match=r"create\.generate makes a picture of its own"):
        refuse_two_beginnings([made, edited])


@pytest.mark.parametrize(
    "name",
    [
        "pattern-3-create-edit-upscale", "pattern-5-professional", "blog-featured-image",
        "brand-asset-creation", "product-photography", "social-media-campaign",
    ],
)  # fmt: skip
def test_upscaling_can_be_skipped(name: str) -> None:
    workflow = workflows()[name]
    steps = workflow.steps_for({**LEAST[name], "prompt": "sea", "upscale_to": None})
    assert "upscale.conservative" not in [step.operation for step in steps]
    if workflow.parameters["upscale_to"].default:
        assert "null leaves the size" in " ".join(
            workflow.parameters["upscale_to"].description.split()
        )


@pytest.mark.parametrize("text", [None, "Made for mornings"])
def test_a_featured_image_alone_is_not_exported(text: str | None) -> None:
    steps = workflows()["blog-featured-image"].steps_for(
        {"prompt": "sea", "text": text, "placements": []}
    )
    assert "optimizer.export" not in [step.operation for step in steps]
    assert steps[-1].params == {"tags": ["featured"]}


@pytest.mark.parametrize("name", ["social-media-campaign", "pattern-5-professional"])
def test_masters_are_filed_with_what_is_made_of_them(name: str) -> None:
    given = {**LEAST[name], "prompt": "sea", "tags": ["spring"]}
    steps = workflows()[name].steps_for(given)
    before, export, after = steps[-3:]
    assert export.operation == "optimizer.export"
    assert before == after
    assert (before.operation, before.params["tags"]) == ("library.organise", ["spring"])


@pytest.mark.parametrize(
    "name",
    [
        "pattern-1-create", "pattern-2-create-edit", "pattern-3-create-edit-upscale",
        "pattern-5-professional",
    ],
)  # fmt: skip
def test_a_templates_quality_applies_unless_another_is_given(name: str) -> None:
    given = {"prompt": "sea", "template": "instagram_feed_square"}
    made, *_ = workflows()[name].steps_for(given)
    assert "quality" not in made.params
    made, *_ = workflows()[name].steps_for({**given, "quality": "draft"})
    assert made.params["quality"] == "draft"
