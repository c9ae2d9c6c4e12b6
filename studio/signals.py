"""Signals: SIGTERM while a service is still being imported. Import this before all else.

Process 1 of a container has no default actions: the kernel discards a SIGTERM that it has no
handler for, and whoever sent it waits for the whole grace period. A service imports for a second
or two until its event loop listens to signals (studio.startup); from this import until then SIGTERM
ends it at once, with status 0: nothing has begun. What is left is the start of the interpreter.
"""

from __future__ import annotations

import os
import signal


def _end(*_: object) -> None:
    os._exit(0)  # not sys.exit: a library that is being imported might catch that


signal.signal(signal.SIGTERM, _end)
