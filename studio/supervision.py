"""Supervision: no long-lived task ends unnoticed.

A task is work that is done again and again, or until it has succeeded once. Work that raises is
logged with its traceback, counted, and done anew after a delay that doubles up to a bound; it ends
neither the task nor its neighbours. A task that failed several times in a row makes its service
not ready until its work succeeds. Only `stop` ends a task that is not done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from studio.metrics import task_failures as failures
from studio.problems import Broken, Unavailable

log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[object]]
Sleep = Callable[[float], Awaitable[None]]

#: The first delay, s; each further one is twice as long.
FIRST_DELAY = 1.0

#: The longest delay, s: what was mended is noticed within this.
LONGEST_DELAY = 30.0

#: Failures in a row that are no accident any more.
FAILING = 3

#: A task that has not ended by then may have lost its cancellation (`asyncio.wait_for` of Python
#: 3.11 can swallow one); it is cancelled again, s.
_STOP_SECONDS = 5.0


class Supervision:
    """The long-lived tasks of one service."""

    def __init__(
        self, service: str, *, longest: float = LONGEST_DELAY, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._service, self._longest, self._sleep = service, longest, sleep
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: dict[str, int] = {}  # in a row, by task

    def repeat(self, task: str, work: Work, *, every: float) -> None:
        """Do the work for ever, `every` seconds after it succeeded."""
        self._start(self._repeated(task, work, every), task)

    def once(self, task: str, work: Work) -> None:
        """Do the work until it has succeeded."""
        self._start(self._succeeded(task, work), task)

    async def check(self) -> None:
        """Raise Broken while a task is failing: a readiness check (studio.probes)."""
        failing = sorted(task for task, count in self._failed.items() if count >= FAILING)
        if failing:
            raise Broken(
                rule="service.task_failing",
                says=f"Failing again and again: {', '.join(failing)}.",
                fix="Look for the traceback in this service's log; the task is tried anew.",
            )

    async def stop(self) -> None:
        """Cancel what is still going on, and wait until it has ended."""
        pending = set(self._tasks)
        while pending:
            for task in pending:
                task.cancel()
            # not awaited one by one: whoever stops us may be cancelled, too, and must hear of it
            _, pending = await asyncio.wait(pending, timeout=_STOP_SECONDS)

    def _start(self, supervised: Coroutine[Any, Any, None], task: str) -> None:
        started = asyncio.create_task(supervised, name=f"{self._service} {task}")
        self._tasks.add(started)
        started.add_done_callback(self._tasks.discard)

    async def _repeated(self, task: str, work: Work, every: float) -> None:
        while True:
            await self._sleep(every)
            await self._succeeded(task, work)

    async def _succeeded(self, task: str, work: Work) -> None:
        delay = FIRST_DELAY
        while not await self._attempted(task, work, delay):
            await self._sleep(delay)
            delay = min(2 * delay, self._longest)
        self._failed.pop(task, None)

    async def _attempted(self, task: str, work: Work, delay: float) -> bool:
        """Whether the work succeeded; whatever it raised is told."""
        try:
            await work()
        except Unavailable as away:  # an outage is no failure of ours; its own check tells of it
            log.warning("%s waits: %s", task.capitalize(), away.says)
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            self._note(task, error, delay)  # a cancelled future: aio-pika's, when a channel closes
        except Exception as error:
            self._note(task, error, delay)
        else:
            return True
        return False

    def _note(self, task: str, error: BaseException, delay: float) -> None:
        self._failed[task] = count = self._failed.get(task, 0) + 1
        failures.labels(self._service, task).inc()
        facts = {"task": task, "failures_in_a_row": count, "again_in_seconds": delay}
        log.error("A long-lived task failed: %s", task, exc_info=error, extra={"facts": facts})


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
