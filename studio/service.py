"""The service host: what every process of Image Studio does besides its own subject.

It is handed its ports (a bus, a blob store, a database), consumes one queue, answers gRPC and
probes, and drains on SIGTERM. It does not know whether it is alone in a pod or one of six in a
single process.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import uvloop
from fastapi import FastAPI

from studio import metrics, telemetry
from studio.blobs.base import BlobStore
from studio.blobs.s3 import S3BlobStore
from studio.bus.base import Bus, Consumption, Delivery, Queue, Settlement
from studio.bus.rabbit import RabbitBus
from studio.findings import Findings
from studio.ledger import Ledger
from studio.memory import keep_few_arenas
from studio.metadata import Database, Index, Metadata
from studio.operation import AnyOperation
from studio.probes import HttpServer, Readiness, add_probes
from studio.problems import Unavailable
from studio.providers.accounts import accounts
from studio.providers.buying import Buyer
from studio.providers.purchases import Purchases
from studio.providers.reconcile import TELL_THEIR_BALANCE, Reconciler
from studio.providers.turns import Turns
from studio.rpc import GrpcServer, StudioServicer
from studio.settings import Settings, load
from studio.supervision import Supervision
from studio.v1 import studio_pb2_grpc
from studio.worker import Worker

log = logging.getLogger(__name__)

T = TypeVar("T")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ports:
    """What a service is handed; it opens nothing itself."""

    bus: Bus
    blobs: BlobStore
    database: Database
    settings: Settings


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

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.tasks = Supervision(self.name)

    @abstractmethod
    async def handle(self, delivery: Delivery) -> Settlement:
        """Settle one delivery of the queue."""

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


class StudioService(Service):
    """A service that performs operations."""

    def __init__(self, name: str, ports: Ports, operations: Iterable[AnyOperation]) -> None:
        self.name = name
        super().__init__(ports)
        self.queue = Queue(name, bindings=(f"*.*.{name}",))
        self.indexes = (*Ledger.indexes, *Findings.indexes, *Purchases.indexes)
        self._operations = tuple(operations)
        ledger, findings = (
            Ledger(ports.database, ports.settings.lease),
            Findings(ports.database),
        )
        purchases = Purchases(ports.database)
        share: float = getattr(ports.settings, "provider_share", 1.0)
        self._buyer = Buyer(
            accounts(ports.settings),
            purchases,
            Turns(ports.database),
            ports.blobs,
            share=share,
        )
        self._reconcilers = [
            Reconciler(one, purchases, ports.database, self._buyer.client)
            for name_, one in self._buyer.accounts.items()
            if name_ in TELL_THEIR_BALANCE and share == 1  # else others spend of its balance
        ]
        self._worker = Worker(
            name, self._operations, ports.bus, ports.blobs, ledger, findings, self._buyer
        )

    @asynccontextmanager
    async def background(self) -> AsyncIterator[None]:
        """The connections to providers, and the reading of their bills."""
        for one in self._reconcilers:
            await one.open()
            every = getattr(self.ports.settings, "reconcile_interval", 600.0)
            self.tasks.repeat("reconciling", one.reconcile, every=every)
        try:
            yield
        finally:
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
    """Run a service inside this event loop; leaving the block drains it."""
    ports, settings = service.ports, service.ports.settings
    readiness = Readiness(
        {
            "bus": ports.bus.ping,
            "metadata": ports.database.ping,
            "blobs": ports.blobs.ping,
            "tasks": service.tasks.check,
        }
    )
    app = service.http()
    add_probes(app, readiness)
    grpc = GrpcServer()
    http = HttpServer(app, settings.host, settings.http_port)
    async with AsyncExitStack() as stack:
        names = service.register(grpc)
        grpc_port = await grpc.start(settings.host, settings.grpc_port, names)
        stack.push_async_callback(grpc.stop, 2)
        http_port = await http.start()
        stack.push_async_callback(http.stop)
        log.info("Listening: gRPC on port %s, HTTP on port %s", grpc_port, http_port)
        await _until_available(ports.database.ensure_indexes, service.indexes)
        await stack.enter_async_context(service.background())
        stack.push_async_callback(service.tasks.stop)  # before what they work with is closed
        if service.queue:
            consumption = await _consuming(service, service.queue)
            stack.push_async_callback(_drain, service, readiness, consumption)
        yield Addresses(f"{settings.host}:{grpc_port}", f"{settings.host}:{http_port}")


async def _consuming(service: Service, queue: Queue) -> Consumption:
    bus = service.ports.bus

    async def counted(delivery: Delivery) -> Settlement:
        settlement = await service.handle(delivery)
        how = type(settlement).__name__.lower()
        metrics.deliveries.labels(queue.name, delivery.message.lane, how).inc()
        return settlement

    async def begin(wanted: Queue) -> Consumption:
        return await bus.consume(wanted, counted, prefetch=service.ports.settings.prefetch)

    consumption = await _until_available(begin, queue)
    metrics.consuming.labels(service.name).set(1)
    return consumption


async def _drain(service: Service, readiness: Readiness, consumption: Consumption) -> None:
    readiness.is_draining = True
    metrics.consuming.labels(service.name).set(0)
    await consumption.drain(service.ports.settings.drain_grace)


async def _until_available(action: Callable[[T], Awaitable[Result]], argument: T) -> Result:
    """Services start in any order: wait for what is not there yet."""
    while True:
        try:
            return await action(argument)
        except Unavailable as away:
            log.warning("Waiting: %s", away.says)
            await asyncio.sleep(1)


@asynccontextmanager
async def open_ports(service: str, settings: Settings) -> AsyncIterator[Ports]:
    """Connect to RabbitMQ, MongoDB and S3 as the settings say."""
    async with AsyncExitStack() as stack:
        metadata = Metadata(settings.mongo_url)
        stack.push_async_callback(metadata.close)
        blobs = S3BlobStore.from_settings(settings)
        stack.push_async_callback(blobs.close)
        bus = RabbitBus(settings.amqp_url, prefix=settings.amqp_prefix, name=service)
        stack.push_async_callback(bus.close)
        database = metadata.database(f"{settings.database_prefix}_{service}")
        yield Ports(bus, blobs, database, settings)


def main(name: str, build: Callable[[Ports], Service], kind: type[Settings] = Settings) -> None:
    """Run one service as this process, until SIGTERM or SIGINT."""
    keep_few_arenas()
    settings = load(kind)
    tracing = telemetry.configure(name, settings)

    async def serve() -> None:
        stop = asyncio.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, stop.set)
        async with open_ports(name, settings) as ports, running(build(ports)):
            log.info("%s is running", name)
            await stop.wait()
            log.info("%s is draining", name)

    try:
        uvloop.run(serve())
    finally:
        tracing.shutdown()
