"""Measured: run a contender's work once for warmth and once for the record.

CPU seconds are those of the whole process with its threads and children, between the reading of
the master and the last rendition; imports and the first call of each encoder lie before it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.task import Task

Prepared = TypeVar("Prepared")

Render = Callable[[Task], list[bytes]]


def contend(render: Render) -> None:
    """The whole life of a contender: `warm.json`, `task.json` and an output folder as arguments.

    Prints one JSON object: cpu_s, wall_s, peak_rss_mb, idle_rss_mb.
    """
    contend_prepared(lambda task: task, render)


def contend_prepared(
    prepare: Callable[[Task], Prepared], render: Callable[[Prepared], list[bytes]]
) -> None:
    """As `contend`, for work on something that is made beforehand and not counted."""
    warm, task, folder = (Path(one) for one in sys.argv[1:4])
    render(prepare(Task.load(warm)))
    prepared = prepare(Task.load(task))
    idle = _status_mb("VmRSS")
    cpu, wall = _cpu(), time.perf_counter()
    files = render(prepared)
    cpu, wall = _cpu() - cpu, time.perf_counter() - wall
    peak = _status_mb("VmHWM")
    for index, data in enumerate(files):
        (folder / f"{index:02}").write_bytes(data)
    told = {"cpu_s": cpu, "wall_s": wall, "peak_rss_mb": peak, "idle_rss_mb": idle}
    sys.stdout.write(json.dumps(told))


def _cpu() -> float:
    now = os.times()
    return time.process_time() + now.children_user + now.children_system


def _status_mb(name: str) -> float:
    """Memory in MiB. Not getrusage: its peak begins with that of the process that started us."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise RuntimeError(f"/proc/self/status tells no {name}")
    return int(found[1]) / 1024
