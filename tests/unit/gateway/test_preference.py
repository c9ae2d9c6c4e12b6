"""Preferred providers: whoever is asked for is asked, or the plan says why not."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.planner import Plan, Planner
from studio.imaging.facts import ImageFacts
from studio.problems import Refused
from studio.slip import Step
from tests.exporting import Studios

PHOTO = ImageFacts(width=900, height=900)


async def plan(steps: list[Step], *providers: str) -> Plan:
    return await Planner(Studios()).plan("acme", steps, [PHOTO], providers=providers)  # type: ignore[arg-type]


def step(operation: str, provider: str | None = None, **params: object) -> Step:
    return Step(operation=operation, params=params, provider=provider)


@pytest.mark.parametrize(
    ("asked", "fix"),
    [
        (["stabilty"], "Did you mean stability?"),
        (["nonsense"], "Use the valid ones, or give its key."),
        (["stability", "nonsense"], "Use the valid ones, or give its key."),
    ],
)
async def test_a_provider_that_nobody_offers_is_refused_with_those_that_are(
    asked: list[str], fix: str
) -> None:
    with pytest.raises(Refused, match="No operation here is done by") as refused:
        await plan([step("edit.remove_background")], *asked)
    assert (refused.value.rule, refused.value.status) == ("run.providers", 422)
    assert refused.value.fix == fix
    assert {"local", "stability", "openai"} <= set(refused.value.valid)


async def test_it_is_refused_even_where_every_step_names_its_own() -> None:
    with pytest.raises(Refused, match="nonsense"):
        await plan([step("edit.remove_background", "local")], "nonsense")


async def test_a_step_that_none_of_them_does_is_done_by_another_and_the_plan_says_so() -> None:
    steps = [step("edit.remove_background"), step("upscale.conservative", factor=1.5)]
    made = await plan(steps, "openai", "stability")
    assert [one.provider for one in made.steps] == ["stability", "stability"]
    assert made.changes == []
    made = await plan(steps, "openai")
    assert [one.provider for one in made.steps] == [None, None]
    assert [(one.step, one.kind, one.rule) for one in made.changes] == [
        (1, "provider", "run.providers"), (2, "provider", "run.providers"),
    ]  # fmt: skip
    assert made.changes[0].says == ("local does edit.remove_background: openai does not offer it.")
    assert made.quote.changes == made.changes


async def test_what_only_one_can_do_is_no_news() -> None:
    steps = [step("edit.adjust", brightness=0.1), step("library.organise", collection="Sea")]
    assert (await plan(steps, "openai")).changes == []


async def test_a_step_that_names_its_provider_is_not_told_of() -> None:
    made = await plan([step("edit.remove_background", "local")], "openai")
    assert (made.steps[0].provider, made.changes) == ("local", [])


class WithoutKey(Studios):
    """The edit service has no key of Stability."""

    async def describe(self) -> list[dict[str, Any]]:
        lack = {"stability": {"setting": "STUDIO_STABILITY_API_KEY"}}
        return [
            {**one, "providers": ["local"], "absent": lack}
            if one["name"] == "edit.remove_background"
            else one
            for one in await super().describe()
        ]


async def test_a_plan_tells_which_key_would_have_had_a_step_done_by_whom_was_preferred() -> None:
    named = step("edit.remove_background", "local", feather=2)
    steps = [step("edit.remove_background"), named, step("upscale.conservative", factor=1.5)]
    made = await Planner(WithoutKey()).plan(  # type: ignore[arg-type]
        "acme", steps, [PHOTO], providers=["stability", "local"]
    )
    assert [one.provider for one in made.steps] == ["local", "local", "stability"]
    says = "local does edit.remove_background: stability would with STUDIO_STABILITY_API_KEY."
    assert [(one.step, one.says) for one in made.quote.changes] == [(1, says)]
