"""The in-process bus: the semantics of the broker for services that share a process.

Nothing is kept on disk: what survives a crash is the ledger (docs/adr/0002).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from studio import metrics
from studio.bus.base import (
    RETRY_DELAYS,
    Bus,
    Consumption,
    Dead,
    DeadLetter,
    Delivery,
    Done,
    Handler,
    Lane,
    Later,
    Message,
    Queue,
    Settlement,
    check_size,
    matches,
    unroutable,
)
from studio.problems import Broken, Problem, Unavailable

log = logging.getLogger(__name__)

MAX_LENGTH = 50_000

#: How long a publisher waits for room in a full lane before it is told.
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A message in a lane, and its past."""

    message: Message
    attempt: int = 1
    due: float = field(default_factory=time.monotonic)  # since when it could have been handled


class _Line:
    """One lane of one queue, first in, first out."""

    def __init__(self, max_length: int) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._changed = asyncio.Condition()
        self._max_length = max_length

    def __len__(self) -> int:
        return len(self._waiting)

    async def put(self, one: _Waiting) -> None:
        """Append; wait for room, but not for ever: its consumer may be who is publishing."""
        async with self._changed:
            try:
                has_room = self._changed.wait_for(lambda: len(self._waiting) < self._max_length)
                await asyncio.wait_for(has_room, _PATIENCE)
            except TimeoutError:
                raise Unavailable(
                    rule="bus.full",
                    says=f"A queue holds {self._max_length:,} messages and does not get shorter.",
                    fix="Wait until the work ahead is done.",
                    retry_after=5,
                ) from None
            self._waiting.append(one)
            self._changed.notify_all()

    async def put_back(self, one: _Waiting, *, first: bool = False) -> None:
        """Return what had been taken; it never waits for room."""
        async with self._changed:
            (self._waiting.appendleft if first else self._waiting.append)(one)
            self._changed.notify_all()

    async def take(self) -> _Waiting:
        """The first in line, as soon as there is one."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._waiting))
            one = self._waiting.popleft()
            self._changed.notify_all()
            return one


class _Mailbox:
    """A declared queue: its lanes, its delayed messages, its dead letters."""

    def __init__(self, queue: Queue, max_length: int) -> None:
        self.queue = queue
        self.lines = {lane: _Line(max_length) for lane in queue.lanes}
        self.delayed: set[asyncio.Task[None]] = set()
        self.dead: list[DeadLetter] = []

    def line(self, lane: Lane) -> _Line:
        """The lane's line, or the only one there is."""
        return self.lines[lane if lane in self.lines else self.queue.lanes[0]]

    def delay(self, one: _Waiting, seconds: float) -> None:
        """Put it back in line after a while."""

        async def later() -> None:
            await asyncio.sleep(seconds)
            await self.line(one.message.lane).put_back(one)

        task = asyncio.create_task(later())
        self.delayed.add(task)
        task.add_done_callback(self.delayed.discard)


class _Workers(Consumption):
    """The consumer of one queue: `prefetch` workers in each lane."""

    def __init__(
        self, box: _Mailbox, handler: Handler, prefetch: int, delays: Sequence[float]
    ) -> None:
        self._box, self._handler, self._delays = box, handler, delays
        self._busy: set[asyncio.Task[None]] = set()
        self._fetching = [
            asyncio.create_task(self._fetch(line))
            for line in box.lines.values()
            for _ in range(prefetch)
        ]
        self._tell(is_consuming=True)

    async def drain(self, grace: float) -> None:
        """Stop fetching, finish what has started, hand back what has not ended in time."""
        self._tell(is_consuming=False)
        await _end(self._fetching)
        if self._busy:
            await asyncio.wait(self._busy, timeout=grace)
        await _end(list(self._busy))

    def _tell(self, *, is_consuming: bool) -> None:
        for lane in self._box.lines:
            metrics.lane_consuming.labels(self._box.queue.name, lane).set(is_consuming)

    async def _fetch(self, line: _Line) -> None:
        while True:
            one = await line.take()
            work = asyncio.create_task(self._work(line, one))
            self._busy.add(work)
            work.add_done_callback(self._busy.discard)
            await asyncio.wait([work])  # ending the fetcher must not end the work

    async def _work(self, line: _Line, one: _Waiting) -> None:
        delivery = Delivery(
            one.message,
            one.attempt,
            is_last_attempt=one.attempt > len(self._delays),
            age=time.monotonic() - one.due,
        )
        try:
            settlement = await self._handler(delivery)
        except asyncio.CancelledError:
            await line.put_back(one, first=True)
            raise
        except Exception as error:
            log.exception("A handler failed")
            settlement = Later(Broken.because(error).as_problem())
        self._settle(one, delivery, settlement)

    def _settle(self, one: _Waiting, delivery: Delivery, settlement: Settlement) -> None:
        match settlement:
            case Done():
                pass
            case Dead(problem):
                self._bury(one, problem)
            case Later(problem, counted=True) if delivery.is_last_attempt:
                self._bury(one, problem)
            case Later(_, delay, counted):
                if delay is None:
                    delay = self._delays[min(one.attempt, len(self._delays)) - 1]
                due = time.monotonic() + delay
                self._box.delay(replace(one, attempt=one.attempt + counted, due=due), delay)

    def _bury(self, one: _Waiting, problem: Problem) -> None:
        message = one.message
        self._box.dead.append(
            DeadLetter(
                message.message_id,
                self._box.queue.name,
                message,
                problem,
                one.attempt,
                datetime.now(UTC),
            )
        )


class MemoryBus(Bus):
    """A broker in this process."""

    def __init__(
        self, *, retry_delays: Sequence[float] = RETRY_DELAYS, max_length: int = MAX_LENGTH
    ) -> None:
        self._delays, self._max_length = tuple(retry_delays), max_length
        self._boxes: dict[str, _Mailbox] = {}
        self._consumers: list[_Workers] = []

    async def declare(self, queue: Queue) -> None:
        """Create the queue unless it is there."""
        self._boxes.setdefault(queue.name, _Mailbox(queue, self._max_length))

    async def publish(self, message: Message) -> None:
        """Put the message in line wherever a pattern matches."""
        check_size(message)
        boxes = [
            box
            for box in self._boxes.values()
            if any(matches(pattern, message.routing_key) for pattern in box.queue.bindings)
        ]
        if message.address is not None and message.address not in self._boxes:
            raise unroutable(message)
        for box in boxes:
            await box.line(message.lane).put(_Waiting(message))

    async def consume(self, queue: Queue, handler: Handler, *, prefetch: int) -> Consumption:
        """Start workers on the queue."""
        await self.declare(queue)
        workers = _Workers(self._boxes[queue.name], handler, prefetch, self._delays)
        self._consumers.append(workers)
        return workers

    async def dead_letters(self, queue: str, *, limit: int = 100) -> Sequence[DeadLetter]:
        """The oldest dead letters."""
        return self._boxes[queue].dead[:limit] if queue in self._boxes else []

    async def replay(self, queue: str, ids: Sequence[str] | None = None) -> int:
        """Put dead letters back in line."""
        box = self._boxes.get(queue)
        if box is None:
            return 0
        letters = [one for one in box.dead if ids is None or one.id in ids]
        for letter in letters:
            await box.line(letter.message.lane).put_back(_Waiting(letter.message))
            box.dead.remove(letter)
        return len(letters)

    async def depth(self, queue: str) -> Mapping[str, int]:
        """How many messages wait, by lane, and how many are delayed or dead."""
        box = self._boxes.get(queue)
        if box is None:
            return {}
        lanes = {str(lane): len(line) for lane, line in box.lines.items()}
        return {**lanes, "delayed": len(box.delayed), "dead": len(box.dead)}

    async def ping(self) -> None:
        """It answers as long as the process does."""

    async def close(self) -> None:
        """End all work; what was waiting is gone with the process."""
        for workers in self._consumers:
            await workers.drain(0)
        for box in self._boxes.values():
            await _end(list(box.delayed))


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
