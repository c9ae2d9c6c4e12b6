"""The whole platform in one process.

The services are the very ones that run alone in pods; only their ports differ. The broker is the
in-process bus: what it held is lost with the process, but nothing else is, so at the next start
the gateway publishes the beginnings of unfinished runs again, and the ledgers replay what had been
done until the work stands where it stood (docs/adr/0002).
"""

from __future__ import annotations

import fcntl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded.servers import blob_server, metadata_server
from gateway.service import gateway
from gateway.settings import GatewaySettings
from services.create.service import create
from services.create.settings import CreateSettings
from services.edit.service import edit
from services.library.service import library
from services.library.settings import LibrarySettings
from services.optimizer.service import optimizer
from services.upscale.service import upscale
from studio import listening
from studio.blobs.s3 import S3BlobStore
from studio.bus.memory import MemoryBus
from studio.metadata import Metadata
from studio.problems import Refused
from studio.providers.accounts import ProviderSettings
from studio.service import Ports, Service, running
from studio.settings import Settings

STUDIOS: dict[str, Callable[[Ports], Service]] = {
    "create": create,
    "edit": edit,
    "upscale": upscale,
    "optimizer": optimizer,
    "library": library,
}


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform."""

    url: str  # of the HTTP API
    data: Path


@asynccontextmanager
async def platform(
    data: Path, *, port: int = 0, host: str = "127.0.0.1"
) -> AsyncIterator[Platform]:
    """Run everything; data is kept under `data`. Leaving the block drains and stops it all.

    Misconfigured if the port is taken, Refused if another platform has the data; nothing is
    started then.
    """
    listening.listener("STUDIO_HTTP_PORT", host, port).close()
    async with AsyncExitStack() as stack:
        stack.enter_context(_held(data))
        mongo_url = await stack.enter_async_context(metadata_server(data / "metadata"))
        s3 = await stack.enter_async_context(blob_server(data / "blobs"))
        stores = {
            "mongo_url": mongo_url,
            "s3_endpoint": s3.endpoint,
            "s3_access_key": s3.access_key,
            "s3_secret_key": s3.secret_key,
        }
        settings = Settings.model_validate(stores)
        metadata = Metadata(mongo_url)
        stack.push_async_callback(metadata.close)
        blobs = S3BlobStore.from_settings(settings)
        stack.push_async_callback(blobs.close)
        bus = MemoryBus()
        stack.push_async_callback(bus.close)

        def ports(service: str, own: Settings) -> Ports:
            database = metadata.database(f"{own.database_prefix}_{service}")
            shared = metadata.database(f"{own.database_prefix}_accounts")
            return Ports(bus, blobs, database, own, accounts=shared)

        buying = ProviderSettings.model_validate({**stores, **ProviderSettings().buying()})
        own_settings = {
            "create": CreateSettings.model_validate({**stores, **CreateSettings().buying()}),
            "edit": buying,
            "upscale": buying,
            "library": LibrarySettings.model_validate(stores),
        }
        addresses = {}
        for name, build in STUDIOS.items():
            own = own_settings.get(name, settings)
            running_at = await stack.enter_async_context(running(build(ports(name, own))))
            addresses[f"{name}_grpc"] = running_at.grpc
        front = GatewaySettings.model_validate(
            {**stores, **addresses, "host": host, "http_port": port, "resume_on_start": True}
        )
        served = await stack.enter_async_context(running(gateway(ports("gateway", front))))
        yield Platform(url=f"http://{served.http}", data=data)


@contextmanager
def _held(data: Path) -> Iterator[None]:
    """The folder as ours alone: a second platform would take the first one's stores for left-overs
    and end them. The system lets go of it when this process ends, however that happens."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(
                rule="embedded.data_in_use",
                says=f"Another Image Studio runs on the data in {data}.",
                fix="Stop it, or name another folder with --data.",
            ) from error
        yield
