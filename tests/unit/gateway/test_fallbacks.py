"""Fallbacks are planned: within every limit, and within the price that was quoted."""

from __future__ import annotations

from decimal import Decimal

from gateway.planner import Plan, Planner
from studio.imaging.facts import ImageFacts
from studio.slip import Step
from tests.planning import PARAMS, Studios

ORDER = ("stability", "openai", "google", "ideogram", "fal", "local")
PREMIUM = Step(
    operation="create.generate", params=PARAMS["create.generate"] | {"quality": "premium"}
)


async def plan(
    steps: list[Step], image: ImageFacts | None, providers: tuple[str, ...] = ()
) -> Plan:
    return await Planner(Studios()).plan("acme", steps, [image], providers=providers)  # type: ignore[arg-type]


async def prices(step: Step, image: ImageFacts | None) -> dict[str, tuple[Decimal, Decimal]]:
    """The expected and the highest price of everybody who may do a step."""
    found = {}
    for name in (str(step.provider), *step.fallbacks):
        alone = step.model_copy(update={"provider": name, "fallbacks": ()})
        price = (await Studios().quote("acme", alone, image)).price
        found[name] = (price.expected.amount, price.maximum.amount)
    return found


async def test_a_quote_reaches_to_the_dearest_who_may_step_in() -> None:
    made = await plan([PREMIUM], None, ORDER)
    [step] = made.steps
    each = await prices(step, None)
    dearest = max(most for _, most in each.values())
    assert dearest > each["stability"][1]  # else this shows nothing
    assert made.quote.price.maximum.amount == made.quote.steps[0].price.maximum.amount == dearest
    assert made.quote.price.expected.amount == each["stability"][0]
    assert made.quote.price.minimum.amount == 0  # the local engine may have to do


async def test_a_fallback_that_would_refuse_its_step_is_left_out_and_told() -> None:
    large = ImageFacts(width=2400, height=2000)  # more than Stability takes
    made = await plan([Step(operation="edit.remove_background")], large, ("replicate", *ORDER))
    [step] = made.steps
    assert (step.provider, step.fallbacks) == ("replicate", ("local",))
    [change] = made.changes
    assert (change.kind, change.step) == ("fallback", 1)
    assert change.rule == "stability.edit.remove_background.max_pixels"
    assert "stability does not step in" in change.says
    assert made.quote.changes == made.changes


async def test_a_fallback_whose_picture_a_later_step_would_refuse_is_left_out() -> None:
    fast = Step(operation="upscale.fast", provider="stability", params={"factor": 2})
    made = await plan([PREMIUM, fast], None, ORDER)
    kept = made.steps[0].fallbacks
    assert "google" not in kept  # makes 2048 px, and fast upscale takes 1 MP
    assert "openai" in kept
    assert {one.step for one in made.changes} == {1}
    assert all(one.rule.startswith("stability.upscale.fast.") for one in made.changes)
    for name in (str(made.steps[0].provider), *kept):
        first = made.steps[0].model_copy(update={"provider": name, "fallbacks": ()})
        [image] = (await Studios().quote("acme", first, None)).outputs
        assert (await Studios().quote("acme", fast, image)).outputs


async def test_a_fallback_that_was_named_and_does_not_exist_is_left_out_and_told() -> None:
    step = Step(operation="edit.remove_background", provider="stability", fallbacks=("nobody",))
    made = await plan([step], ImageFacts(width=900, height=900))
    assert made.steps[0].fallbacks == ()
    assert [one.rule for one in made.changes] == ["operation.provider"]


async def test_without_fallbacks_a_plan_costs_what_its_steps_do() -> None:
    step = Step(operation="edit.remove_background", provider="stability")
    made = await plan([step], ImageFacts(width=900, height=900))
    price = (await Studios().quote("acme", step, ImageFacts(width=900, height=900))).price
    assert made.quote.price == price
    assert made.changes == []
