"""Recovery: aio-pika's connection that heals itself, with an end to its patience.

A broker that was killed and started again may never answer `basic.consume` on a queue whose
leader is not elected yet (seen with RabbitMQ 3.10). aio-pika waits for that answer without a limit
while it restores a channel, and the connection, alive by its heartbeats, would consume nothing for
ever. Here a channel that is not restored in time fails; then aio-pika closes the connection and
tries anew.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aio_pika import RobustChannel, RobustConnection, connect_robust
from aio_pika.abc import TimeoutType

#: How long a broker may take to restore one channel, s. An election takes a second or two.
RESTORE_SECONDS = 5.0


class PatientChannel(RobustChannel):
    """A channel whose restoring fails if it takes too long."""

    is_whole = True  # with its queues and consumers; not while it is restored

    async def restore(self, channel: Any = None) -> None:
        """Reopen it with its queues and consumers. TimeoutError after RESTORE_SECONDS."""
        self.is_whole = False
        async with asyncio.timeout(RESTORE_SECONDS):
            await super().restore(channel)
        self.is_whole = True


class PatientConnection(RobustConnection):
    """A connection of such channels."""

    CHANNEL_CLASS = PatientChannel

    async def connect(self, timeout: TimeoutType = None) -> None:  # noqa: ASYNC109 - aio-pika's
        """Connect for the first time; what cannot, or is cancelled, does not go on trying."""
        try:
            await super().connect(timeout)
        except BaseException:
            await self.close()
            raise


async def connected(url: str, name: str, *, patience: float) -> PatientConnection:
    """Open a connection under a name that the broker's administrators see.

    patience: how long each attempt to connect may take, s.
    """
    return await connect_robust(
        url,
        timeout=patience,
        reconnect_interval=1,
        connection_class=PatientConnection,
        client_properties={"connection_name": f"image-studio {name}"},
    )
