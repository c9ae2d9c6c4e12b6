"""The library's store: no edit is lost, nothing is counted twice, nothing used is thrown away."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.library import lineage
from services.library.edit import Edit
from services.library.garbage import Garbage
from services.library.search import page
from services.library.servicer import LibraryServicer
from services.library.store import AssetStore
from services.library.usage import usage
from studio.bus.memory import MemoryBus
from studio.problems import NotFound, Refused, Unavailable
from studio.room import Room
from studio.v1 import library_pb2 as pb
from tests.library import announced, picture, row, step


@pytest.fixture
async def garbage(database, blobs):
    return Garbage(database, blobs, grace=3600)


@pytest.fixture
async def store(database, garbage):
    await database.ensure_indexes(AssetStore.indexes)
    return AssetStore(database, garbage)


@pytest.fixture
def servicer(store, blobs):
    return LibraryServicer(MemoryBus(), blobs, store, Room(1_000_000))


async def found(store, **filters):
    rows, _ = await page(store.rows, pb.ListAssetsRequest(workspace="default", **filters))
    return [one["_id"] for one in rows]


async def test_edits_made_at_the_same_time_are_all_kept(store):
    await store.add(one := row())
    edits = [Edit(add_tags=[f"t{number}"]) for number in range(8)]
    changes = [store.change("default", one["_id"], edit.applied_to) for edit in edits]
    downloads = [store.count_download("default", [one["_id"]], f"d{n}") for n in range(4)]
    await asyncio.gather(*changes, *downloads)
    after = await store.get("default", one["_id"])
    assert after["tags"] == [f"t{number}" for number in range(8)]
    assert after["downloads"] == 4
    assert set(await found(store, query="t0 t7")) == {one["_id"]}


async def test_what_a_former_release_catalogued_is_found_by_the_terms_of_this_one(store):
    unsure = row(step=step(details={"needs_review": "A head is cut."}))
    sure = row()
    for one in (unsure, sure):
        news = ("review", "reviewed_at", "shares", "recent_shares", "terms_version")
        terms = [term for term in one["terms"] if "review" not in term]
        await store.rows.insert({k: v for k, v in one.items() if k not in news} | {"terms": terms})
    assert await found(store, needs_review=True) == []
    assert (await store.index_anew(), await store.index_anew()) == (2, 0)
    assert await found(store, needs_review=True) == [unsure["_id"]]
    assert await found(store, needs_review=False) == [sure["_id"]]
    after = await store.get("default", unsure["_id"])
    assert (after["updated_at"], after["shares"]) == (after["created_at"], 0)
    assert await store.count_share("default", [sure["_id"]], "a") == 1
    assert await found(store, sort="-shares") == [sure["_id"], unsure["_id"]]
    approved = await store.change("default", unsure["_id"], Edit(review="approved").applied_to)
    assert approved["review"] == "approved"
    assert await found(store, needs_review=True) == []


async def test_an_edit_that_changes_nothing_writes_nothing(store):
    await store.add(one := row(about={"tags": ["a"]}))
    before = await store.get("default", one["_id"])
    assert await store.change("default", one["_id"], Edit(add_tags=["a"]).applied_to) == before
    assert await store.get("default", one["_id"]) == before


async def test_an_edit_is_found_by_what_it_says_and_no_longer_by_what_it_said(store):
    await store.add(one := row(about={"title": "Harbour", "tags": ["old"]}))
    edit = Edit(title="Jetée", remove_tags=["old"], add_collections=["Nice"], favourite=True)
    await store.change("default", one["_id"], edit.applied_to)
    for filters in ({"query": "jetee NICE"}, {"collection": "Nice"}, {"favourite": True}):
        assert await found(store, **filters) == [one["_id"]]
    for filters in ({"query": "harbour"}, {"tags": ["old"]}, {"favourite": False}):
        assert await found(store, **filters) == []
    assert [one["name"] for one in await store.collections.all("default")] == ["Nice"]


async def test_an_edit_through_the_contract_leaves_out_what_it_does_not_name(store, servicer):
    await store.add(one := row(about={"title": "Kept", "description": "Gone"}))
    request = pb.UpdateAssetRequest(workspace="default", id=one["_id"], description="")
    told = await servicer.UpdateAsset(request, None)
    assert (told.title, told.description) == ("Kept", "")
    with pytest.raises(Refused) as refused:
        await servicer.UpdateAsset(
            pb.UpdateAssetRequest(workspace="default", id=one["_id"], add_tags=[" "]), None
        )
    assert refused.value.rule == "library.edit"


async def test_a_download_repeated_at_once_is_counted_once_and_only_in_its_workspace(store):
    await store.add(mine := row())
    await store.add(other := row(workspace="other"))
    ids = [mine["_id"], other["_id"], mine["_id"], "nothing"]
    counted = await asyncio.gather(*(store.count_download("default", ids, "d") for _ in range(4)))
    assert sorted(counted) == [0, 0, 0, 1]
    assert (await store.get("default", mine["_id"]))["downloads"] == 1
    assert (await store.get("other", other["_id"]))["downloads"] == 0


async def test_a_download_without_an_id_is_refused(servicer):
    with pytest.raises(Refused) as refused:
        await servicer.RecordDownload(pb.RecordDownloadRequest(workspace="default"), None)
    assert refused.value.rule == "library.download_id"


async def test_deleting_again_is_harmless_and_only_where_it_was(store):
    await store.add(one := row())
    with pytest.raises(NotFound):
        await store.remove("other", one["_id"], None)
    first = await store.remove("default", one["_id"], "ada")
    again = await store.remove("default", one["_id"], "bob")
    assert (again["by"], again["blob"]) == ("ada", first["blob"])
    with pytest.raises(NotFound):
        await store.remove("other", one["_id"], None)
    with pytest.raises(NotFound):
        await store.get("default", one["_id"])


async def stored(store, blobs, colour):
    """An asset whose blob and thumbnail are in the blob store."""
    blob, small = await blobs.put(picture(colour)), await blobs.put(picture(colour, (4, 3)))
    event = announced()
    await store.add(one := row({"blob": blob, "thumbnail": small}, id_=event.id))
    return one


async def test_blobs_wait_out_their_grace_and_only_then_go(store, database, blobs):
    one = await stored(store, blobs, (1, 2, 3))
    await store.remove("default", one["_id"], None)
    assert await Garbage(database, blobs, grace=60).collect() == 0
    assert await blobs.exists(one["blob"])
    assert await Garbage(database, blobs, grace=-1).collect() == 2
    assert not await blobs.exists(one["blob"])
    assert not await blobs.exists(one["thumbnail"])
    assert await database.collection("garbage").find({}) == []


async def test_a_blob_that_another_asset_shows_or_uses_as_its_thumbnail_stays(
    store, database, blobs
):
    one = await stored(store, blobs, (4, 5, 6))
    await store.add(row({"blob": one["thumbnail"], "thumbnail": one["blob"]}))
    await store.remove("default", one["_id"], None)
    assert await Garbage(database, blobs, grace=-1).collect() == 0
    assert await blobs.exists(one["blob"])
    assert await blobs.exists(one["thumbnail"])


async def test_replicas_that_collect_at_once_take_each_blob_once(store, database, blobs):
    one = await stored(store, blobs, (7, 8, 9))
    await store.remove("default", one["_id"], None)
    replicas = [Garbage(database, blobs, grace=-1) for _ in range(4)]
    assert sum(await asyncio.gather(*(one.collect() for one in replicas))) == 2


async def test_a_blob_kept_after_a_collector_saw_it_due_stays(store, database, blobs, garbage):
    one = await stored(store, blobs, (13, 14, 15))
    await store.remove("default", one["_id"], None)
    due = await database.collection("garbage").get(one["blob"])
    await garbage.keep(one["blob"])  # about to be catalogued, between the look and the claim
    assert not await garbage._take_away(due)
    assert await blobs.exists(one["blob"])


async def test_what_a_dead_collector_claimed_is_taken_by_the_next_after_another_grace(
    store, database, blobs, garbage
):
    key = await blobs.put(picture((10, 11, 12)))
    rows = database.collection("garbage")
    await rows.insert({"_id": key, "at": datetime.now(UTC), "is_going": True})
    with pytest.raises(Unavailable):
        await garbage.keep(key)
    assert await garbage.collect() == 0
    await rows.update_one({"_id": key}, {"$set": {"at": datetime.now(UTC) - timedelta(hours=2)}})
    assert await garbage.collect() == 1
    assert not await blobs.exists(key)
    await garbage.keep(key)  # decided: it can be catalogued anew


async def test_a_collection_that_is_deleted_leaves_its_assets_and_no_trace_in_them(store, servicer):
    await store.add(one := row(about={"collection": "Old Town", "title": "Gate"}))
    await store.add(row(workspace="other", about={"collection": "Old Town"}))
    request = pb.DeleteCollectionRequest(workspace="default", name="Old Town")
    await servicer.DeleteCollection(request, None)
    assert await found(store, query="gate") == [one["_id"]]
    assert await found(store, query="town") == await found(store, collection="Old Town") == []
    assert await store.members("other", "Old Town") == 1
    with pytest.raises(NotFound):
        await servicer.DeleteCollection(request, None)


async def test_a_deletion_that_a_crash_cut_short_is_finished_by_the_next(store, servicer):
    await store.add(one := row(about={"collection": "Half"}))
    await store.collections.delete("default", "Half")
    await servicer.DeleteCollection(
        pb.DeleteCollectionRequest(workspace="default", name="Half"), None
    )
    assert (await store.get("default", one["_id"]))["collections"] == []


async def test_a_collection_is_described_and_listed_with_its_size(store, servicer):
    await store.add(row(about={"collection": "B"}))
    for name, description in (("A", "first"), ("B", "second"), ("A", "anew")):
        request = pb.PutCollectionRequest(workspace="default", name=name, description=description)
        assert (await servicer.PutCollection(request, None)).description == description
    asked = pb.ListCollectionsRequest(workspace="default")
    told = (await servicer.ListCollections(asked, None)).collections
    assert [(one.name, one.description, one.assets) for one in told] == [
        ("A", "anew", 0),
        ("B", "second", 1),
    ]
    for wrong in ("", "  ", "x" * 201):
        with pytest.raises(Refused):
            await servicer.PutCollection(pb.PutCollectionRequest(name=wrong), None)


async def family(store, *parents_of):
    """Assets in a row, each with the parents that are named by their places."""
    made = []
    for parents in parents_of:
        one = row()
        made.append(one["_id"])
        known = [made[place] for place in parents if place < len(made)]
        await store.add(row({**one, "parents": known, "terms": [f"parent={p}" for p in known]}))
    return made


async def test_lineage_goes_as_deep_as_asked_nearest_first(store):
    a, b, c, d = await family(store, [], [0], [1], [2])
    last, first = await store.get("default", d), await store.get("default", a)
    up = await lineage.ancestors(store.rows, last, 8)
    assert [one["_id"] for one in up] == [c, b, a]
    assert [one["_id"] for one in await lineage.ancestors(store.rows, last, 1)] == [c]
    down = await lineage.descendants(store.rows, first, 2)
    assert [one["_id"] for one in down] == [b, c]


async def test_lineage_that_runs_in_a_circle_ends_and_meets_nobody_twice(store):
    (itself,) = await family(store, [0])
    one = await store.get("default", itself)
    assert await lineage.ancestors(store.rows, one, 32) == []
    assert await lineage.descendants(store.rows, one, 32) == []


async def test_a_parent_in_another_workspace_is_not_shown(store):
    await store.add(foreign := row(workspace="other"))
    await store.add(child := row({"parents": [foreign["_id"], "unknown"]}))
    assert await lineage.ancestors(store.rows, child, 8) == []


async def test_usage_is_exact_by_currency_operation_and_provider(store):
    costs = [("0.1", "USD"), ("0.2", "USD"), ("0.000000001", "USD"), ("5", "EUR")]
    for amount, currency in costs:
        record = step("edit.adjust", provider="p", cost={"amount": amount, "currency": currency})
        await store.add(row({"bytes": 10}, step=record))
    await store.add(outside := row({"bytes": 5, "favourite": True}))
    await store.add(row(workspace="other"))
    await store.count_download("default", [outside["_id"]], "d")
    told = await usage(store.rows, pb.GetUsageRequest(workspace="default"))
    assert (told.assets, told.bytes, told.favourites, told.downloads) == (5, 45, 1, 1)
    assert (told.cost.amount, told.cost.currency) == ("0.300000001", "USD")
    assert [(one.amount, one.currency) for one in told.costs] == [
        ("5", "EUR"),
        ("0.300000001", "USD"),
    ]
    assert dict(told.assets_by_operation) == {"edit.adjust": 4, "outside": 1}
    assert dict(told.assets_by_provider) == {"p": 4, "outside": 1}
    assert dict(told.cost_by_operation) == {"edit.adjust": "0.300000001", "outside": "0"}


async def test_an_empty_library_has_cost_nothing(store):
    told = await usage(store.rows, pb.GetUsageRequest(workspace="default"))
    assert (told.assets, told.cost.amount, told.cost.currency) == (0, "0", "USD")


async def test_a_row_goes_after_its_deletion_was_told(store):
    await store.add(one := row())

    async def away(_):
        raise Unavailable(rule="bus.away", says="Away.", fix="Later.")

    with pytest.raises(Unavailable):
        await store.remove("default", one["_id"], None, away)
    assert (await store.get("default", one["_id"]))["_id"] == one["_id"]  # filters find it again
    told = []

    async def tell(tombstone):
        told.append(tombstone["_id"])

    await store.remove("default", one["_id"], None, tell)
    await store.remove("default", one["_id"], None, tell)
    assert told == [one["_id"]] * 2
    with pytest.raises(NotFound):
        await store.get("default", one["_id"])
