"""Enlarging: no placement is lost because a picture is too small, as long as limits allow it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway.definition import workflows
from gateway.planner import Plan, Planner
from studio.imaging.facts import ImageFacts
from studio.problems import Refused
from studio.slip import Step
from tests.exporting import Studios

SMALL = ImageFacts(width=512, height=512)
STORY = "instagram_story"  # 1080×1920
SQUARE = "instagram_square"  # 1080×1080


def export(*placements: str, **more: Any) -> Step:
    return Step(operation="optimizer.export", params={"placements": list(placements), **more})


async def plan(steps: list[Step], *images: ImageFacts | None, **how: Any) -> Plan:
    return await Planner(Studios()).plan("acme", steps, images, **how)  # type: ignore[arg-type]


def names(made: Plan) -> list[str]:
    return [step.operation for step in made.steps]


def lost(made: Plan) -> set[str]:
    return {one.label for step in made.quote.steps for one in step.failures}


@pytest.mark.parametrize(
    "template", ["linkedin_post", "instagram_feed_square", "facebook_feed", "instagram_story"]
)
async def test_a_campaign_of_a_platforms_template_loses_no_placement(template: str) -> None:
    campaign = workflows()["social-media-campaign"]
    steps = campaign.steps_for({"campaign": "Q1", "prompt": "sea", "template": template})
    made = await plan(steps, None)
    assert (made.quote.images, lost(made)) == (3 * 12, set())
    [change] = made.changes
    assert (change.kind, change.rule) == ("inserted", "optimizer.would_upscale")
    assert made.steps[change.step - 1].operation == "upscale.conservative"
    assert names(made)[change.step] == "optimizer.export"
    assert made.quote.changes == made.changes


async def test_favourites_of_the_usual_size_lose_none_where_upscaling_was_skipped() -> None:
    refine = workflows()["refine-favourites"]
    steps = refine.steps_for({"collection": "Week 48", "upscale_to": None}, from_assets=True)
    made = await plan(steps, ImageFacts(width=1024, height=1024), ImageFacts(width=512, height=768))
    assert (made.quote.images, lost(made)) == (2 * 12, set())
    assert names(made)[-3:] == ["upscale.conservative", "optimizer.export", "library.organise"]


async def test_the_upscale_is_told_with_its_size_and_what_it_is_for_and_is_quoted() -> None:
    made = await plan(
        [export(SQUARE, STORY, "facebook_link", "x_landscape", "threads_post")], SMALL
    )
    [change] = made.changes
    assert change.says == (
        "upscale.conservative to 1600×1920 px goes before optimizer.export: without it there are "
        "pictures too small for instagram_square, instagram_story, facebook_link and 2 more."
    )
    enlarged, exported = made.quote.steps
    assert (enlarged.operation, enlarged.sizes) == ("upscale.conservative", ["1920×1920"])
    assert (exported.images_out, exported.failures) == (5, [])
    assert made.quote.price.expected.amount == 0  # by the local engine


async def test_pictures_of_different_sizes_are_each_enlarged_just_enough() -> None:
    large, wide, tall = (2048, 2048), (800, 400), (400, 800)
    images = [ImageFacts(width=w, height=h) for w, h in (large, wide, tall)]
    made = await plan([export(STORY, SQUARE)], *images)
    assert (made.quote.images, lost(made)) == (6, set())
    assert made.quote.steps[0].sizes == ["1080×2160", "2048×2048", "3840×1920"]


@pytest.mark.parametrize(
    ("image", "more"),
    [
        (ImageFacts(width=2048, height=2048), {}),
        (SMALL, {"fit": "contain"}),
        (SMALL, {"too_small": "contain"}),
    ],
)
async def test_what_loses_nothing_is_left_alone(image: ImageFacts, more: dict[str, Any]) -> None:
    made = await plan([export(STORY, **more)], image)
    assert (names(made), made.changes, made.quote.images) == (["optimizer.export"], [], 1)


async def test_without_repair_nothing_is_enlarged_and_the_remedy_is_priced() -> None:
    made = await plan([export("instagram_profile", STORY)], SMALL, repair=False)
    assert (names(made), made.changes, made.quote.images) == (["optimizer.export"], [], 1)
    [failure] = made.quote.steps[0].failures
    assert failure.remedy
    assert failure.remedy.price.expected.amount == 0
    helped = [Step(operation=failure.remedy.operation, params=failure.remedy.params)]
    assert (await plan([*helped, export(STORY)], SMALL, repair=False)).quote.images == 1


async def test_a_run_of_which_nothing_would_come_out_is_refused() -> None:
    with pytest.raises(Refused, match="Nothing would come out") as refused:
        await plan([export(STORY, SQUARE)], SMALL, repair=False)
    assert (refused.value.rule, refused.value.status) == ("run.nothing", 422)
    assert "all 2 images" in refused.value.says
    assert refused.value.remedy
    assert refused.value.remedy["operation"] == "upscale.conservative"


async def test_beyond_what_an_upscale_makes_the_rest_is_made_and_the_loss_foretold() -> None:
    panorama = ImageFacts(width=6000, height=500)
    made = await plan([export(STORY, "facebook_cover")], panorama)
    assert (made.quote.images, lost(made)) == (1, {STORY})
    assert max(int(side) for side in made.quote.steps[0].sizes[0].split("×")) <= 8192
    [change] = made.changes
    assert change.says.endswith("too small for facebook_cover.")


async def test_a_picture_that_cannot_be_enlarged_enough_costs_the_others_nothing() -> None:
    panorama = ImageFacts(width=6000, height=500)
    photos = [ImageFacts(width=800, height=600 + more) for more in range(0, 200, 10)]
    made = await plan([export(STORY)], panorama, *photos)
    assert made.quote.images == len(photos)
    [failure] = made.quote.steps[-1].failures
    assert (failure.images, failure.remedy) == (1, None)


async def test_a_picture_that_no_upscale_helps_is_refused_with_what_helps() -> None:
    with pytest.raises(Refused) as refused:
        await plan([export(STORY)], ImageFacts(width=9000, height=300))
    assert refused.value.rule == "run.nothing"
    assert (
        refused.value.fix == "Begin with a larger picture, or let it be padded, with fit: contain."
    )


@pytest.mark.parametrize(
    ("providers", "by"),
    [((), None), (("lanczos",), "lanczos"), (("stability",), None), (("cunet", "local"), "cunet")],
)
async def test_the_cheapest_of_those_that_are_asked_enlarges(
    providers: tuple[str, ...], by: str | None
) -> None:
    made = await plan([export(STORY)], SMALL, providers=providers)
    assert (made.steps[0].operation, made.steps[0].provider) == ("upscale.conservative", by)
    assert made.quote.price.expected.amount == Decimal(0)
    assert [one.kind for one in made.changes] == ["inserted"]


async def test_every_export_of_a_run_gets_its_own_upscale() -> None:
    made = await plan([export(SQUARE), export("youtube_banner", SQUARE)], SMALL)
    assert names(made) == ["upscale.conservative", "optimizer.export"] * 2
    assert [(one.step, one.kind) for one in made.changes] == [(1, "inserted"), (3, "inserted")]
    assert (made.quote.images, lost(made)) == (2, set())


async def test_a_change_of_a_later_step_keeps_to_that_step() -> None:
    four = Step(operation="upscale.fast", params={"factor": 4})  # more than it makes of 1080×1080
    made = await plan([export(SQUARE, STORY), four], ImageFacts(width=1100, height=1100))
    assert names(made) == ["upscale.conservative", "optimizer.export", "upscale.conservative"]
    assert {(one.step, one.kind) for one in made.changes} == {(1, "inserted"), (3, "mode")}


async def test_what_is_asked_of_a_studio_is_asked_once_a_plan() -> None:
    studios = Studios()
    many = [ImageFacts(width=400 + more, height=600) for more in range(50)]
    await Planner(studios).plan("acme", [export(STORY, SQUARE)], many * 3)  # type: ignore[arg-type]
    # Before and after the upscale, the upscale itself, and the two remedies: of each size.
    assert studios.asked <= len(many) * 5


async def test_a_product_that_a_shops_frame_may_hold_is_not_refused_before_it_was_looked_at() -> (
    None
):
    wide = ImageFacts(width=5000, height=900)
    made = await plan([export("amazon_main")], wide)
    assert (names(made), lost(made)) == (["optimizer.export"], set())


async def test_a_cut_out_that_a_shops_frame_may_hold_is_not_enlarged() -> None:
    tall = ImageFacts(width=900, height=1950, alpha=True)
    made = await plan([export("amazon_main")], tall)
    assert (names(made), lost(made)) == (["optimizer.export"], set())
