"""The shelf: results and files that a provider keeps for a while, and then no longer."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from tests.simulator.clock import Clock


@dataclass(frozen=True)
class Kept:
    """Bytes with an end."""

    data: bytes
    media_type: str
    until: float


class Shelf:
    """Kept bytes by their id."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, Kept] = {}

    def put(self, data: bytes, media_type: str, seconds: float) -> str:
        """Keep it so long, and say under which id."""
        name = uuid4().hex
        self._kept[name] = Kept(data, media_type, self._clock.now() + seconds)
        return name

    def get(self, name: str) -> Kept | None:
        """None if there is no such thing, or no longer."""
        kept = self._kept.get(name)
        return kept if kept and kept.until > self._clock.now() else None

    def clear(self) -> None:
        """Nothing is kept."""
        self._kept.clear()
