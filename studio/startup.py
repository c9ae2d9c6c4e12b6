"""Start-up: one service as a process, from its settings to its end.

    python -m services.edit              run it until SIGTERM
    python -m services.edit --prepare    create what it needs in the stores, and end: its indexes,
                                         its exchanges, queues and dead-letter queue, the bucket

A service prepares what it needs by itself when it starts, so `--prepare` is needed only where
that is to be done, or seen to be possible, before an upgrade: a Job of its own (deploy/k8s). It
waits for stores that are away, and ends with status 0 when all is there; doing it again changes
nothing.

A wrong setting ends the process with one sentence and status 78. What is away, or refuses our
credentials, is waited for, and the log, /startupz and /readyz say so: it may be an outage, or a
user that is created a moment later.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import uvloop

from studio import telemetry
from studio.blobs.s3 import S3BlobStore
from studio.bus.rabbit import RabbitBus
from studio.memory import keep_few_arenas
from studio.metadata import Metadata
from studio.service import Ports, Service, running, until_available
from studio.settings import Misconfigured, Settings, load, stop

log = logging.getLogger(__name__)

Build = Callable[[Ports], Service]
Work = Coroutine[Any, Any, None]


def main(name: str, build: Build, kind: type[Settings] = Settings) -> None:
    """Run one service as this process, until SIGTERM or SIGINT, or prepare its stores."""
    keep_few_arenas()
    parser = argparse.ArgumentParser(prog=name, description=f"The {name} service of Image Studio.")
    parser.add_argument("--prepare", action="store_true", help="create indexes, queues and bucket")
    only_prepare = parser.parse_args().prepare
    settings = load(kind)
    tracing = telemetry.configure(name, settings)
    try:
        uvloop.run((_prepare if only_prepare else _serve)(name, build, settings))
    except Misconfigured as wrong:
        stop(wrong.says)
    except Exception:
        log.critical("%s ended, which should not happen", name, exc_info=True)
        raise SystemExit(1) from None
    finally:
        tracing.shutdown()


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
        shared = metadata.database(f"{settings.database_prefix}_accounts")
        yield Ports(bus, blobs, database, settings, accounts=shared)


async def _serve(name: str, build: Build, settings: Settings) -> None:
    ended, started = _end_of_process(), asyncio.Event()

    async def serve() -> None:
        async with open_ports(name, settings) as ports, running(build(ports)):
            log.info("%s is running", name)
            started.set()
            await ended.wait()
            log.info("%s is draining", name)

    await _unless(ended, started, serve())


async def _prepare(name: str, build: Build, settings: Settings) -> None:
    ended, never = _end_of_process(), asyncio.Event()

    async def prepare() -> None:
        async with open_ports(name, settings) as ports:
            service = build(ports)
            await until_available(service.prepare, None)
            if service.queue:
                await until_available(ports.bus.declare, service.queue)
            await until_available(lambda _: ports.blobs.ping(), None)
            log.info("%s: indexes, queues and bucket are there", name)

    await _unless(ended, never, prepare())


def _end_of_process() -> asyncio.Event:
    """Set by SIGTERM and SIGINT, however often they come."""
    ended, loop = asyncio.Event(), asyncio.get_running_loop()

    def end() -> None:
        ended.set()
        # uvloop gives its signals back to Python's default before the last traces are sent
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, end)
    return ended


async def _unless(
    ended: asyncio.Event, started: asyncio.Event, work: Coroutine[Any, Any, None]
) -> None:
    """Do the work to its end; what has not started when the process is told to end is given up."""
    working = asyncio.create_task(work)
    ending = asyncio.create_task(ended.wait())
    await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if ended.is_set() and not started.is_set():
        working.cancel()
        await asyncio.wait({working})
        if working.cancelled():
            return
    await working
