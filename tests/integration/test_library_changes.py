"""Many assets at once: reviewed, filed and deleted, compared, and added up by what they are for."""

import io
from uuid import uuid4

import pytest
from PIL import Image as Pillow

from services.library.changes import MOST
from studio.problems import Problem, Refused
from studio.v1 import library_pb2 as pb
from tests.integration.test_library import Shelf, shelf
from tests.library import row, step

__all__ = ["shelf"]  # a fixture: a library in this process

UNSURE = {"needs_review": "A head is cut."}


async def stocked(shelf: Shelf, count: int, **data) -> list[str]:
    """So many new assets; returns their ids."""
    before = len(shelf.told)
    events = [await shelf.announce(**data) for _ in range(count)]
    await shelf.has_told(before + count)
    return [str(event.data.asset) for event in events]


async def changed(shelf: Shelf, **request) -> dict[str, str]:
    ask = pb.ChangeAssetsRequest(workspace="default", **request)
    return {one.id: one.outcome for one in (await shelf.ask("ChangeAssets", ask)).assets}


async def test_many_are_said_the_same_of_and_each_is_told_by_itself(shelf):
    one, two = await stocked(shelf, 2)
    edit = pb.UpdateAssetRequest(
        favourite=True, review="approved", add_tags=["hero"], add_collections=["Spring"]
    )
    first = await changed(shelf, ids=[two, one, two], change=edit)
    assert list(first.items()) == [(two, "changed"), (one, "changed")]
    assert await changed(shelf, ids=[one, two], change=edit) == {one: "unchanged", two: "unchanged"}
    for asset in await shelf.listed(collection="Spring", tags=["hero"]):
        assert (asset.favourite, asset.review, asset.HasField("reviewed_at")) == (
            True,
            "approved",
            True,
        )


async def test_one_that_is_not_there_leaves_the_others_alone(shelf):
    [here] = await stocked(shelf, 1)
    gone = str(uuid4())
    ask = pb.ChangeAssetsRequest(
        workspace="default", ids=[gone, here], change=pb.UpdateAssetRequest(title="T")
    )
    failed, done = (await shelf.ask("ChangeAssets", ask)).assets
    assert (failed.outcome, done.outcome) == ("failed", "changed")
    problem = Problem.model_validate_json(failed.problem)
    assert (problem.rule, problem.status) == ("library.asset", 404)


async def test_another_workspace_changes_and_deletes_nothing(shelf):
    [mine] = await stocked(shelf, 1)
    for what in ({"delete": True}, {"change": pb.UpdateAssetRequest(title="T")}):
        ask = pb.ChangeAssetsRequest(workspace="other", ids=[mine], **what)
        assert [one.outcome for one in (await shelf.ask("ChangeAssets", ask)).assets] == ["failed"]
    assert [one.title for one in await shelf.listed()] == [""]


async def test_what_matches_is_deleted_and_told_and_nothing_else(shelf):
    rejects = await stocked(shelf, 3, about={"tags": ["draft"]})
    [kept] = await stocked(shelf, 1)
    filters = pb.ListAssetsRequest(tags=["draft"], workspace="other", limit=1)
    assert await changed(shelf, filters=filters, delete=True) == dict.fromkeys(rejects, "deleted")
    assert await changed(shelf, ids=rejects[:1], delete=True) == {rejects[0]: "deleted"}
    assert await changed(shelf, filters=filters, delete=True) == {}
    assert [one.id for one in await shelf.listed()] == [kept]
    told = [one for one in await shelf.has_told(8) if one.type == "image.deleted"]
    assert {str(one.data.asset) for one in told} == set(rejects)


async def test_what_is_unsure_waits_for_a_review_and_then_no_longer(shelf):
    [unsure] = await stocked(shelf, 1, step=step(details=UNSURE))
    await stocked(shelf, 1)
    [found] = await shelf.listed(needs_review=True)
    assert (found.id, found.needs_review) == (unsure, "A head is cut.")
    edit = pb.UpdateAssetRequest(review="rejected")
    assert await changed(
        shelf, filters=pb.ListAssetsRequest(needs_review=True), change=edit
    ) == {unsure: "changed"}  # fmt: skip
    assert await shelf.listed(needs_review=True) == []
    assert [one.id for one in await shelf.listed(review="rejected")] == [unsure]
    assert len(await shelf.listed(reviewed=False)) == 1
    await changed(shelf, ids=[unsure], change=pb.UpdateAssetRequest(review=""))
    assert [one.id for one in await shelf.listed(needs_review=True)] == [unsure]


EDIT = pb.UpdateAssetRequest(title="T")


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        ({"change": EDIT}, "library.which_assets"),
        ({"change": EDIT, "filters": pb.ListAssetsRequest(sort="title")}, "library.which_assets"),
        ({"delete": True, "filters": pb.ListAssetsRequest(workspace="a")}, "library.which_assets"),
        ({"ids": ["a"], "filters": pb.ListAssetsRequest(run="r"), "change": EDIT},
         "library.which_assets"),
        ({"ids": ["a"]}, "library.what_to_change"),
        ({"ids": ["a"], "delete": True, "change": EDIT}, "library.what_to_change"),
        ({"ids": ["a"], "change": pb.UpdateAssetRequest(review="fine")}, "library.edit"),
        ({"ids": [str(one) for one in range(MOST + 1)], "change": EDIT},
         "library.too_many_assets"),
    ],
)  # fmt: skip
async def test_a_request_that_does_not_say_which_and_what_changes_nothing(shelf, request_, rule):
    await stocked(shelf, 1)
    with pytest.raises(Refused) as refused:
        await changed(shelf, **request_)
    assert refused.value.rule == rule
    assert [one.title for one in await shelf.listed()] == [""]


async def test_no_more_than_a_thousand_are_deleted_by_one_request(shelf):
    many = [row(about={"tags": ["x"]}) for _ in range(MOST + 1)]
    await shelf.database.collection("assets").insert_many(many)
    wanted = pb.ListAssetsRequest(tags=["x"])
    with pytest.raises(Refused) as refused:
        await changed(shelf, filters=wanted, delete=True)
    assert refused.value.rule == "library.too_many_assets"
    await changed(shelf, ids=[many[0]["_id"]], delete=True)
    edit = pb.UpdateAssetRequest(favourite=True)
    told = await changed(shelf, filters=wanted, change=edit)
    assert (len(told), set(told.values())) == (MOST, {"changed"})


async def test_totals_are_told_of_a_campaign_a_run_and_a_time(shelf):
    spring = step(cost={"amount": "0.10", "currency": "USD"})
    autumn = step(cost={"amount": "0.04", "currency": "USD"})
    run = str(uuid4())
    await stocked(shelf, 2, step=spring, about={"collection": "Spring"})
    [late] = await stocked(shelf, 1, step=autumn, about={"collection": "Autumn"}, run=run)
    [asset] = [one for one in await shelf.listed() if one.id == late]
    for given, told in (
        ({}, (3, "0.24")),
        ({"collection": "Spring"}, (2, "0.2")),
        ({"run": run}, (1, "0.04")),
        ({"run": run, "collection": "Spring"}, (0, "0")),
        ({"workflow": "none"}, (0, "0")),
        ({"created_from": asset.created_at}, (1, "0.04")),
        ({"created_to": asset.created_at, "collection": "Spring"}, (2, "0.2")),
    ):
        usage = await shelf.ask("GetUsage", pb.GetUsageRequest(workspace="default", **given))
        assert (usage.assets, usage.cost.amount) == told, given
    other = await shelf.ask("GetUsage", pb.GetUsageRequest(workspace="o", collection="Spring"))
    assert other.assets == 0


async def test_assets_are_compared_on_a_sheet_of_their_own_pixels(shelf):
    [red] = await stocked(shelf, 1, colour="red")
    [blue] = await stocked(shelf, 1, colour="blue")
    ask = pb.CompareAssetsRequest(workspace="default", ids=[blue, red], sheet=True)
    answer = await shelf.ask("CompareAssets", ask)
    assert [one.id for one in answer.assets] == [blue, red]
    with Pillow.open(io.BytesIO(answer.sheet)) as sheet:
        seen = [sheet.getpixel((x, 30)) for x in (30, 350)]
    assert seen == [(0, 0, 255), (255, 0, 0)]
    ask.workspace = "other"
    with pytest.raises(Refused) as refused:
        await shelf.ask("CompareAssets", ask)
    assert refused.value.rule == "library.asset"
