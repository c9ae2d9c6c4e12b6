"""`studio up`: the whole platform in this process, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import uvloop

from embedded.platform import platform
from studio import telemetry
from studio.settings import Settings, load


def up(data: Path, port: int) -> int:
    """Serve on `port`; everything is kept under `data`."""
    tracing = telemetry.configure("embedded", load(Settings))

    async def serve() -> None:
        stop = asyncio.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, stop.set)
        async with platform(data, port=port) as running:
            print(f"Image Studio is up at {running.url} (API: {running.url}/docs)", flush=True)
            await stop.wait()
            print("Draining …", flush=True)

    try:
        uvloop.run(serve())
    finally:
        tracing.shutdown()
    return 0
