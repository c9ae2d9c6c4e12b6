"""Batch: the order of the work, how much of it at once, and what happens when some of it fails."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.optimizer.batch import in_threads
from studio.compute import available_cpus


def test_the_longest_work_begins_first_and_results_keep_their_order():
    begun: list[int] = []

    def work(one: int) -> int:
        begun.append(one)
        return one * one

    with ThreadPoolExecutor(1) as pool:
        assert in_threads(work, [2, 5, 3], float, pool) == [4, 25, 9]
    assert begun == [5, 3, 2]


def test_two_batches_at_once_work_in_no_more_threads_than_one():
    seen, together = set[int](), threading.Barrier(2)

    def work(_: int) -> None:
        seen.add(threading.get_ident())

    def batch(_: int) -> None:
        together.wait(10)
        in_threads(work, range(200), float)

    with ThreadPoolExecutor(2) as callers:
        list(callers.map(batch, range(2)))
    assert len(seen) <= available_cpus()


def test_after_a_failure_nothing_more_is_begun_and_nothing_goes_on():
    begun: list[int] = []

    def work(one: int) -> None:
        begun.append(one)
        time.sleep(0.002)
        raise ValueError(f"{one} failed")

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(ValueError, match="failed"):
            in_threads(work, range(1000), float, pool)
        seen = list(begun)
        assert begun[0] == 999
        assert len(seen) < 1000
        assert pool.submit(lambda: list(begun)).result() == seen
