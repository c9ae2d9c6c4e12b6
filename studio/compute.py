"""Compute: CPU work, off the event loop and bounded.

Pillow, NumPy, OpenCV, ONNX Runtime and ncnn release the GIL while they work, so
threads are enough and nothing is copied between processes.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def available_cpus() -> int:
    """CPUs that this process may use (the affinity mask, not the machine)."""
    return len(os.sched_getaffinity(0))


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
