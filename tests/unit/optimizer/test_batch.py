"""Batch: the order of the work, how much of it at once, and what happens when some of it fails."""

import asyncio
import threading

import pytest

from services.optimizer.batch import in_threads
from studio.compute import available_cpus, compute


async def test_the_longest_work_begins_first_and_results_keep_their_order():
    begun: list[int] = []

    def work(one: int) -> int:
        begun.append(one)
        return one * one

    orders = [*range(100), 5000, *range(100, 200)]
    assert await in_threads(work, orders, float) == [one * one for one in orders]
    assert begun[0] == 5000
    assert set(begun[: available_cpus()]) <= {5000, *range(200 - available_cpus(), 200)}


async def test_exports_at_once_work_on_no_more_renditions_than_there_are_cpus():
    at_work, most, lock = 0, 0, threading.Lock()
    full = threading.Event()

    def work(_: int) -> None:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
            if at_work > available_cpus():
                full.set()
        full.wait(0.01)  # until there are too many, or there is time enough for it
        with lock:
            at_work -= 1

    await asyncio.gather(*(in_threads(work, range(20), float) for _ in range(4)))
    assert most == available_cpus()


async def test_a_short_export_does_not_wait_for_the_whole_of_a_long_one():
    done: list[str] = []

    def work(name: str) -> None:
        threading.Event().wait(0.002)
        done.append(name)

    long = asyncio.create_task(in_threads(work, ["long"] * 200, lambda _: 1.0))
    await asyncio.sleep(0.01)
    await in_threads(work, ["short"], lambda _: 1.0)
    assert len(done) < 100
    await long
    assert len(done) == 201


async def test_after_a_failure_nothing_more_is_begun():
    begun: list[int] = []

    def work(one: int) -> None:
        begun.append(one)
        raise ValueError(f"{one} failed")

    with pytest.raises(ValueError, match="failed"):
        await in_threads(work, range(1000), float)
    assert len(begun) <= 2 * available_cpus()
    seen = list(begun)
    await compute(lambda: None)
    assert begun == seen
