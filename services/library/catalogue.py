"""The catalogue: the way of one image into the library.

    read and prove the image → write its row once → do what its slip asks of us → tell

Every effect is idempotent: rows are inserted by asset id, facts have derived ids.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from services.library.asset import row_of, words_of
from services.library.operations.organise import Organise, Params
from services.library.settings import LibrarySettings
from studio import telemetry
from studio.blobs.base import BlobStore
from studio.bus.base import MAX_CRASHES, Bus, Dead, Delivery, Done, Later, Settlement
from studio.compute import compute
from studio.endings import failure_of
from studio.events import Event, ImageCatalogued, ImageCreated, ImageRef
from studio.imaging.decode import decode, inspect
from studio.imaging.encode import thumbnail
from studio.imaging.facts import ImageFacts
from studio.metadata import AlreadyThere, Database, Document
from studio.problems import Broken, NotFound, Refused, StudioError, Unavailable
from studio.rpc import find_operation
from studio.slip import Slip, derived

log = logging.getLogger(__name__)

NAME = "library"


class Catalogue:
    """Assets, as events tell of them."""

    def __init__(
        self, bus: Bus, blobs: BlobStore, database: Database, settings: LibrarySettings
    ) -> None:
        self._bus, self._blobs, self._settings = bus, blobs, settings
        self._assets = database.collection("assets")
        self._deleted = database.collection("deleted")
        self._collections = database.collection("collections")
        self._operations = {Organise.name: Organise()}

    async def handle(self, delivery: Delivery) -> Settlement:
        """Settle one delivery."""
        try:
            event = Event.parse(delivery.message.body)
        except Refused as malformed:
            log.warning("A message was not understood: %s", malformed.says)
            return Dead(malformed.as_problem())
        with telemetry.consuming(event, NAME, delivery.attempt):
            return await self._settle(event, delivery)

    async def _settle(self, event: Event, delivery: Delivery) -> Settlement:
        try:
            if delivery.crashes >= MAX_CRASHES:
                raise Refused(
                    rule="step.crashes", says="Cataloguing it ended its worker too often."
                )
            await self._advance(event)
        except NotFound as missing:  # a store that lags behind may still show it
            if not delivery.is_last_attempt:
                return Later(missing.as_problem())
            return await self._fail(event, missing, delivery)
        except Refused as refused:
            return await self._fail(event, refused, delivery)
        except Unavailable as away:
            if not delivery.is_last_attempt:
                return Later(away.as_problem(), delay=away.retry_after)
            return await self._fail(event, away, delivery)
        except Exception as error:
            log.exception("Cataloguing failed unexpectedly")
            broken = error if isinstance(error, StudioError) else Broken.because(error)
            if not delivery.is_last_attempt:
                return Later(broken.as_problem(telemetry.trace_id()))
            return await self._fail(event, broken, delivery)
        return Done()

    async def _advance(self, event: Event) -> None:
        if not isinstance(event.data, ImageCreated):
            raise Refused(
                rule="library.no_image",
                says=f"{event.type} carries no image that could be catalogued.",
                fix="Address only events with an image to the library.",
            )
        image = await self._catalogued(event, event.data)
        slip = event.data.slip
        was_asked = slip.address == NAME
        while slip.address == NAME:
            await self._organise(event, slip)
            slip = slip.advanced()
        await self._tell(event, event.data, image, slip, was_asked=was_asked)

    async def _catalogued(self, event: Event, data: ImageCreated) -> ImageRef:
        """Insert the row unless it is there, or was deleted; returns the image as measured."""
        id_ = str(data.asset)
        row = await self._assets.get(id_)
        if row is None and await self._deleted.get(id_) is None:
            image, small = await self._measured(data.image)
            row = row_of(event, image, await self._blobs.put(small))
            try:
                await self._assets.insert(row)
            except AlreadyThere:  # delivered twice at once
                log.debug("Asset %s is there already", id_)
            for name in row["collections"]:
                await self._ensure_collection(event.workspace, name)
        if row is None:
            return data.image
        return ImageRef.model_validate({name: row[name] for name in ImageRef.model_fields})

    async def _measured(self, claimed: ImageRef) -> tuple[ImageRef, bytes]:
        """What the image really is, and its thumbnail; outsiders may claim anything."""
        with telemetry.span("fetch", blob=claimed.blob):
            blob = await self._blobs.get(claimed.blob)
        with telemetry.span("thumbnail", bytes=len(blob)):
            facts, small = await compute(_seen, blob, self._settings.thumbnail_side)
        image = ImageRef(blob=claimed.blob, bytes=len(blob), **facts.model_dump())
        return image, small

    async def _organise(self, event: Event, slip: Slip) -> None:
        operation = find_operation(self._operations, slip.head.operation)
        params: Params = operation.parse(slip.head.params)
        row = await self._assets.get(str(event.data.asset))
        if row is None:
            return  # deleted meanwhile: there is nothing to organise
        fields: Document = {"updated_at": datetime.now(UTC)}
        row["tags"] = sorted({*row["tags"], *params.tags})
        if params.collection:
            await self._ensure_collection(event.workspace, params.collection)
            row["collections"] = sorted({*row["collections"], params.collection})
        if params.favourite is not None:
            row["favourite"] = fields["favourite"] = params.favourite
        if params.title:
            row["title"] = fields["title"] = params.title
        await self._assets.update_one(
            {"_id": row["_id"]},
            {
                "$set": fields,
                "$addToSet": {
                    "tags": {"$each": row["tags"]},
                    "collections": {"$each": row["collections"]},
                    "words": {"$each": words_of(row)},
                },
            },
        )

    async def _ensure_collection(self, workspace: str, name: str) -> None:
        await self._collections.upsert(
            str(derived("collection", workspace, name)),
            {},
            on_insert={
                "workspace": workspace,
                "name": name,
                "description": "",
                "created_at": datetime.now(UTC),
            },
        )

    async def _tell(
        self, event: Event, data: ImageCreated, image: ImageRef, slip: Slip, *, was_asked: bool
    ) -> None:
        """Hand the item on if we were asked; end it if nothing is ahead; else state the fact."""
        ends = slip.is_done
        fact = ImageCatalogued(
            **data.model_dump(exclude={"image", "slip", "returned"}),
            image=image,
            slip=slip if was_asked else Slip(),
            returned=data.share if ends else None,
        )
        told = Event.of(
            "image.catalogued",
            fact,
            id_=derived(data.asset, slip.position, "catalogued"),
            source=f"/studio/{NAME}",
            subject=str(data.asset),
            workspace=event.workspace,
            lane=event.lane,
        )
        await self._publish(told)

    async def _fail(self, event: Event, error: StudioError, delivery: Delivery) -> Settlement:
        problem = error.as_problem(telemetry.trace_id())
        telemetry.mark_failed(error.says)
        fact = failure_of(event, problem, by=NAME, attempts=delivery.attempt)
        if fact is not None:
            try:
                await self._publish(fact)
            except Unavailable as away:  # the item must not die untold: come back
                return Later(away.as_problem(), delay=5, counted=False)
        log.warning("An image was not catalogued: %s", error.says)
        return Dead(problem)

    async def _publish(self, fact: Event) -> None:
        with telemetry.producing(fact, fact.routing_key) as carried:
            await self._bus.publish(carried.to_message())


def _seen(blob: bytes, side: int) -> tuple[ImageFacts, bytes]:
    return inspect(blob), thumbnail(decode(blob), side)
