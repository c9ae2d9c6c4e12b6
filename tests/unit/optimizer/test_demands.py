"""Demands: what is sure to fail is foreseen, in the words in which the run then fails."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from PIL import Image as Pillow

from gateway.planner import Planner
from services.optimizer.operations.export import Export
from services.optimizer.placements import placement_book
from studio.imaging.image import Image
from studio.operation import Failure, Output, Work
from studio.problems import Problem, Refused
from studio.rpc import StudioServicer, struct
from studio.slip import Step
from studio.v1 import studio_pb2
from tests.exporting import Studios

LARGE = Image(Pillow.effect_noise((3072, 3072), 60).convert("RGB"))
WITH_TEXT = [one.id for one in placement_book().placements if one.alt_text_required]

Problems = dict[str, Problem]


def problems(found: Any) -> Problems:
    return {one.label: one.problem for one in found if isinstance(one, Failure)}


async def foreseen_and_met(image: Image, **params: Any) -> tuple[Problems, Problems]:
    """What the quote says will fail, and what did; the forecast counts the rest."""
    operation = Export()
    parsed = operation.parse({"alt_text": "Noise", **params})
    foreseen = operation.failures(image.facts, parsed)
    made = await operation.run(Work(uuid4(), parsed, image, image.facts, "local", None))
    outputs = [one for one in made if isinstance(one, Output)]
    assert operation.forecast(image.facts, parsed) == [
        one.facts.with_(media_type=facts.media_type, alpha=facts.alpha)
        for one, facts in zip(outputs, operation.forecast(image.facts, parsed), strict=True)
    ]
    return problems(foreseen), problems(made)


@pytest.mark.parametrize(
    ("params", "rule", "labels"),
    [
        ({"format": "webp"}, "optimizer.format", {"instagram_square", "google_business_photo"}),
        ({"format": "png"}, "optimizer.format", {"instagram_square", "tiktok_photo_square"}),
        ({"overlay": {"headline": "Sale"}}, "optimizer.text_forbidden", {"google_merchant_main"}),
    ],
)
async def test_what_a_placement_refuses_is_foreseen_as_it_then_fails(
    params: dict[str, Any], rule: str, labels: set[str]
) -> None:
    chosen = [
        "instagram_square", "tiktok_photo_square", "google_business_photo", "google_merchant_main",
        "x_square",
    ]  # fmt: skip
    foreseen, met = await foreseen_and_met(LARGE, placements=chosen, **params)
    assert foreseen == met
    assert set(met) == labels
    assert {one.rule for one in met.values()} == {rule}


async def test_what_is_too_small_is_foreseen_as_it_then_fails() -> None:
    small = Image(Pillow.effect_noise((900, 900), 60).convert("RGB"))
    for policy in ("refuse", "smaller"):
        foreseen, met = await foreseen_and_met(
            small, placements=["instagram", "x", "bluesky", "etsy"], too_small=policy
        )
        assert foreseen == met
        assert "etsy_listing" in met


async def test_a_format_comes_before_the_size_in_the_quote_and_in_the_run() -> None:
    small = Image(Pillow.effect_noise((400, 400), 60).convert("RGB"))
    foreseen, met = await foreseen_and_met(small, placements=["instagram_story"], format="png")
    assert foreseen == met
    assert met["instagram_story"].rule == "optimizer.format"


def test_stretching_that_is_not_forced_is_refused_before_anything_runs() -> None:
    operation = Export()
    params = operation.parse({"placements": ["open_graph"], "fit": "stretch"})
    with pytest.raises(Refused) as refused:
        operation.check(LARGE.facts, params)
    assert (refused.value.rule, refused.value.status) == ("optimizer.stretch", 422)
    meant = operation.parse({"placements": ["open_graph"], "fit": "stretch", "force": True})
    operation.check(LARGE.facts, meant)


async def test_a_quote_counts_only_what_will_be_made() -> None:
    export = Step(
        operation="optimizer.export",
        params={"placements": ["instagram_square", "x_square"], "format": "webp"},
    )
    planned = await Planner(Studios()).plan("acme", [export], [LARGE.facts])  # type: ignore[arg-type]
    assert planned.quote.images == 1
    [failure] = planned.quote.steps[0].failures
    assert (failure.label, failure.remedy) == ("instagram_square", None)
    assert failure.problem.valid == ["jpeg"]


async def test_a_run_in_a_format_that_no_placement_takes_is_refused_with_what_helps() -> None:
    export = Step(
        operation="optimizer.export", params={"placements": ["instagram_square"], "format": "png"}
    )
    with pytest.raises(Refused) as refused:
        await Planner(Studios()).plan("acme", [export], [LARGE.facts])  # type: ignore[arg-type]
    assert "does not accept PNG" in refused.value.says
    assert refused.value.fix.startswith("Leave the format to the optimizer")


async def test_an_upscale_is_told_with_the_rule_that_it_helps_with() -> None:
    export = Step(
        operation="optimizer.export",
        params={"placements": ["instagram_square", "x_square"], "format": "webp"},
    )
    small = LARGE.facts.with_(width=600, height=600)
    planned = await Planner(Studios()).plan("acme", [export], [small])  # type: ignore[arg-type]
    [change] = planned.changes
    assert change.rule == "optimizer.would_upscale"
    assert change.says.endswith("pictures too small for x_square.")


@pytest.mark.parametrize(
    ("params", "is_noted"),
    [
        ({"placements": ["bluesky"]}, True),
        ({"placements": ["bluesky"], "alt_text": "Noise"}, False),
        ({"placements": ["x"]}, False),
    ],
)
async def test_a_quote_notes_that_alt_text_is_needed_where_the_step_gives_none(
    params: dict[str, Any], is_noted: bool
) -> None:
    export = Step(operation="optimizer.export", params=params)
    images = [LARGE.facts, LARGE.facts.with_(width=3073)]
    planned = await Planner(Studios()).plan("acme", [export], images)  # type: ignore[arg-type]
    [quoted] = planned.quote.steps
    assert quoted.failures == []
    assert quoted.notes == (
        ["bluesky_post takes no picture without alt text: the step gives none, so each picture "
         "must have its own."] if is_noted else []
    )  # fmt: skip


async def test_the_note_is_told_by_the_studio() -> None:
    request = studio_pb2.QuoteRequest(
        workspace="acme",
        operation="optimizer.export",
        params=struct({"placements": ["bluesky_post"]}),
        image=studio_pb2.ImageFacts(width=3000, height=3000, media_type="image/png"),
    )
    told = await StudioServicer("optimizer", [Export()]).Quote(request, None)
    assert [note.split()[0] for note in told.notes] == ["bluesky_post"]
    assert (len(told.outputs), len(told.failures)) == (1, 0)


def test_a_quote_notes_where_the_cut_out_decides() -> None:
    operation = Export()
    wish = {"placements": ["pinterest_pin", "x_profile", "amazon_main"], "too_small": "smaller"}
    params = operation.parse(wish)
    clear = Image(Pillow.new("RGBA", (900, 900)))
    [note] = operation.notes(clear.facts, params)
    assert "pinterest_pin and amazon_main can be made" in note
    assert "x_profile" not in note
    opaque = Image(Pillow.new("RGB", (900, 900)))
    assert not operation.notes(opaque.facts, params)
    assert not operation.notes(clear.facts, operation.parse(wish | {"too_small": "contain"}))
