"""The gateway, wired."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from gateway.app import wired
from gateway.observed import OpenRuns
from gateway.runs import Runs
from gateway.settings import GatewaySettings
from gateway.store import INDEXES, RunStore
from gateway.studios import Studios
from gateway.tracker import NAME, Tracker
from studio.bus.base import Delivery, Queue, Settlement
from studio.service import Ports, Service

log = logging.getLogger(__name__)

#: A request publishes what it begins within this; what is older was cut off by a crash.
_BEGINNING = timedelta(seconds=5)


class Gateway(Service):
    """The API in front, and the tracker behind it."""

    name = "gateway"
    queue = Queue(NAME, bindings=("image.#", "workflow.#"))
    indexes = INDEXES
    #: Not the broker: a run that is accepted while it is away begins later (docs/adr/0007).
    requires = frozenset(("metadata", "blobs", "tasks"))

    def __init__(self, ports: Ports) -> None:
        super().__init__(ports)
        settings = ports.settings
        self._settings = settings if isinstance(settings, GatewaySettings) else GatewaySettings()
        self._studios = Studios(self._settings)
        self._store = RunStore(ports.database)
        self._runs = Runs(ports.bus, ports.blobs, ports.database, self._store, self._studios)
        self._tracker = Tracker(ports.bus, self._store)
        self._leaving = asyncio.Event()

    async def handle(self, delivery: Delivery) -> Settlement:
        """The tracker's work."""
        return await self._tracker.handle(delivery)

    def http(self) -> FastAPI:
        """The API."""
        return wired(
            self.ports.bus,
            self.ports.blobs,
            self._store,
            self._runs,
            self._studios,
            self._settings,
            self._leaving,
        )

    def leave(self) -> None:
        """End the streams: whoever follows a run goes on at another gateway, from the last event
        that it has."""
        self._leaving.set()

    @asynccontextmanager
    async def background(self) -> AsyncIterator[None]:
        """Settle, sweep, and take up what a crash interrupted."""
        sweep_every = self._settings.sweep_interval
        self.tasks.repeat(
            "settling", self._tracker.settle_changed, every=self._settings.settle_interval
        )
        self.tasks.repeat("sweeping", self._tracker.sweep, every=sweep_every)
        self.tasks.repeat("publishing", self._publish_unpublished, every=sweep_every)
        observing = OpenRuns(self._store).observe
        self.tasks.repeat("observing", observing, every=self._settings.observe_interval)
        if self._settings.resume_on_start:
            self.tasks.once("resuming", self._resume)
        try:
            yield
        finally:
            await self._studios.close()

    async def _publish_unpublished(self) -> None:
        if published := await self._runs.publish_unpublished(_BEGINNING):
            log.info("Published the beginnings of %d runs that a crash held", published)

    async def _resume(self) -> None:
        if resumed := await self._runs.resume():
            log.info("Took up %d unfinished runs", resumed)


def gateway(ports: Ports) -> Service:
    """The HTTP API and the tracker."""
    return Gateway(ports)
