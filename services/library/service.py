"""The library, wired."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.library.catalogue import NAME, Catalogue
from services.library.garbage import Garbage
from services.library.operations.organise import Organise
from services.library.search import INDEXES
from services.library.servicer import LibraryServicer
from services.library.settings import LibrarySettings
from services.library.store import AssetStore
from studio.bus.base import Delivery, Queue, Settlement
from studio.room import Room
from studio.rpc import GrpcServer, StudioServicer
from studio.service import Ports, Service
from studio.v1 import library_pb2_grpc, studio_pb2_grpc

log = logging.getLogger(__name__)


class Library(Service):
    """Hears of every image, whoever announces it."""

    name = NAME
    queue = Queue(
        NAME,
        bindings=(
            "image.created.#",
            "image.edited.#",
            "image.upscaled.#",
            "image.optimized.#",
            f"*.*.{NAME}",
        ),
    )
    indexes = (*INDEXES, *AssetStore.indexes)

    def __init__(self, ports: Ports) -> None:
        super().__init__(ports)
        settings = ports.settings
        self._settings = settings if isinstance(settings, LibrarySettings) else LibrarySettings()
        self._garbage = Garbage(ports.database, ports.blobs, self._settings.garbage_grace)
        self._assets = AssetStore(ports.database, self._garbage)
        self._room = Room(settings.pixels_at_once)
        self._catalogue = Catalogue(
            ports.bus,
            ports.blobs,
            self._assets,
            self._garbage,
            self._room,
            self._settings.thumbnail_side,
        )

    async def handle(self, delivery: Delivery) -> Settlement:
        """Catalogue what an event tells of."""
        return await self._catalogue.handle(delivery)

    def register(self, grpc: GrpcServer) -> Sequence[str]:
        """The library's own contract, and Describe and Quote of its operations."""
        own = LibraryServicer(self.ports.bus, self.ports.blobs, self._assets, self._room)
        library_pb2_grpc.add_LibraryServicer_to_server(own, grpc.server)
        studio_pb2_grpc.add_StudioServicer_to_server(
            StudioServicer(NAME, [Organise()]), grpc.server
        )
        return (LibraryServicer.full_name, StudioServicer.full_name)

    @asynccontextmanager
    async def background(self) -> AsyncIterator[None]:
        """Collect garbage now and then; make what former releases catalogued findable by all."""
        often = self._settings.garbage_interval
        # Not once: a replica of the former release may go on adding rows for a while.
        self.tasks.repeat("indexing", self._index_anew, every=often)
        self.tasks.repeat("collecting", self._garbage.collect, every=often)
        yield

    async def _index_anew(self) -> None:
        if renewed := await self._assets.index_anew():
            log.info("Indexed %d assets of a former release anew", renewed)


def library(ports: Ports) -> Service:
    """The catalogue, its search and its upkeep."""
    return Library(ports)
