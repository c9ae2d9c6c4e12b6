"""Rate limits: a sliding window per account, and the time-out after it."""

from __future__ import annotations

from collections import defaultdict, deque

from tests.simulator.clock import Clock
from tests.simulator.settings import Rate


class Window:
    """Counts what each account did in the last `window_s` seconds."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self.rate = rate
        self._clock = clock
        self._seen: dict[str, deque[float]] = defaultdict(deque)
        self._shut_until: dict[str, float] = {}

    def admit(self, key: str, count: int = 1) -> float:
        """Count it and return 0.0, or refuse it and return the seconds to wait, > 0."""
        now = self._clock.now()
        if (shut := self._shut_until.get(key, 0.0)) > now:
            return shut - now
        seen = self._recent(key, now)
        if len(seen) + count <= self.rate.requests:
            seen.extend([now] * count)
            return 0.0
        wait = self.rate.timeout_s or (seen[0] + self.rate.window_s - now if seen else 1.0)
        if self.rate.timeout_s:
            self._shut_until[key] = now + wait
        return max(wait, 0.001)

    def left(self, key: str) -> int:
        """How many more are allowed now."""
        return self.rate.requests - len(self._recent(key, self._clock.now()))

    def clear(self) -> None:
        """Nobody did anything."""
        self._seen.clear()
        self._shut_until.clear()

    def _recent(self, key: str, now: float) -> deque[float]:
        seen = self._seen[key]
        while seen and seen[0] <= now - self.rate.window_s:
            seen.popleft()
        return seen
