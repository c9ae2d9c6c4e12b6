"""Stores of one's own: a test may stop them and start them again where they were, on their data."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from embedded.servers import BLOB_PORTS, S3Address, blob_server, free_ports, metadata_server

Address = TypeVar("Address")


class Store(Generic[Address]):
    """A server with a fixed address and data on disk."""

    def __init__(self, serve: Callable[[], AbstractAsyncContextManager[Address]]) -> None:
        self._serve, self._stack = serve, AsyncExitStack()

    async def start(self) -> Address:
        """Start it and wait until it answers; where it is."""
        return await self._stack.enter_async_context(self._serve())

    async def stop(self) -> None:
        """Stop it; its data stays."""
        await self._stack.aclose()

    async def __aenter__(self) -> Address:
        return await self.start()

    async def __aexit__(self, *_: Any) -> None:
        await self.stop()


def metadata_store(directory: Path) -> Store[str]:
    """A MongoDB wire server; its address is a URL."""
    return Store(partial(metadata_server, directory, free_ports(1)[0]))


def blob_store(directory: Path) -> Store[S3Address]:
    """An S3 server."""
    return Store(partial(blob_server, directory, free_ports(BLOB_PORTS)))
