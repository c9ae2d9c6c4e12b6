"""The library: catalogued once, whoever announced it, and found again."""

import asyncio
import io
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from PIL import Image as Pillow

from services.library.garbage import Garbage
from services.library.service import library
from services.library.settings import LibrarySettings
from studio.bus.base import Done, Queue
from studio.bus.memory import MemoryBus
from studio.events import Event
from studio.problems import NotFound, Refused
from studio.rpc import asking, channel
from studio.service import Ports, running
from studio.v1 import library_pb2 as pb
from studio.v1 import library_pb2_grpc

PATIENCE = 20


def picture(colour="red", size=(40, 30)) -> bytes:
    file = io.BytesIO()
    Pillow.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


class Shelf:
    """A library in this process, what it told, and its contract."""

    def __init__(self, bus, blobs, database, stub) -> None:
        self.bus, self.blobs, self.database, self.stub = bus, blobs, database, stub
        self.told: list[Event] = []

    async def hear(self, delivery):
        self.told.append(Event.parse(delivery.message.body))
        return Done()

    async def announce(self, colour="red", id_=None, type_="image.created", **data) -> Event:
        """Publish an image as an outsider would."""
        if "image" not in data:
            key = await self.blobs.put(picture(colour))
            data["image"] = {"blob": key, "width": 40, "height": 30}
        event = Event.model_validate(
            {
                "specversion": "1.0",
                "id": id_ or str(uuid4()),
                "source": "/test",
                "type": type_,
                "data": data,
            }
        )
        await self.bus.publish(event.to_message())
        return event

    async def has_told(self, count: int) -> list[Event]:
        async with asyncio.timeout(PATIENCE):
            while len(self.told) < count:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        return self.told

    async def ask(self, method: str, request):
        async with asking("library"):
            return await getattr(self.stub, method)(request)

    async def listed(self, workspace="default", **filters):
        request = pb.ListAssetsRequest(workspace=workspace, **filters)
        return (await self.ask("ListAssets", request)).assets

    async def asset(self, event: Event, workspace="default"):
        request = pb.GetAssetRequest(workspace=workspace, id=str(event.data.asset))
        return await self.ask("GetAsset", request)


@pytest.fixture
async def shelf(database, blobs) -> AsyncIterator[Shelf]:
    bus = MemoryBus(retry_delays=(0.02, 0.05))
    settings = LibrarySettings(garbage_grace=0)
    service = library(Ports(bus, blobs, database, settings))
    async with running(service) as addresses, channel(addresses.grpc) as talk:
        one = Shelf(bus, blobs, database, library_pb2_grpc.LibraryStub(talk))
        told = Queue("tracker", bindings=("image.catalogued.#", "image.failed", "image.deleted"))
        await bus.consume(told, one.hear, prefetch=1)
        yield one
    await bus.close()


async def test_an_image_without_a_slip_is_catalogued_and_its_item_ends(shelf):
    event = await shelf.announce(about={"title": "Harbour", "tags": ["sea"], "collection": "Trips"})
    [fact] = await shelf.has_told(1)
    assert (fact.type, fact.data.returned) == ("image.catalogued", 1)
    asset = await shelf.asset(event)
    assert (asset.title, list(asset.tags), list(asset.collections)) == (
        "Harbour",
        ["sea"],
        ["Trips"],
    )
    assert await shelf.blobs.exists(asset.thumbnail)


async def test_a_redelivery_changes_nothing_and_keeps_what_people_said(shelf):
    event = await shelf.announce(id_="same")
    await shelf.has_told(1)
    update = pb.UpdateAssetRequest(
        workspace="default", id=str(event.data.asset), title="Mine", favourite=True
    )
    await shelf.ask("UpdateAsset", update)
    await shelf.announce(id_="same")
    first, second = await shelf.has_told(2)
    assert first.id == second.id
    [asset] = await shelf.listed()
    assert (asset.title, asset.favourite) == ("Mine", True)


async def test_what_an_outsider_claims_is_measured(shelf):
    key = await shelf.blobs.put(picture(size=(64, 48)))
    event = await shelf.announce(image={"blob": key, "width": 9999, "height": 1, "bytes": 5})
    await shelf.has_told(1)
    asset = await shelf.asset(event)
    assert (asset.image.width, asset.image.height) == (64, 48)
    assert asset.bytes == await shelf.blobs.size(key)


@pytest.mark.parametrize("what", ["missing", "no picture"])
async def test_what_is_no_picture_ends_its_item_with_the_reason(shelf, what):
    key = "sha256:" + "0" * 64 if what == "missing" else await shelf.blobs.put(b"words")
    await shelf.announce(image={"blob": key, "width": 1, "height": 1})
    [fact] = await shelf.has_told(1)
    assert (fact.type, fact.data.returned) == ("image.failed", 1)
    assert fact.data.problem.rule in ("blob.missing", "image.not_an_image")
    assert len(await shelf.bus.dead_letters("library")) == 1


async def test_organising_is_a_step_like_any_other(shelf):
    steps = [
        {"operation": "library.organise", "params": {"collection": "A", "tags": ["x"]}},
        {"operation": "library.organise", "params": {"favourite": True, "title": "T"}},
    ]
    event = await shelf.announce(slip={"steps": steps})
    [fact] = await shelf.has_told(1)
    assert fact.data.returned == 1
    asset = await shelf.asset(event)
    assert (list(asset.collections), list(asset.tags), asset.favourite, asset.title) == (
        ["A"],
        ["x"],
        True,
        "T",
    )
    [collection] = (
        await shelf.ask("ListCollections", pb.ListCollectionsRequest(workspace="default"))
    ).collections
    assert (collection.name, collection.assets) == ("A", 1)


async def test_an_organise_step_that_makes_no_sense_fails_the_item(shelf):
    await shelf.announce(slip={"steps": [{"operation": "library.organise", "params": {}}]})
    [fact] = await shelf.has_told(1)
    assert fact.data.problem.rule == "library.organise.params"


async def test_an_item_is_handed_on_to_the_next_studio(shelf):
    await shelf.bus.declare(Queue("edit", bindings=("*.*.edit",)))
    steps = [
        {"operation": "library.organise", "params": {"tags": ["x"]}},
        {"operation": "edit.adjust", "params": {"brightness": 0.1}},
    ]
    await shelf.announce(slip={"steps": steps})
    [fact] = await shelf.has_told(1)
    assert fact.data.returned is None
    assert fact.routing_key == "image.catalogued.edit"
    assert (await shelf.bus.depth("edit"))["interactive"] == 1


async def test_what_is_overheard_is_catalogued_and_returns_nothing(shelf):
    await shelf.bus.declare(Queue("edit", bindings=("*.*.edit",)))
    steps = [{"operation": "edit.adjust", "params": {"brightness": 0.1}}]
    await shelf.announce(slip={"steps": steps})
    [fact] = await shelf.has_told(1)
    assert (fact.data.returned, fact.routing_key) == (None, "image.catalogued")
    assert len(await shelf.listed()) == 1


async def test_what_was_deleted_does_not_come_back_and_shared_pixels_stay(shelf):
    one = await shelf.announce("teal", id_="one")
    two = await shelf.announce("teal", id_="two")
    await shelf.has_told(2)
    for event, others in ((one, 1), (two, 0)):
        await shelf.ask(
            "DeleteAsset", pb.DeleteAssetRequest(workspace="default", id=str(event.data.asset))
        )
        await Garbage(shelf.database, shelf.blobs, 0).collect()
        assert await shelf.blobs.exists(event.data.image.blob) is bool(others)
    await shelf.announce("teal", id_="one")
    await shelf.has_told(5)
    assert await shelf.listed() == []


async def test_words_filters_and_workspaces_narrow_the_list(shelf):
    about = {"title": "Café au lait", "tags": ["warm", "cup"], "prompt": "a cup on marble"}
    event = await shelf.announce(about=about)
    await shelf.announce("blue", about={"title": "Sea", "tags": ["cold"]})
    await shelf.has_told(2)
    for query in ("cafe", "MARBLE cup", "café lait", str(event.data.asset)):
        assert [one.title for one in await shelf.listed(query=query)] == ["Café au lait"], query
    assert await shelf.listed(query="cup sea") == []
    assert len(await shelf.listed(tags=["cold", "warm"])) == 2
    assert len(await shelf.listed(tags=["cold"])) == 1
    assert await shelf.listed(workspace="other") == []
    with pytest.raises(NotFound):
        await shelf.asset(event, workspace="other")


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "title", "-bytes"])
async def test_pages_neither_repeat_nor_skip(shelf, sort):
    for number in range(7):
        await shelf.announce(id_=f"n{number}", about={"title": f"t{number % 3}"})
    await shelf.has_told(7)
    seen, cursor = [], ""
    while True:
        request = pb.ListAssetsRequest(workspace="default", limit=3, cursor=cursor, sort=sort)
        answer = await shelf.ask("ListAssets", request)
        seen += [one.id for one in answer.assets]
        cursor = answer.next_cursor
        if not cursor:
            break
        await shelf.announce(id_=f"late{len(seen)}", about={"title": "t1"})
        await asyncio.sleep(0.2)
    assert len(seen) == len(set(seen))
    assert len(seen) >= 7


async def test_a_cursor_of_another_list_is_refused(shelf):
    for cursor in ("nonsense", "eyJ4IjoxfQ=="):
        with pytest.raises(Refused) as refused:
            await shelf.listed(cursor=cursor)
        assert refused.value.rule == "library.cursor"
    with pytest.raises(Refused):
        await shelf.listed(sort="colour")


async def test_a_download_is_counted_once(shelf):
    event = await shelf.announce()
    await shelf.has_told(1)
    ids = [str(event.data.asset)]
    for download, counted in (("a", 1), ("a", 0), ("b", 1)):
        record = pb.RecordDownloadRequest(workspace="default", ids=ids, download_id=download)
        assert (await shelf.ask("RecordDownload", record)).counted == counted
    assert (await shelf.asset(event)).downloads == 2


async def test_a_share_that_somebody_tells_of_is_counted_once_and_needs_an_id(shelf):
    event = await shelf.announce()
    await shelf.has_told(1)
    ids = [str(event.data.asset)]
    for share, counted in (("a", 1), ("b", 1), ("a", 0)):
        record = pb.RecordShareRequest(workspace="default", ids=ids, share_id=share)
        assert (await shelf.ask("RecordShare", record)).counted == counted
    asset = await shelf.asset(event)
    assert (asset.shares, asset.downloads, asset.HasField("last_shared_at")) == (2, 0, True)
    usage = await shelf.ask("GetUsage", pb.GetUsageRequest(workspace="default"))
    assert (usage.shares, usage.downloads) == (2, 0)
    stranger = pb.RecordShareRequest(workspace="other", ids=ids, share_id="c")
    assert (await shelf.ask("RecordShare", stranger)).counted == 0
    with pytest.raises(Refused) as refused:
        await shelf.ask("RecordShare", pb.RecordShareRequest(workspace="default", ids=ids))
    assert refused.value.rule == "library.share_id"


async def test_lineage_leads_up_and_down(shelf):
    parent = await shelf.announce("red")
    child = await shelf.announce("green", parents=[str(parent.data.asset)])
    grandchild = await shelf.announce("blue", parents=[str(child.data.asset)])
    await shelf.has_told(3)
    request = pb.GetLineageRequest(workspace="default", id=str(child.data.asset))
    answer = await shelf.ask("GetLineage", request)
    assert [one.id for one in answer.ancestors] == [str(parent.data.asset)]
    assert [one.id for one in answer.descendants] == [str(grandchild.data.asset)]


async def test_usage_adds_up_exactly(shelf):
    step = {"id": str(uuid4()), "operation": "create.generate", "index": 0}
    for number, amount in enumerate(("0.1", "0.2", "0.04")):
        cost = {"amount": amount, "currency": "USD"}
        await shelf.announce(id_=f"u{number}", step={**step, "cost": cost})
    await shelf.has_told(3)
    usage = await shelf.ask("GetUsage", pb.GetUsageRequest(workspace="default"))
    assert (usage.assets, usage.cost.amount) == (3, "0.34")
    assert usage.cost_by_operation["create.generate"] == "0.34"


async def test_deleting_a_collection_keeps_its_assets(shelf):
    event = await shelf.announce(about={"collection": "Old"})
    await shelf.has_told(1)
    await shelf.ask("DeleteCollection", pb.DeleteCollectionRequest(workspace="default", name="Old"))
    assert list((await shelf.asset(event)).collections) == []
    with pytest.raises(NotFound):
        await shelf.ask(
            "DeleteCollection", pb.DeleteCollectionRequest(workspace="default", name="Old")
        )
