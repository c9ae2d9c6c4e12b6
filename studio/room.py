"""Room: how many pixels a process works on at once.

What a picture takes at work follows its pixels, and so the memory of a process follows the sum of
those at work at the same time. A large picture waits until there is room, and what comes after it
waits behind it, so that it is not overtaken for ever.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """So many pixels. One picture that is larger has all of it to itself."""

    def __init__(self, pixels: int) -> None:
        self._pixels = self._free = pixels
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def of(self, pixels: int) -> AsyncIterator[None]:
        """Wait until so many pixels are free, first come, first served, and take them meanwhile."""
        wanted = min(max(pixels, 0), self._pixels)
        await self._take(wanted)
        try:
            yield
        finally:
            self._free += wanted
            self._let_in()

    async def _take(self, wanted: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place = (wanted, turn)
        self._waiting.append(place)
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting.remove(place)
            else:  # it was let in, and does not come
                self._free += wanted
            self._let_in()
            raise

    def _let_in(self) -> None:
        while self._waiting:
            wanted, turn = self._waiting[0]
            if wanted > self._free:
                return
            self._waiting.popleft()
            self._free -= wanted
            turn.set_result(None)
