"""Search in the library: complete, stable, and served by the declared indexes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.library.asset import derived_fields
from services.library.garbage import Garbage
from services.library.search import INDEXES, page, plans
from services.library.service import library
from services.library.settings import LibrarySettings
from services.library.store import AssetStore, in_collection, of_former_terms
from services.library.terms import fact
from studio.bus.memory import MemoryBus
from studio.imaging.facts import ImageFacts
from studio.problems import Refused
from studio.rpc import asking, channel, facts_to, plain, struct
from studio.service import Ports, running
from studio.v1 import library_pb2 as pb
from studio.v1 import studio_pb2, studio_pb2_grpc
from tests.library import row

DAY = datetime(2026, 11, 23, tzinfo=UTC)
SORTS = [
    sign + one
    for one in ("created_at", "updated_at", "bytes", "cost", "downloads", "shares", "title")
    for sign in ("", "-")
]  # fmt: skip
KEYS = {"cost": "cost_nano", "title": "title_folded"}

small = st.integers(0, 3)
assets = st.fixed_dictionaries(
    {
        "second": small,
        "bytes": small,
        "cost_nano": small,
        "downloads": small,
        "shares": small,
        "title": st.sampled_from(["", "Äpfel", "apfel", "Birne rot", "2026-11-23T00:00:00Z"]),
        "tags": st.lists(st.sampled_from(["rot", "grün"]), unique=True, max_size=2),
        "favourite": st.booleans(),
        "operation": st.sampled_from(["", "edit.adjust"]),
        "details": st.sampled_from([{}, {"needs_review": "A head is cut."}]),
        "review": st.sampled_from(["", "approved", "rejected"]),
    }
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "query": st.sampled_from(["APFEL", "rot", "birne rot"]),
        "tags": st.lists(st.sampled_from(["rot", "grün"]), unique=True, min_size=1),
        "favourite": st.booleans(),
        "operation": st.just("edit.adjust"),
        "needs_review": st.booleans(),
        "reviewed": st.booleans(),
        "review": st.just("rejected"),
        "created_from": small,
        "created_to": small,
    },
)


@pytest.fixture
async def store(database, blobs):
    await database.ensure_indexes((*INDEXES, *AssetStore.indexes))
    return AssetStore(database, Garbage(database, blobs, 3600))


async def shelved(store: AssetStore, workspace: str, asset: dict[str, Any]) -> dict[str, Any]:
    """A row in the store that is as the dictionary says."""
    at = DAY + timedelta(seconds=asset["second"])
    one = {**row(workspace=workspace), **asset, "created_at": at, "updated_at": at}
    one |= derived_fields(one)
    await store.add(one)
    return one


def asked(workspace: str, sort: str, given_: dict[str, Any], **more: Any) -> pb.ListAssetsRequest:
    request = pb.ListAssetsRequest(workspace=workspace, sort=sort, **more)
    for name, value in given_.items():
        if name.startswith("created"):
            getattr(request, name).FromDatetime(DAY + timedelta(seconds=value))
        elif name == "tags":
            request.tags.extend(value)
        else:
            setattr(request, name, value)
    return request


def expected(rows: list[dict[str, Any]], sort: str, given_: dict[str, Any]) -> list[str]:
    """The whole answer, by the contract's words and without a database."""
    words = {"APFEL": ["apfel"], "rot": ["rot"], "birne rot": ["birne", "rot"]}
    beginning = DAY + timedelta(seconds=given_.get("created_from", 0))
    end = DAY + timedelta(seconds=given_.get("created_to", 9))

    def fits(one: dict[str, Any]) -> bool:
        said = f"{one['title_folded']} {' '.join(one['tags'])}".split()
        return (
            all(word in said for word in words.get(given_.get("query", ""), []))
            and (not given_.get("tags") or bool({*given_["tags"]} & {*one["tags"]}))
            and given_.get("favourite") in (None, one["favourite"])
            and given_.get("operation") in (None, one["operation"])
            and given_.get("needs_review") in (None, bool(one["details"]) and not one["review"])
            and given_.get("reviewed") in (None, bool(one["review"]))
            and given_.get("review") in (None, one["review"])
            and beginning <= one["created_at"] < end
        )

    key = KEYS.get(sort.removeprefix("-"), sort.removeprefix("-"))
    fitting = sorted(filter(fits, rows), key=lambda one: (one[key], one["_id"]))
    ids = [one["_id"] for one in fitting]
    return ids[::-1] if sort.startswith("-") else ids


many = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@many
@given(st.lists(assets, max_size=7), filters, st.sampled_from(SORTS), st.integers(1, 4))
async def test_the_pages_are_the_whole_answer_in_order(store, shelf, wanted, sort, limit):
    workspace = f"w{uuid4().hex}"
    rows = [await shelved(store, workspace, one) for one in shelf]
    seen, cursor = [], ""
    while True:
        request = asked(workspace, sort, wanted, limit=limit, cursor=cursor)
        found, cursor = await page(store.rows, request)
        seen += [one["_id"] for one in found]
        assert len(found) == limit or not cursor
        if not cursor:
            break
    assert seen == expected(rows, sort, wanted)


@many
@given(
    st.lists(assets, min_size=3, max_size=6),
    st.lists(assets, min_size=1, max_size=3),
    st.sampled_from(SORTS),
    st.data(),
)
async def test_what_is_added_and_deleted_between_pages_repeats_and_skips_nothing(
    store, shelf, late, sort, data
):
    workspace = f"w{uuid4().hex}"
    there = {one["_id"] for one in [await shelved(store, workspace, one) for one in shelf]}
    seen, cursor, late = [], "", list(late)
    while True:
        found, cursor = await page(store.rows, asked(workspace, sort, {}, limit=2, cursor=cursor))
        seen += [one["_id"] for one in found]
        if not cursor:
            break
        if late:
            await shelved(store, workspace, late.pop())
        gone = data.draw(st.sampled_from(seen))  # a cursor may name what is no longer there
        if gone in there:
            await store.remove(workspace, gone, None)
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


async def test_nothing_is_found_in_another_workspace(store):
    await store.add(one := row(about={"title": "Harbour"}, workspace="mine"))
    for given_ in ({}, {"query": "harbour"}, {"query": one["_id"]}):
        assert len((await page(store.rows, asked("mine", "", given_)))[0]) == 1
        assert (await page(store.rows, asked("other", "", given_)))[0] == []


EXPLAINED = [
    {},
    {"query": "harbour dusk"},
    {"run": "r", "operation": "o"},
    {"tags": ["a", "b"]},
    {"tags": ["a"]},
    {"tags": ["a", "b"], "created_from": 1},
    {"favourite": True, "tags": ["a"], "query": "x"},
    {"created_from": 1, "created_to": 3},
    {"parent": "p", "created_from": 1},
    {"blob": "b"},
    {"label": "l"},
    {"collection": "c", "media_type": "m"},
    {"workflow": "w", "provider": "p"},
    {"needs_review": True},
    {"reviewed": False, "review": "approved", "created_to": 3},
]


@pytest.mark.parametrize("given_", EXPLAINED, ids=lambda one: "-".join(one) or "all")
@pytest.mark.parametrize("sort", SORTS)
async def test_every_list_and_every_page_of_it_uses_an_index(store, given_, sort):
    for number in range(2):
        await store.add(row(about={"title": f"{number}"}))
    _, cursor = await page(store.rows, asked("default", sort, {}, limit=1))
    for request in (asked("default", sort, given_), asked("default", sort, given_, cursor=cursor)):
        for plan in plans(request):
            await uses_an_index(store.rows, plan.path, plan.sort)


async def test_every_other_query_uses_an_index(store, database):
    await store.add(row(about={"collection": "c"}))
    assets_ = store.rows
    await uses_an_index(assets_, in_collection("default", "c"))
    await uses_an_index(
        assets_, {"workspace": "default", "terms": {"$in": [fact("parent", "a"), "b"]}}
    )
    await uses_an_index(assets_, {"_id": {"$in": ["a", "b"]}})
    await uses_an_index(assets_, {"workspace": "default"})  # usage
    await uses_an_index(assets_, of_former_terms())
    await uses_an_index(assets_, {"blob": "b"})
    await uses_an_index(assets_, {"thumbnail": "b"})
    await uses_an_index(database.collection("garbage"), {"at": {"$lt": DAY}})
    await uses_an_index(
        database.collection("collections"), {"workspace": "default"}, (("name", 1),)
    )


async def uses_an_index(collection, filter_, sort=()) -> None:
    """By the server's own word. What is not covered by the path is checked on what it finds."""
    plan = json.dumps((await collection.explain(filter_, sort=sort))["queryPlanner"], default=str)
    winning = plan[plan.index("winningPlan") :]
    assert "IXSCAN" in winning, filter_
    assert "COLLSCAN" not in winning, filter_


async def test_the_library_describes_and_quotes_its_step_like_every_studio(database, blobs):
    ports = Ports(MemoryBus(), blobs, database, LibrarySettings())
    async with running(library(ports)) as addresses, channel(addresses.grpc) as talk:
        studio = studio_pb2_grpc.StudioStub(talk)
        [told] = (await studio.Describe(studio_pb2.DescribeRequest())).operations
        assert told.name == "library.organise"
        assert set(plain(told.params_schema)["properties"]) == {
            "collection", "tags", "favourite", "title",
        }  # fmt: skip
        image = facts_to(ImageFacts(width=40, height=30))
        request = studio_pb2.QuoteRequest(
            operation=told.name, params=struct({"tags": ["a"]}), image=image
        )
        quote = await studio.Quote(request)
        assert (list(quote.outputs), quote.price.maximum.amount) == ([image], "0")
        request.params.CopyFrom(struct({"colour": "red"}))
        with pytest.raises(Refused) as refused:
            async with asking("library"):
                await studio.Quote(request)
        assert refused.value.rule == "library.organise.params"
    await ports.bus.close()


def test_a_timestamp_is_exclusive_at_the_end_as_the_contract_says():
    request = pb.ListAssetsRequest(created_to=Timestamp(seconds=9))
    [plan] = plans(request)
    assert plan.path["created_at"] == {"$lt": datetime.fromtimestamp(9, UTC)}
