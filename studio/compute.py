"""Compute: CPU work, off the event loop and bounded.

Pillow, NumPy, OpenCV, ONNX Runtime and ncnn release the GIL while they work, so
threads are enough and nothing is copied between processes.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


#: The CPU time that a container may take, in µs: a quota, or "max", and its period (cgroup v2).
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_cpus(quota: Path = _QUOTA) -> int:
    """CPUs that this process may use: those of its affinity mask, and no more than its container's
    quota, rounded up. A pod that is limited to two sees all of its node's."""
    free = len(os.sched_getaffinity(0))
    try:
        most, period = quota.read_text().split()
        return max(1, min(free, math.ceil(int(most) / int(period))))
    except (OSError, ValueError):  # no container of that kind, or no quota ("max")
        return free


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=available_cpus(), thread_name_prefix="compute")


async def compute(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function` on the compute threads, with this task's trace context.

    At most one call per CPU runs at a time; further calls wait their turn.
    """
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads(), lambda: context.run(function, *args, **kwargs))
