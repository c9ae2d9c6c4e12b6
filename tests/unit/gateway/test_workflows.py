"""Workflows: what the guide describes is there as data, and every step of it can be done."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.definition import Workflow, workflows
from services.create.operations.generate import Generate
from services.create.operations.import_ import Import
from services.edit.service import operations as edits
from services.library.operations.organise import Organise
from services.optimizer.operations.export import Export
from services.upscale.service import operations as upscales
from studio.imaging.facts import ImageFacts
from studio.operation import AnyOperation
from studio.problems import Refused
from studio.slip import Step

UPLOAD = "sha256:" + "0" * 64
SIZE = {"width": 2400, "height": 1800}  # of the upload, as the gateway measures it

WORKFLOWS = [pytest.param(one, id=one.name) for one in workflows().values()]
#: Those that begin with assets of the library.
FROM_ASSETS = {"product-variation", "refine-favourites"}


@pytest.fixture(scope="module")
def operations() -> dict[str, AnyOperation]:
    """Every operation of every studio."""
    every = [Generate(), Import(), *edits(), *upscales(), Export(), Organise()]
    return {one.name: one for one in every}


def least(workflow: Workflow) -> dict[str, Any]:
    """What it cannot do without."""
    return {name: one.example for name, one in workflow.parameters.items() if one.required}


def optional(workflow: Workflow) -> dict[str, Any]:
    """Everything but what a run begins with: yes, the example, or the default."""
    found = {
        name: one.type == "boolean" or (one.default if one.example is None else one.example)
        for name, one in workflow.parameters.items()
        if name not in ("prompt", "photo")
    }
    return {name: value for name, value in found.items() if value is not None}


def beginnings(workflow: Workflow) -> Iterator[dict[str, Any]]:
    """Each thing that it can begin with, or must have, alone."""
    examples = {"photo": UPLOAD}
    for name in workflow.needs_one_of:
        yield {name: examples.get(name, workflow.parameters[name].example)}
    if not workflow.needs_one_of:
        yield {}


def generating(workflow: Workflow) -> set[str]:
    """The parameters that are of use only where a picture is made of words."""
    made = [step.references() for step in workflow.steps if step.operation == "create.generate"]
    other = [step.references() for step in workflow.steps if step.operation != "create.generate"]
    return set[str]().union(*made) - set[str]().union(*other)


def given(workflow: Workflow) -> Iterator[dict[str, Any]]:
    """Ways to call it: with as little as it takes, and with everything that is of use."""
    for beginning in beginnings(workflow):
        yield {**least(workflow), **beginning}
        useless = generating(workflow) if "photo" in beginning else set()
        every = {**optional(workflow), **least(workflow), **beginning}
        yield {name: value for name, value in every.items() if name not in useless}


def foreseen(
    operations: dict[str, AnyOperation], steps: list[Step], start: ImageFacts | None
) -> tuple[list[ImageFacts], list[str]]:
    """What the steps output in the end, and the labels of what is known to fail; Refused as a
    quote would be."""
    images: list[ImageFacts | None] = [start]
    failed: list[str] = []
    for step in steps:
        operation = operations[step.operation]
        raw = {**step.params, **SIZE} if step.operation == "create.import" else step.params
        params = operation.parse(raw)
        after: list[ImageFacts | None] = []
        for image in images:
            operation.check(image, params)
            failed += [one.label for one in operation.failures(image, params)]
            after += operation.forecast(image, params)
        images = after
    return [one for one in images if one], failed


def test_the_guide_is_there():
    assert set(workflows()) == {
        "pattern-1-create", "pattern-2-create-edit", "pattern-3-create-edit-upscale",
        "pattern-4-create-edit-optimize", "pattern-5-professional",
        "social-media-campaign", "blog-featured-image", "product-photography", "product-variation",
        "content-library-building", "refine-favourites", "quick-social-post",
        "brand-asset-creation", "weekly-social-content", "campaign-launch",
    }  # fmt: skip


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_step_can_be_done_with_what_the_step_before_it_makes(operations, workflow):
    start = ImageFacts(**SIZE) if workflow.name in FROM_ASSETS else None
    for parameters in given(workflow):
        steps = workflow.steps_for(parameters)
        assert foreseen(operations, steps, start)[0], parameters


@pytest.mark.parametrize("workflow", [one for one in WORKFLOWS if one.id not in FROM_ASSETS])
def test_with_no_more_than_a_prompt_nothing_is_known_to_fail(operations, workflow):
    steps = workflow.steps_for({**least(workflow), "prompt": "a calm sunrise"})
    made, failed = foreseen(operations, steps, None)
    assert (bool(made), failed) == (True, [])


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_with_its_examples_it_takes_every_step_that_it_has(workflow):
    taken = {
        step.operation for parameters in given(workflow) for step in workflow.steps_for(parameters)
    }
    assert {step.operation for step in workflow.steps} == taken


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_parameter_is_described_and_used(workflow):
    used = set().union(*(step.references() for step in workflow.steps))
    assert set(workflow.parameters) == used
    for name, one in workflow.parameters.items():
        assert len(one.description) > 10, name
        assert one.example is not None or not one.required, name
    assert workflow.source.startswith("workflow-guide.md, ")


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_its_own_defaults_are_values_that_it_takes(workflow):
    defaults = {name: one.default for name, one in workflow.parameters.items()}
    told = {name: one for name, one in defaults.items() if one is not None}
    workflow.model.model_validate({**told, **least(workflow)})


@pytest.mark.parametrize(
    ("name", "defaults"),
    [
        ("social-media-campaign", {"quality": "premium", "variations": 3}),
        ("blog-featured-image",
         {"template": "blog_header", "quality": "standard", "variations": 2, "upscale_to": 3840,
          "upscale_prompt": "High fidelity upscale preserving original details"}),
        ("product-photography", {"style": "product-photography", "quality": "premium"}),
        ("content-library-building", {"quality": "draft", "variations": 5}),
        ("quick-social-post", {"variations": 1}),
        ("brand-asset-creation", {"quality": "premium", "tags": ["brand", "official"]}),
        ("weekly-social-content", {"quality": "draft", "variations": 5}),
        ("campaign-launch", {"quality": "premium"}),
    ],
)  # fmt: skip
def test_defaults_are_the_guides(name, defaults):
    parameters = workflows()[name].parameters
    assert {one: parameters[one].default for one in defaults} == defaults


def test_a_brands_palette_rules_both_what_is_painted_and_what_is_adjusted():
    palette = ["#0b3954", "#e58e26"]
    steps = workflows()["brand-asset-creation"].steps_for({"prompt": "sea", "palette": palette})
    by_operation = {step.operation: step.params for step in steps}
    assert by_operation["create.generate"]["brand"] == {"palette": palette, "tone": []}
    assert by_operation["edit.adjust"] == {"palette": palette, "palette_strength": 0.5}


@pytest.mark.parametrize(("text", "fit"), [(None, "smart"), ("Made for mornings", "contain")])
def test_words_on_a_featured_image_are_never_cropped_away(text, fit):
    steps = workflows()["blog-featured-image"].steps_for({"prompt": "sea", "text": text})
    [export] = [step for step in steps if step.operation == "optimizer.export"]
    assert export.params["fit"] == fit


def test_a_cut_out_is_kept_before_it_gets_another_colour_or_scene():
    parameters = {
        "product_line": "Ceramics", "prompt": "mug", "colour": "red",
        "background": {"colour": "white"},
    }  # fmt: skip
    steps = workflows()["product-photography"].steps_for(parameters)
    names = [step.operation for step in steps]
    assert names[1:6] == [
        "edit.remove_background", "library.organise", "library.organise", "edit.search_recolor",
        "edit.replace_background",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(FROM_ASSETS))
def test_what_begins_with_assets_makes_nothing_of_its_own(name):
    assert "create" not in {one.operation.partition(".")[0] for one in workflows()[name].steps}


def test_a_variation_is_of_a_colour_or_a_scene():
    with pytest.raises(Refused, match="one of: colour, background"):
        workflows()["product-variation"].steps_for({"product_line": "Ceramics"})
