"""The way of one image into the library: every effect once, whatever happens to the messages."""

import asyncio
import io
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from PIL import Image as Pillow

from services.library.catalogue import Catalogue
from services.library.edit import Edit
from services.library.garbage import Garbage
from services.library.store import AssetStore
from studio.blobs.s3 import S3BlobStore
from studio.bus.base import Dead, Delivery, Done, Later, Message, Queue
from studio.bus.memory import MemoryBus
from studio.events import Event
from studio.room import Room
from tests.library import announced, picture, row, step

PATIENCE = 20
ORGANISE = {"operation": "library.organise", "params": {"tags": ["spring"], "favourite": True}}
ADJUST = {"operation": "edit.adjust", "params": {"brightness": 0.1}}


class Desk:
    """Where deliveries are settled one by one, and what was told."""

    def __init__(self, bus: MemoryBus, database, blobs) -> None:
        self.bus, self.database, self.blobs = bus, database, blobs
        self.garbage = Garbage(database, blobs, grace=3600)
        self.room = Room(100_000)
        self.assets = AssetStore(database, self.garbage)
        self.catalogue = self.using()
        self.told: list[Event] = []

    def using(self, *, bus: MemoryBus | None = None, blobs=None) -> Catalogue:
        ports = (bus or self.bus, blobs or self.blobs)
        return Catalogue(*ports, self.assets, self.garbage, self.room, thumbnail_side=512)

    async def hear(self, delivery):
        self.told.append(Event.parse(delivery.message.body))
        return Done()

    async def event(self, data: bytes | None = None, **fields) -> Event:
        """An event about a picture that is in the blob store, claimed to be 40 × 30."""
        blob = await self.blobs.put(data or picture())
        image = {"blob": blob, "width": 40, "height": 30, "bytes": 1, **fields.pop("claims", {})}
        return announced(image=image, **fields)

    async def settle(self, event: Event, **delivery):
        return await self.catalogue.handle(Delivery(event.to_message(), **delivery))

    async def has_told(self, count: int) -> list[Event]:
        async with asyncio.timeout(PATIENCE):
            while len(self.told) < count:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert len(self.told) == count
        return self.told

    async def row(self, event: Event):
        return await self.assets.get(event.workspace, str(event.data.asset))


@pytest.fixture
async def desk(database, blobs) -> AsyncIterator[Desk]:
    await database.ensure_indexes(AssetStore.indexes)
    bus = MemoryBus()
    one = Desk(bus, database, blobs)
    await bus.consume(Queue("tracker", bindings=("image.#",)), one.hear, prefetch=1)
    yield one
    await bus.close()


async def test_a_message_delivered_twice_at_once_makes_one_row_and_one_fact(desk):
    event = await desk.event(about={"collection": "Spring"})
    assert await asyncio.gather(desk.settle(event), desk.settle(event)) == [Done(), Done()]
    first, second = await desk.has_told(2)
    assert first.id == second.id
    assert len(await desk.assets.rows.find({})) == 1
    assert [one["name"] for one in await desk.assets.collections.all("default")] == ["Spring"]


async def test_what_people_change_after_a_step_is_not_changed_back_by_a_redelivery(desk):
    event = await desk.event(slip={"steps": [ORGANISE]})
    await desk.settle(event)
    edit = Edit(favourite=False, remove_tags=["spring"], title="Mine")
    await desk.assets.change("default", str(event.data.asset), edit.applied_to)
    edited = await desk.row(event)
    await desk.settle(event)
    assert await desk.row(event) == edited
    first, second = await desk.has_told(2)
    assert (first.id, first.data.returned) == (second.id, second.data.returned)


async def test_the_same_step_of_another_run_is_a_step_of_its_own(desk):
    await desk.settle(await desk.event(asset=(asset := uuid4())))
    for _ in range(2):
        run = {"type_": "workflow.started", "run": uuid4(), "item": uuid4(), "asset": asset}
        assert await desk.settle(await desk.event(slip={"steps": [ORGANISE]}, **run)) == Done()
        remove = Edit(remove_tags=["spring"])
        row = await desk.assets.get("default", str(asset))
        assert row["tags"] == ["spring"]
        await desk.assets.change("default", str(asset), remove.applied_to)
    told = await desk.has_told(3)
    assert len({one.id for one in told}) == 3
    assert {one.data.returned for one in told} == {1}


async def test_an_item_that_ends_keeps_its_place_so_that_nothing_earlier_overtakes_it(desk):
    await desk.settle(await desk.event(slip={"position": 3}, share="1/4"))
    [fact] = await desk.has_told(1)
    assert (fact.data.slip.position, str(fact.data.returned)) == (3, "1/4")


async def test_an_overheard_image_that_cannot_be_kept_does_not_end_an_item_that_others_have(desk):
    event = await desk.event(b"no picture", slip={"steps": [ADJUST]})
    settlement = await desk.settle(event)
    assert isinstance(settlement, Dead)
    assert settlement.problem.rule == "image.not_an_image"
    await desk.has_told(0)


@pytest.mark.parametrize("steps", [[], [ORGANISE, ADJUST]], ids=["at its end", "at our step"])
async def test_an_image_that_cannot_be_kept_ends_an_item_that_we_have(desk, steps):
    missing = {"blob": "sha256:" + "f" * 64}
    event = await desk.event(claims=missing, slip={"steps": steps}, share="1/3")
    settlement = await desk.settle(event)
    assert isinstance(settlement, Dead)
    [fact] = await desk.has_told(1)
    assert (fact.type, fact.data.problem.rule) == ("image.failed", "blob.missing")
    assert str(fact.data.returned) == "1/3"
    assert fact.data.problem == settlement.problem


async def test_an_unknown_step_is_told_with_those_that_there_are(desk):
    event = await desk.event(slip={"steps": [{"operation": "library.rename"}]})
    assert isinstance(await desk.settle(event), Dead)
    [fact] = await desk.has_told(1)
    assert fact.data.problem.valid == ["library.organise"]
    assert await desk.row(event)  # the image itself is kept


async def test_what_carries_no_image_is_refused(desk):
    event = announced(type_="workflow.started", image=None, slip={"steps": [ORGANISE]})
    settlement = await desk.settle(event)
    assert settlement.problem.rule == "library.no_image"
    [fact] = await desk.has_told(1)
    assert fact.data.returned == 1


async def test_a_malformed_message_is_kept_with_the_reason(desk):
    settlement = await desk.catalogue.handle(Delivery(Message(b"{}", "image.created", "1")))
    assert isinstance(settlement, Dead)
    assert settlement.problem.rule == "event.malformed"


async def test_an_image_that_ends_its_worker_again_and_again_is_given_up(desk):
    settlement = await desk.settle(await desk.event(), crashes=10)
    assert settlement.problem.rule == "step.crashes"
    assert await desk.assets.rows.find({}) == []


async def test_while_the_blob_store_is_away_the_image_waits_however_long_it_takes(desk):
    event = await desk.event()
    away = S3BlobStore("127.0.0.1:1", "key", "secret-key", "nowhere")
    catalogue = desk.using(blobs=away)
    for is_last in (False, True):
        delivery = Delivery(event.to_message(), is_last_attempt=is_last)
        settlement = await catalogue.handle(delivery)
        assert isinstance(settlement, Later)
        assert not settlement.counted
        await desk.has_told(0)
    await away.close()


async def test_work_cut_short_before_it_was_told_is_told_later_and_not_done_again(desk):
    await desk.bus.declare(Queue("edit", bindings=("*.*.edit",)))
    event = await desk.event(slip={"steps": [ORGANISE, ADJUST]})
    deaf = desk.using(bus=MemoryBus())  # nobody listens, so what is addressed is not accepted
    assert isinstance(await deaf.handle(Delivery(event.to_message())), Later)
    kept = await desk.row(event)
    assert kept["tags"] == ["spring"]
    assert await desk.settle(event) == Done()
    assert await desk.row(event) == kept
    [fact] = await desk.has_told(1)
    assert (fact.routing_key, fact.data.returned) == ("image.catalogued.edit", None)
    assert fact.data.slip.position == 1


async def test_several_library_steps_are_done_in_one_go(desk):
    title = {"operation": "library.organise", "params": {"title": "T", "collection": "C"}}
    await desk.settle(event := await desk.event(slip={"steps": [ORGANISE, title]}))
    row = await desk.row(event)
    assert (row["title"], row["tags"], row["collections"]) == ("T", ["spring"], ["C"])
    [fact] = await desk.has_told(1)
    assert (fact.data.slip.position, fact.data.returned) == (2, 1)


async def test_an_asset_of_another_workspace_is_neither_changed_nor_told_of(desk):
    own = await desk.event(about={"title": "Ours"})
    await desk.settle(own)
    asset = own.data.asset
    foreign = await desk.event(workspace="intruder", asset=asset, slip={"steps": [ORGANISE]})
    settlement = await desk.settle(foreign)
    assert settlement.problem.rule == "library.id_taken"
    row = await desk.row(own)
    assert (row["title"], row["tags"], row["favourite"]) == ("Ours", [], False)
    await desk.assets.remove("default", str(asset), None)
    assert (await desk.settle(foreign)).problem.rule == "library.id_taken"


async def test_a_deleted_asset_stays_deleted_and_its_items_end_nevertheless(desk):
    event = await desk.event(slip={"steps": [ORGANISE]})
    await desk.settle(event)
    await desk.assets.remove("default", str(event.data.asset), "ada")
    assert await desk.settle(event) == Done()
    assert await desk.assets.rows.find({}) == []
    first, second = await desk.has_told(2)
    assert (first.id, second.data.returned) == (second.id, 1)


async def test_an_asset_deleted_while_it_is_being_added_stays_deleted(desk):
    event = await desk.event()
    await desk.settle(event)
    late = await desk.row(event)  # what a second worker, slower, is about to insert
    await desk.assets.remove("default", late["_id"], None)
    await desk.assets.add(late)
    assert await desk.assets.rows.find({}) == []


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        (picture((9, 9, 9, 255), (64, 48)), (64, 48, "image/png", False)),
        (picture((9, 9, 9, 128), (8, 900)), (8, 900, "image/png", True)),
        (picture("red", (3, 2), "JPEG"), (3, 2, "image/jpeg", False)),
    ],
    ids=["opaque alpha", "transparent", "jpeg"],
)
async def test_what_is_kept_and_told_is_measured_whatever_was_claimed(desk, data, facts):
    claims = {"width": 9999, "height": 1, "media_type": "image/gif", "alpha": True}
    event = await desk.event(data, claims=claims)
    await desk.settle(event)
    row = await desk.row(event)
    assert (row["width"], row["height"], row["media_type"], row["alpha"]) == facts
    assert row["bytes"] == len(data)
    [fact] = await desk.has_told(1)
    assert (fact.data.image.width, fact.data.image.height, *facts[2:]) == facts
    assert fact.data.image.bytes == len(data)


@pytest.mark.parametrize(
    ("size", "small"), [((1600, 800), (512, 256)), ((20, 10), (20, 10)), ((3000, 1), (512, 1))]
)
async def test_a_thumbnail_is_a_small_webp_of_the_whole_picture(desk, size, small):
    event = await desk.event(picture("teal", size))
    await desk.settle(event)
    data = await desk.blobs.get((await desk.row(event))["thumbnail"])
    with Pillow.open(io.BytesIO(data)) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", small)


async def test_the_whole_history_is_kept(desk):
    record = step(
        "create.generate",
        provider="local",
        label="v1",
        params={"prompt": "x"},
        details={"$seed": 2**60, "a.b": None, "": [1.5]},
        notes=["Dithered."],
        seconds=1.5,
        cost={"amount": "0.0400"},
        quoted={"amount": "0.05"},
    )
    event = await desk.event(step=record, workflow="campaign", parents=[uuid4()])
    parent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    event = event.model_copy(update={"traceparent": parent})
    await desk.settle(event)
    row = await desk.row(event)
    assert (row["details"], row["params"]) == (record["details"], record["params"])
    assert (row["cost"]["amount"], row["quoted"]["amount"]) == ("0.04", "0.05")
    assert (row["trace_id"], row["workflow"], row["seconds"]) == ("a" * 32, "campaign", 1.5)
    assert row["parents"] == [str(one) for one in event.data.parents]
    assert (row["event_type"], row["source"]) == ("image.created", "/test")


async def test_a_history_that_cannot_be_kept_is_refused_with_the_reason(desk):
    event = await desk.event(step=step(details={"seed": 2**70}))
    assert (await desk.settle(event)).problem.rule == "library.not_keepable"


async def test_the_bytes_of_a_deleted_asset_are_kept_when_they_are_catalogued_again(desk):
    await desk.settle(event := await desk.event(picture("navy")))
    row_ = await desk.row(event)
    await desk.assets.remove("default", row_["_id"], None)
    await desk.settle(again := await desk.event(picture("navy")))
    now = Garbage(desk.database, desk.blobs, grace=-1)
    assert await now.collect() == 0
    assert await desk.blobs.exists((await desk.row(again))["blob"])


async def test_bytes_on_their_way_out_are_not_catalogued_until_that_is_decided(desk):
    event = await desk.event()
    claim = {"is_going": True, "at": row()["created_at"]}
    await desk.database.collection("garbage").upsert(event.data.image.blob, claim)
    settlement = await desk.settle(event)
    assert isinstance(settlement, Later)
    assert settlement.problem.rule == "library.blob_is_going"
    assert await desk.assets.rows.find({}) == []


async def test_a_picture_waits_for_room_by_its_true_size_and_not_by_what_is_claimed(desk):
    event = await desk.event(picture(size=(400, 300)))  # claimed to be 40 × 30
    async with desk.room.of(1):
        waiting = asyncio.create_task(desk.settle(event))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert await asyncio.wait_for(waiting, PATIENCE) == Done()
    assert (await desk.row(event))["width"] == 400
