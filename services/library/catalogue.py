"""The catalogue: the way of one image into the library.

Measure → keep → do what the slip asks of us → tell. A crash anywhere repeats it and changes
nothing: a row is inserted once under the asset's id, a step is done once under its derived id,
and the fact that is told has a derived id, too.
"""

from __future__ import annotations

import logging
from uuid import UUID

from services.library.asset import image_of, row_of
from services.library.garbage import Garbage
from services.library.operations.organise import Organise
from services.library.store import AssetStore
from studio import metrics, telemetry
from studio.blobs.base import BlobStore, key_of
from studio.bus.base import MAX_CRASHES, Bus, Delivery, Settlement
from studio.compute import compute
from studio.events import FACT_OF_STUDIO, Event, ImageCatalogued, ImageRef, ItemData
from studio.imaging.decode import decode, inspect
from studio.imaging.encode import thumbnail
from studio.imaging.facts import ImageFacts
from studio.metadata import Document
from studio.problems import Broken, NotFound, Refused
from studio.room import Room
from studio.rpc import find_operation
from studio.settling import Settling, labels_among
from studio.slip import Slip, derived, step_id

log = logging.getLogger(__name__)

NAME = "library"


class Catalogue:
    """Assets, as events tell of them."""

    def __init__(
        self,
        bus: Bus,
        blobs: BlobStore,
        assets: AssetStore,
        garbage: Garbage,
        room: Room,
        thumbnail_side: int,
    ) -> None:
        """room: of the pixels that are at work at once. thumbnail_side: px."""
        self._bus, self._blobs, self._room = bus, blobs, room
        self._assets, self._garbage = assets, garbage
        self._thumbnail_side = thumbnail_side
        self._operations = {Organise.name: Organise()}
        labels = labels_among(self._operations)
        self._settling = Settling(NAME, self._advance, self._publish, owns=_is_ours, labels=labels)

    async def handle(self, delivery: Delivery) -> Settlement:
        """Settle one delivery (studio.settling says how errors end).

        An item that is on its way to another studio lives on there if we fail: ending it here
        would return its share while it is still being worked on.
        """
        return await self._settling.settle(delivery)

    async def _advance(self, event: Event, delivery: Delivery) -> None:
        """The heart: keep the image, do what we are asked to, tell."""
        data, claimed = self._item(event, delivery)
        image = await self._kept(event, data, claimed)
        slip = data.slip
        while slip.address == NAME:
            await self._perform(event, data, slip)
            slip = slip.advanced()
        await self._publish(self._fact(event, data, image, slip))

    def _item(self, event: Event, delivery: Delivery) -> tuple[ItemData, ImageRef]:
        data = event.data
        if not isinstance(data, ItemData) or data.image is None:
            raise Refused(
                rule="library.no_image",
                says=f"This {event.type} carries no image that could be catalogued.",
                fix="Put a step that makes an image before the library's, or give `data.image`.",
            )
        if delivery.crashes >= MAX_CRASHES:
            raise Refused(
                rule="step.crashes",
                says=f"Cataloguing it ended the library {delivery.crashes} times; it is given up.",
                fix="Look at the library's memory and logs, then replay the dead letter.",
            )
        return data, data.image

    async def _kept(self, event: Event, data: ItemData, claimed: ImageRef) -> ImageRef:
        """The image as it is in the catalogue, where it now is, unless people deleted it."""
        row = await self._assets.known(event.workspace, str(data.asset))
        if row is None and not await self._assets.is_deleted(event.workspace, str(data.asset)):
            row = await self._new_row(event, data, claimed)
            await self._assets.add(row)
        return image_of(row) if row else claimed

    async def _new_row(self, event: Event, data: ItemData, claimed: ImageRef) -> Document:
        """What the image really is, and a thumbnail of it; publishers may claim anything."""
        await self._garbage.keep(claimed.blob)
        with telemetry.span("fetch", blob=claimed.blob):
            blob = await self._blobs.get(claimed.blob)
        with telemetry.span("thumbnail", bytes=len(blob)):
            facts, small = await self._seen(blob)
        await self._garbage.keep(key_of(small))
        with telemetry.span("store", bytes=len(small)):
            key = await self._blobs.put(small)
        image = ImageRef(blob=claimed.blob, bytes=len(blob), **facts.model_dump())
        return row_of(event, data, image, key)

    async def _seen(self, blob: bytes) -> tuple[ImageFacts, bytes]:
        """The file's own facts and its thumbnail; only pixels tell whether transparency is used."""
        facts = await compute(inspect, blob)
        async with self._room.of(facts.width * facts.height):
            alpha, small = await compute(_thumbnail, blob, self._thumbnail_side)
        return facts.with_(alpha=alpha), small

    async def _perform(self, event: Event, data: ItemData, slip: Slip) -> None:
        """Do the head step, once: what people change after it is not changed back by a
        redelivery. Where the asset was deleted there is nothing left to do."""
        operation = find_operation(self._operations, slip.head.operation)
        params = operation.parse(slip.head.params)
        step = str(step_id(_known(data.run), _known(data.item), slip))

        def organised(row: Document) -> Document:
            if step in row["steps"]:
                return row
            return {**operation.organised(row, params), "steps": [*row["steps"], step]}

        try:
            await self._assets.change(event.workspace, str(data.asset), organised)
        except NotFound:
            log.info("Asset %s was deleted before it was organised", data.asset)
        metrics.steps.labels(operation.name, operation.providers[0], "made").inc()

    def _fact(self, event: Event, data: ItemData, image: ImageRef, slip: Slip) -> Event:
        """The item is handed on if we were asked, and ends if nothing is ahead of it; else it is
        travelling elsewhere, and this is a mere fact."""
        is_ours = _is_ours(data)
        told = ImageCatalogued(
            **data.model_dump(exclude={"image", "slip", "returned"}),
            image=image,
            slip=slip if is_ours else Slip(),
            returned=data.share if slip.is_done else None,
        )
        return Event.of(
            FACT_OF_STUDIO[NAME],
            told,
            id_=derived(data.run, data.item, data.asset, slip.position, "catalogued"),
            source=f"/studio/{NAME}",
            subject=str(data.asset),
            workspace=event.workspace,
            lane=event.lane,
        )

    async def _publish(self, fact: Event) -> None:
        with telemetry.producing(fact, fact.routing_key) as carried:
            await self._bus.publish(carried.to_message())


def _is_ours(data: ItemData) -> bool:
    """Whether the item's way leads through us now, or ends with us."""
    return data.slip.is_done or data.slip.address == NAME


def _known(id_: UUID | None) -> UUID:
    if id_ is None:
        raise Broken(rule="event.ids", says="An event was not parsed before it was worked on.")
    return id_


def _thumbnail(blob: bytes, side: int) -> tuple[bool, bytes]:
    image = decode(blob)
    return image.has_alpha, thumbnail(image, side)
