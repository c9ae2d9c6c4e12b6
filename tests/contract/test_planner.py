"""The planner: what it accepts, no provider refuses for its size; what it cannot, it says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.planner import singles
from gateway.planner import Plan, Planner
from studio.imaging.facts import ImageFacts
from studio.problems import Refused
from studio.slip import Step
from tests.planning import PARAMS, SIZES, Studios, named, operations, paid_steps


async def plan(steps: list[Step], image: ImageFacts | None, **how: Any) -> Plan:
    return await Planner(Studios()).plan("acme", steps, [image], **how)  # type: ignore[arg-type]


def step(operation: str, provider: str | None = None, **params: Any) -> Step:
    return Step(operation=operation, params=params or PARAMS.get(operation, {}), provider=provider)


async def test_cores_output_is_scaled_down_for_fast_upscale_and_the_plan_says_so() -> None:
    steps = [step("create.generate", "stability"), step("upscale.fast", "stability")]
    made = await plan(steps, None)
    assert [one.operation for one in made.steps] == [
        "create.generate",
        "edit.resize",
        "upscale.fast",
    ]
    [change] = made.changes
    assert change.kind == "inserted"
    assert change.rule == "stability.upscale.fast.max_pixels"
    assert made.quote.changes == made.changes


async def test_without_repair_it_is_refused_with_the_providers_rule_and_its_source() -> None:
    steps = [step("create.generate", "stability"), step("upscale.fast", "stability")]
    with pytest.raises(Refused, match=r"Step 2 \(upscale.fast\).*at most 1,048,576") as refused:
        await plan(steps, None, repair=False)
    assert refused.value.rule == "stability.upscale.fast.max_pixels"


async def test_a_step_that_was_in_the_way_goes_after_instead_of_the_picture_being_shrunk() -> None:
    image = ImageFacts(width=1600, height=1600)
    steps = [
        step("upscale.conservative", factor=2.5),
        step("edit.remove_background", "stability"),
    ]
    made = await plan(steps, image)
    assert [one.operation for one in made.steps] == [
        "edit.remove_background",
        "upscale.conservative",
    ]
    assert [one.kind for one in made.changes] == ["order"]


async def test_another_mode_says_what_was_asked_for_that_it_does_not_do() -> None:
    image = ImageFacts(width=1100, height=1000)  # four times that is more than a fast one makes
    for asked, says in (
        ({"denoise": 2}, ", without denoise."),
        ({"denoise": 0}, "fast."),
        ({}, "fast."),
    ):
        made = await plan([step("upscale.fast", factor=4, **asked)], image)
        assert [one.operation for one in made.steps] == ["upscale.conservative"]
        [change] = made.changes
        assert change.kind == "mode"
        assert change.says.endswith(says)


@pytest.mark.parametrize(
    "size",
    [{"factor": 2}, {"long_side": 3000}, {"target": "4k"}, {"cover": {"width": 2000, "height": 9}}],
    ids=lambda one: next(iter(one)),
)
async def test_another_mode_makes_the_size_that_was_asked_for(size: dict[str, Any]) -> None:
    image = ImageFacts(width=1500, height=1500)  # more than a creative upscale takes
    made = await plan([step("upscale.creative", **size)], image)
    assert [(one.operation, one.params) for one in made.steps] == [("upscale.conservative", size)]


async def test_another_mode_makes_the_size_that_was_asked_for_by_saying_nothing() -> None:
    image = ImageFacts(width=1500, height=1500)  # four times that is more than a fast one makes
    made = await plan([Step(operation="upscale.fast")], image)
    usual = operations()["upscale.fast"].parse({}).model_dump()["factor"]
    assert [one.params for one in made.steps] == [{"factor": usual}]
    assert made.quote.steps[0].sizes == ["6000×6000"]


async def test_what_nothing_helps_is_refused_with_the_rule() -> None:
    flat = ImageFacts(width=3000, height=500)  # 6:1, and outpaint takes at most 2.5:1
    with pytest.raises(Refused) as refused:
        await plan([step("edit.outpaint", "stability")], flat)
    assert refused.value.rule == "stability.edit.outpaint.max_ratio"


async def test_the_first_of_the_order_does_it_and_the_others_stand_by() -> None:
    made = await plan(
        [step("edit.remove_background"), step("edit.resize", max_side=500)],
        ImageFacts(width=900, height=900),
        providers=["openai", "replicate", "stability", "local"],
    )
    first, second = made.steps
    assert (first.provider, first.fallbacks[-1]) == ("replicate", "local")
    assert second.provider == "local"


async def test_the_page_tells_what_becomes_of_every_step_today() -> None:
    page = (Path(__file__).parents[2] / "docs" / "planner.md").read_text().splitlines()
    rows = [row async for row in singles(Planner(Studios()))]  # type: ignore[arg-type]
    stale = [one for one in rows if one not in page]
    assert not stale, "run python -m benchmarks.planner --page docs/planner.md"
    told = {one.split(" | ")[0].removeprefix("| ") for one in page}
    assert {named(one) for one in paid_steps()} <= told


@pytest.mark.parametrize("size", SIZES)
async def test_every_pair_of_paid_steps_is_planned_within_every_limit_or_refused_by_a_rule(
    size: tuple[int, int],
) -> None:
    """A plan is accepted only if every step accepts exactly what the step before it forecasts."""
    studios, unexplained = Studios(), list[str]()
    image = ImageFacts(width=size[0], height=size[1])
    for first in paid_steps():
        for second in paid_steps():
            if second.operation == "create.generate":
                continue
            start = None if first.operation == "create.generate" else image
            if start is None and size != SIZES[0]:
                continue  # it depends on no size
            try:
                made = await Planner(studios).plan("acme", [first, second], [start])  # type: ignore[arg-type]
            except Refused as refused:
                unexplained += [] if refused.fix and "." in refused.rule else [refused.rule]
                continue
            passed: list[ImageFacts | None] = [start]
            for one in made.steps:
                foreseen = [await studios.quote("acme", one, given) for given in passed]
                passed = [output for each in foreseen for output in each.outputs]
            assert passed
    assert not unexplained
