"""The service host: what every process of Image Studio does besides its own subject.

It is handed its ports (a bus, a blob store, a database), consumes one queue, answers gRPC and
probes, and drains when it is told to end (studio.startup). It does not know whether it is alone in
a pod or one of six in a single process.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from fastapi import FastAPI

from studio import metrics
from studio.blobs.base import BlobStore
from studio.bus.base import Bus, Consumption, Dead, Delivery, Later, Queue, Settlement
from studio.findings import Findings
from studio.ledger import Ledger
from studio.metadata import Database, Index
from studio.operation import AnyOperation
from studio.probes import HttpServer, Readiness, add_probes
from studio.problems import Broken, Unavailable
from studio.providers.accounts import ProviderSettings, accounts, idle_settings
from studio.providers.buying import Buyer
from studio.providers.purchases import Purchases
from studio.providers.reconcile import Reconciler, reconcilers
from studio.providers.telling import EVERY, Telling
from studio.providers.turns import Turns
from studio.room import Room
from studio.rpc import GrpcServer, StudioServicer
from studio.settings import Settings
from studio.supervision import Supervision
from studio.v1 import studio_pb2_grpc
from studio.worker import Worker

log = logging.getLogger(__name__)

#: Requests that are running when the work is done may take this long at least, s.
_LAST_ANSWERS = 5.0

T = TypeVar("T")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ports:
    """What a service is handed; it opens nothing itself."""

    bus: Bus
    blobs: BlobStore
    database: Database
    settings: Settings
    accounts: Database | None = None  # what services that buy share (docs/adr/0015); None: its own


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running service can be reached."""

    grpc: str | None
    http: str


class Service(ABC):
    """One service: subclass it, and give it to `main` or to `running`."""

    name: str
    queue: Queue | None = None
    indexes: tuple[Index, ...] = ()
    #: It is not ready while one of these is away; the others it only tells of (studio.probes).
    requires: frozenset[str] = frozenset(("bus", "metadata", "blobs", "tasks"))

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.tasks = Supervision(self.name)

    @abstractmethod
    async def handle(self, delivery: Delivery) -> Settlement:
        """Settle one delivery of the queue."""

    async def prepare(self, _: None = None) -> None:
        """Create the indexes that are missing."""
        await self.ports.database.ensure_indexes(self.indexes)

    def register(self, grpc: GrpcServer) -> Sequence[str]:
        """Add gRPC servicers; returns their full names. None by default."""
        return ()

    def http(self) -> FastAPI:
        """The HTTP application; probes are added to it."""
        return FastAPI(openapi_url=None)

    @asynccontextmanager
    async def background(self) -> AsyncIterator[None]:
        """Whatever else runs while the service does; long-lived tasks are given to `tasks`."""
        yield

    def leave(self) -> None:  # noqa: B027 - most have nothing to end
        """End what would go on for as long as a client likes: the last requests are finished."""


class StudioService(Service):
    """A service that performs operations."""

    def __init__(self, name: str, ports: Ports, operations: Iterable[AnyOperation]) -> None:
        self.name = name
        super().__init__(ports)
        self.queue = Queue(name, bindings=(f"*.*.{name}",))
        self.indexes = (*Ledger.indexes, *Findings.indexes)
        self._operations = tuple(operations)
        ledger, findings = (
            Ledger(ports.database, ports.settings.lease),
            Findings(ports.database),
        )
        self._books = ports.accounts or ports.database
        self._buyer: Buyer | None = None
        self._reconcilers: list[Reconciler] = []
        self._telling: Telling | None = None
        self._tell_every = self._reconcile_every = EVERY
        if isinstance(ports.settings, ProviderSettings):
            self._buyer = self._buying(ports.settings)
        room = Room(ports.settings.pixels_at_once)
        self._worker = Worker(
            name, self._operations, ports.bus, ports.blobs, ledger, findings, self._buyer, room
        )

    def _buying(self, settings: ProviderSettings) -> Buyer:
        """Who pays, and who reads the bills."""
        purchases = Purchases(self._books, longest_job=settings.longest_job)
        share = settings.provider_share
        buyer = Buyer(
            accounts(settings),
            purchases,
            Turns(self._books),
            self.ports.blobs,
            share=share,
            second_look=settings.lease,
        )
        self._telling = Telling(purchases, self.ports.bus, self.name)
        self._tell_every = min(EVERY, settings.reconcile_interval)
        self._reconcile_every = settings.reconcile_interval
        for setting, lacks in idle_settings(settings).items():
            log.warning("%s is of no use: %s is not set", setting, lacks)
        if share == 1:  # else others spend of the balances
            self._reconcilers = reconcilers(
                buyer.accounts.values(),
                purchases,
                self._books,
                buyer.client,
                quiet=settings.reconcile_interval,
            )
        return buyer

    async def prepare(self, _: None = None) -> None:
        """Also of what is shared with the other services that buy."""
        await super().prepare()
        if self._buyer:
            await self._books.ensure_indexes(Purchases.indexes)

    @asynccontextmanager
    async def background(self) -> AsyncIterator[None]:
        """The connections to providers, and the reading of their bills."""
        if self._telling:
            self.tasks.repeat("telling", self._telling.tell, every=self._tell_every)
        for one in self._reconcilers:
            await one.open()
            self.tasks.repeat(
                f"reconciling {one.provider}", one.reconcile, every=self._reconcile_every
            )
        try:
            yield
        finally:
            if self._buyer:
                await self._buyer.close()

    async def handle(self, delivery: Delivery) -> Settlement:
        """Advance the item by one step."""
        return await self._worker.handle(delivery)

    def register(self, grpc: GrpcServer) -> Sequence[str]:
        """Describe and Quote."""
        servicer = StudioServicer(str(self.name), self._operations)
        studio_pb2_grpc.add_StudioServicer_to_server(servicer, grpc.server)
        return (StudioServicer.full_name,)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Addresses]:
    """Run a service inside this event loop; leaving the block drains it.

    Probes are answered from the first moment to the last. Misconfigured if a port is taken.
    """
    ports, settings = service.ports, service.ports.settings
    checks = {
        "bus": ports.bus.ping,
        "metadata": ports.database.ping,
        "blobs": ports.blobs.ping,
        "tasks": service.tasks.check,
    }
    readiness = Readiness(checks, service.name, requires=service.requires)
    readiness.waits_for = "It is starting."
    metrics.build_info.labels(service.name, metrics.version()).set(1)
    app = service.http()
    add_probes(app, readiness)
    grpc, http = GrpcServer(), HttpServer(app, settings.host, settings.http_port)
    async with AsyncExitStack() as stack:
        http_port = await http.start()
        stack.push_async_callback(http.stop, 0)
        names = service.register(grpc)
        grpc_port = await grpc.start(settings.host, settings.grpc_port, names)
        stack.push_async_callback(grpc.stop, 0)
        log.info("Listening: gRPC on port %s, HTTP on port %s", grpc_port, http_port)
        await until_available(service.prepare, None, readiness)
        await stack.enter_async_context(service.background())
        stack.push_async_callback(service.tasks.stop)  # before what they work with is closed
        consumption = await _consuming(service, readiness)
        stack.push_async_callback(_drain, service, readiness, consumption, http, grpc)
        readiness.waits_for = None
        yield Addresses(f"{settings.host}:{grpc_port}", f"{settings.host}:{http_port}")


async def _consuming(service: Service, readiness: Readiness) -> Consumption | None:
    queue, bus = service.queue, service.ports.bus
    if queue is None:
        return None

    async def counted(delivery: Delivery) -> Settlement:
        lane = delivery.message.lane
        metrics.delivery_age.labels(queue.name, lane).observe(delivery.age)
        try:
            settlement = await service.handle(delivery)
        except Exception as error:
            log.exception("A handler failed")
            settlement = Later(Broken.because(error).as_problem())
        how = "dead" if _dies(delivery, settlement) else type(settlement).__name__.lower()
        metrics.deliveries.labels(queue.name, lane, how).inc()
        if how == "dead" and isinstance(settlement, Dead | Later):
            metrics.dead_letters.labels(queue.name, settlement.problem.rule).inc()
        return settlement

    async def begin(wanted: Queue) -> Consumption:
        return await bus.consume(wanted, counted, prefetch=service.ports.settings.prefetch)

    consumption = await until_available(begin, queue, readiness)
    metrics.consuming.labels(service.name).set(1)
    return consumption


def _dies(delivery: Delivery, settlement: Settlement) -> bool:
    """Whether the bus buries it (studio.bus.base says when)."""
    if isinstance(settlement, Later):
        return settlement.counted and delivery.is_last_attempt
    return isinstance(settlement, Dead)


async def _drain(
    service: Service,
    readiness: Readiness,
    consumption: Consumption | None,
    http: HttpServer,
    grpc: GrpcServer,
) -> None:
    """Not ready from now on; take no more work, hand back, finish what runs; and only then take
    no more requests, and finish those. All within the grace and a few seconds."""
    settings, now = service.ports.settings, asyncio.get_running_loop().time
    deadline = now() + settings.drain_grace
    readiness.is_draining = True
    metrics.consuming.labels(service.name).set(0)
    forgotten = asyncio.sleep(min(settings.drain_delay, settings.drain_grace))
    work = [consumption.drain(settings.drain_grace)] if consumption else []
    await asyncio.gather(forgotten, *work)
    service.leave()
    left = max(_LAST_ANSWERS, deadline - now())
    await asyncio.gather(http.stop(left), grpc.stop(min(_LAST_ANSWERS, left)))


async def until_available(
    action: Callable[[T], Awaitable[Result]], argument: T, readiness: Readiness | None = None
) -> Result:
    """Services start in any order: wait for what is not there yet, and say so."""
    while True:
        try:
            return await action(argument)
        except Unavailable as away:
            log.warning("Waiting: %s", away.says)
            if readiness:
                readiness.waits_for = away.says
            await asyncio.sleep(1)
