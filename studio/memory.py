"""Memory: what the C library keeps of freed memory.

glibc gives each thread an arena of its own (mallopt(3), M_ARENA_MAX), and work on images runs in
many short-lived threads: an exporting optimizer held 0.6 GB of freed memory, and 0.4 GB with two
arenas, at the same speed (2026-11-25).
"""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8  # malloc.h of glibc
_ARENAS = 2


def keep_few_arenas() -> bool:
    """Bound the arenas, before the first thread starts; False where there is no glibc."""
    try:
        return bool(ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, _ARENAS))
    except (OSError, AttributeError):
        return False
