"""Supervision: no long-lived task ends unnoticed."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest

from studio import supervision
from studio.probes import Readiness
from studio.problems import Unavailable
from studio.supervision import FAILING, Supervision, failures
from studio.telemetry import JsonLines

EVERY = 7.0


class Clock:
    """Sleeps take no time; what was asked for is written down."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


class Work:
    """Raises `error` while there is one, and counts what was tried and what succeeded."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error, self.tried, self.succeeded = error, 0, 0

    async def __call__(self) -> None:
        self.tried += 1
        if self.error:
            raise self.error
        self.succeeded += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def tasks(clock, unique) -> AsyncIterator[Supervision]:
    one = Supervision(unique, sleep=clock.sleep)
    yield one
    await one.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def test_work_that_raises_once_goes_on(tasks):
    errors = [ValueError("once")]

    async def work():
        if errors:
            raise errors.pop()
        done.append(1)

    done: list[int] = []
    tasks.repeat("sweeping", work, every=EVERY)
    await until(lambda: len(done) >= 5)


async def test_a_failure_is_counted_and_logged_with_its_traceback(tasks, unique, caplog):
    work = Work(ValueError("the reason"))
    tasks.once("sweeping", work)
    await until(lambda: work.tried == 1)
    work.error = None
    await until(lambda: work.succeeded == 1)
    assert failures.labels(unique, "sweeping")._value.get() == 1
    [record] = [one for one in caplog.records if one.levelno == logging.ERROR]
    line = json.loads(JsonLines("gateway").format(record))
    assert (line["task"], line["failures_in_a_row"], line["again_in_seconds"]) == ("sweeping", 1, 1)
    assert "Traceback" in line["exception"]
    assert "the reason" in line["exception"]


async def test_the_delay_doubles_up_to_a_bound_and_begins_anew_after_a_success(tasks, clock):
    work = Work(ValueError())
    tasks.repeat("sweeping", work, every=EVERY)
    await until(lambda: work.tried == 8)
    work.error = None
    await until(lambda: work.succeeded == 2)
    work.error = ValueError()
    await until(lambda: work.tried >= 12)
    assert clock.slept[:9] == [EVERY, 1, 2, 4, 8, 16, 30, 30, 30]
    assert [1, 2] in [list(pair) for pair in pairwise(clock.slept[9:])]


async def test_a_task_that_keeps_failing_makes_the_service_not_ready_until_it_recovers(tasks):
    readiness = Readiness({"tasks": tasks.check})
    work = Work(ValueError("every time"))
    tasks.repeat("sweeping", work, every=EVERY)
    await until(lambda: work.tried == FAILING - 1)
    await tasks.check()  # raises nothing yet
    await until(lambda: work.tried > FAILING)
    assert await readiness.problems() == {"tasks": "Failing again and again: sweeping."}
    work.error = None
    await until(lambda: work.succeeded > 0)
    assert await readiness.problems() == {}


async def test_a_neighbour_that_succeeds_hides_no_failing_task(tasks):
    bad, good = Work(ValueError()), Work()
    tasks.repeat("sweeping", bad, every=EVERY)
    tasks.repeat("settling", good, every=EVERY)
    await until(lambda: bad.tried > FAILING and good.succeeded > FAILING)
    assert await Readiness({"tasks": tasks.check}).problems() != {}


async def test_an_outage_is_waited_for_and_is_no_failure_of_the_task(tasks, unique, caplog):
    work = Work(Unavailable(rule="bus.unavailable", says="The broker does not answer."))
    tasks.repeat("sweeping", work, every=EVERY)
    await until(lambda: work.tried > FAILING)
    assert await Readiness({"tasks": tasks.check}).problems() == {}
    assert failures.labels(unique, "sweeping")._value.get() == 0
    assert "Sweeping waits: The broker does not answer." in caplog.messages
    work.error = None
    await until(lambda: work.succeeded > 0)


async def test_what_is_done_once_is_done_again_until_it_succeeds_and_not_after(tasks, clock):
    work = Work(ValueError())
    tasks.once("resuming", work)
    await until(lambda: work.tried == 3)
    work.error = None
    await until(lambda: work.succeeded == 1)
    for _ in range(20):
        await asyncio.sleep(0)
    assert work.succeeded == 1
    assert EVERY not in clock.slept


async def test_a_cancelled_future_inside_the_work_does_not_end_the_task(tasks, unique):
    lost = asyncio.get_running_loop().create_future()
    lost.cancel()
    futures = [lost]

    async def work():
        if futures:
            await futures.pop()
        done.append(1)

    done: list[int] = []
    tasks.repeat("publishing", work, every=EVERY)
    await until(lambda: bool(done))
    assert failures.labels(unique, "publishing")._value.get() == 1


async def test_stopping_cancels_the_work_and_waits_for_its_end(tasks):
    begun, ended = asyncio.Event(), []

    async def work():
        try:
            begun.set()
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            ended.append("cancelled")
            raise

    tasks.repeat("sweeping", work, every=0)
    await begun.wait()
    [task] = tasks._tasks
    await tasks.stop()
    assert task.cancelled()
    assert ended == ["cancelled"]


async def test_stopping_ends_a_task_between_two_failures(unique):
    work, sleeping = Work(ValueError()), asyncio.Event()

    async def sleep(_):
        sleeping.set()
        await asyncio.sleep(60)

    tasks = Supervision(unique, sleep=sleep)
    tasks.once("sweeping", work)
    await sleeping.wait()
    async with asyncio.timeout(10):
        await tasks.stop()
    assert work.tried == 1


async def test_stopping_ends_even_work_that_swallows_a_cancellation(tasks, monkeypatch):
    monkeypatch.setattr(supervision, "_STOP_SECONDS", 0.01)
    begun, swallowed = asyncio.Event(), []

    async def work():
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if swallowed:
                raise
            swallowed.append(1)

    tasks.repeat("sweeping", work, every=0)
    await begun.wait()
    async with asyncio.timeout(10):
        await tasks.stop()
    assert swallowed == [1]


async def test_whoever_is_cancelled_while_stopping_hears_of_it(tasks):
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def work():
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            await may_end.wait()

    tasks.once("sweeping", work)
    await begun.wait()
    stopping = asyncio.create_task(tasks.stop())
    await asyncio.sleep(0.01)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    may_end.set()
