"""A clock that a test can advance: 24 hours pass at once."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Real time plus what was added by hand."""

    def __init__(self) -> None:
        self._added_s = 0.0

    def now(self) -> float:
        """Seconds, monotonic; only differences mean anything."""
        return time.monotonic() + self._added_s

    def stamp(self) -> datetime:
        """The date and time, UTC."""
        return datetime.now(UTC) + timedelta(seconds=self._added_s)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._added_s += seconds

    def reset(self) -> None:
        """Back to real time."""
        self._added_s = 0.0
