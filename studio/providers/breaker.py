"""Breaker: a provider that keeps failing is left alone for a while (Nygard, Release It!, 2007).

Closed until so many calls in a row have failed; then open; after a rest one call may try.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from studio.providers.call import ProviderAway

_FAILURES, _REST = 5, 30.0


class Breaker:
    """One provider's, in one process."""

    def __init__(self, provider: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._provider, self._clock = provider, clock
        self._failures, self._open_until = 0, 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are refused now."""
        return self._clock() < self._open_until

    def check(self) -> None:
        """Raise ProviderAway while it is open; afterwards the next call tries."""
        if self.is_open:
            raise ProviderAway(
                rule="provider.circuit_open",
                says=f"{self._provider} failed {_FAILURES} times in a row and is left alone.",
                fix="Nothing: it is tried again soon. Another provider may do it meanwhile.",
                retry_after=max(1.0, self._open_until - self._clock()),
            )

    def failed(self) -> None:
        """A call failed by the provider's fault."""
        self._failures += 1
        if self._failures >= _FAILURES:
            self._open_until = self._clock() + _REST

    def answered(self) -> None:
        """It answered, also with a refusal."""
        self._failures, self._open_until = 0, 0.0
