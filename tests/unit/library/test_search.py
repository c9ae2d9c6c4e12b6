"""Search plans: the whole query is checked, and one declared index leads to it."""

import base64
from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.library.search import INDEXES, page, plans
from services.library.store import AssetStore
from studio.problems import Refused
from studio.v1 import library_pb2 as pb

ORDERS = ("created_at", "updated_at", "bytes", "cost", "downloads", "shares", "title")
FILTERS = [
    {},
    {"query": "harbour dusk"},
    {"run": "r", "operation": "create.generate"},
    {"tags": ["a", "b"]},
    {"tags": ["a"], "created_from": Timestamp(seconds=5)},
    {"tags": ["a"], "favourite": True},
    {"favourite": False, "created_from": Timestamp(seconds=5)},
    {"created_from": Timestamp(seconds=5), "created_to": Timestamp(seconds=9)},
    {"needs_review": True, "reviewed": False},
    {"parent": "p", "blob": "b", "label": "l", "collection": "c", "workflow": "w",
     "provider": "local", "media_type": "image/png", "query": "x"},
]  # fmt: skip

PREFIXES = [
    [key for key, _ in index.keys]
    for index in (*INDEXES, *AssetStore.indexes)
    if index.collection == "assets"
]


class Rows:
    """Rows that a page ends with, whatever is asked: to get a cursor from."""

    async def aggregate(self, pipeline):
        at = datetime(2026, 11, 23, tzinfo=UTC)
        same = {"created_at": at, "updated_at": at, "bytes": 7, "cost_nano": 9}
        same |= {"downloads": 3, "shares": 2}
        return [{"_id": f"{n}", "title_folded": "2026-11-23T00:00:00Z", **same} for n in (1, 2)]


async def cursor_of(sort: str) -> str:
    return (await page(Rows(), pb.ListAssetsRequest(sort=sort, limit=1)))[1]


@pytest.mark.parametrize("filters", FILTERS, ids=lambda one: "-".join(one) or "all")
@pytest.mark.parametrize("sort", [sign + order for order in ORDERS for sign in ("", "-")])
async def test_the_path_of_every_query_is_the_beginning_of_a_declared_index(filters, sort):
    for cursor in ("", await cursor_of(sort)):
        request = pb.ListAssetsRequest(workspace="w", sort=sort, cursor=cursor, **filters)
        for plan in plans(request):
            fields = list(plan.path)
            assert any(prefix[: len(fields)] == fields for prefix in PREFIXES), fields
            assert plan.path["workspace"] == "w"


async def test_every_order_keeps_its_own_kind_of_key_in_the_cursor():
    for sort, kind in (("title", str), ("-created_at", datetime), ("cost", int), ("bytes", int)):
        request = pb.ListAssetsRequest(sort=sort, cursor=await cursor_of(sort))
        same, beyond = plans(request)
        key = next(iter(set(same.path) - {"workspace", "_id"}))
        assert isinstance(same.path[key], kind)
        assert same.path["_id"] == {"$lt" if sort.startswith("-") else "$gt": "1"}
        assert list(beyond.path[key].values()) == [same.path[key]]


FORGED = (
    "nonsense", "%%%", "é", base64.urlsafe_b64encode(b"{}").decode(),
    base64.urlsafe_b64encode(b'["bytes",{"$gt":0},"x"]').decode(),
    base64.urlsafe_b64encode(b'["bytes",9223372036854775808,"x"]').decode(),
    base64.urlsafe_b64encode(b'["-bytes",1,"x"]').decode(),
    base64.urlsafe_b64encode(b'["bytes",1.5,"x"]').decode(),
)  # fmt: skip


@pytest.mark.parametrize("cursor", FORGED)
def test_a_cursor_that_no_list_gave_is_refused(cursor):
    with pytest.raises(Refused) as refused:
        plans(pb.ListAssetsRequest(sort="bytes", cursor=cursor))
    assert refused.value.rule == "library.cursor"


def test_an_order_that_there_is_not_lists_those_that_there_are():
    for sort in ("colour", "--bytes", "-"):
        with pytest.raises(Refused) as refused:
            plans(pb.ListAssetsRequest(sort=sort))
        assert refused.value.valid == sorted(ORDERS)


def test_a_time_that_does_not_exist_is_refused():
    with pytest.raises(Refused) as refused:
        plans(pb.ListAssetsRequest(created_from=Timestamp(seconds=2**62)))
    assert refused.value.rule == "library.time"
