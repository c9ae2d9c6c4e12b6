"""The bus protocol: what a service may rely on, whichever broker carries it.

Delivery is at least once. A message is published to a topic exchange under a routing key of
dot-separated words; a queue receives what its binding patterns match (`*` one word, `#` zero
or more), once, however many of its patterns match. Each queue has two lanes, so that a library
build of 20 000 images never delays a quick post. A handler returns what becomes of a delivery:

    Done    it is acknowledged
    Later   it comes back after a delay (growing with the attempts unless one is given)
    Dead    it is kept in the queue's dead letters, with the reason, from where it can be replayed
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from studio.problems import Problem, Refused, Unavailable

#: Seconds before the second, third, … attempt; then the message is dead.
RETRY_DELAYS: tuple[float, ...] = (0.5, 2.0, 10.0, 60.0, 300.0)

#: Deliveries that ended with the consumer's death before the work itself is suspected.
MAX_CRASHES = 10


class Lane(StrEnum):
    """Which of a queue's two lines a message stands in."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Message:
    """What is published. `addressed`: somebody must act, so nobody listening is an error."""

    body: bytes
    routing_key: str
    message_id: str
    lane: Lane = Lane.INTERACTIVE
    addressed: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str | None:
        """The queue that must act on it: the last word of the key of an addressed message."""
        return self.routing_key.rpartition(".")[2] if self.addressed else None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a handler is given: a message, and how often it has been here before."""

    message: Message
    attempt: int = 1  # counted attempts, this one included
    is_last_attempt: bool = False  # a counted `Later` would end among the dead letters
    crashes: int = 0  # deliveries that were never settled: their consumer died
    age: float = 0.0  # s since it was due in the queue: published, or back from a delay


@dataclass(frozen=True, slots=True)
class Done:
    """Acknowledge: the effects are stored."""


@dataclass(frozen=True, slots=True)
class Later:
    """Deliver again. Uncounted waits (somebody else has the work) do not use up attempts."""

    problem: Problem
    delay: float | None = None  # s; None: RETRY_DELAYS[attempt - 1]
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Dead:
    """Keep it among the dead letters with this reason."""

    problem: Problem


Settlement = Done | Later | Dead
Handler = Callable[[Delivery], Awaitable[Settlement]]


@dataclass(frozen=True, slots=True)
class Queue:
    """A service's work queue: its name, what it listens to, and its lanes."""

    name: str  # "edit"
    bindings: tuple[str, ...]  # ("*.*.edit",)
    lanes: tuple[Lane, ...] = (Lane.INTERACTIVE, Lane.BULK)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up, and why."""

    id: str  # the message id
    queue: str
    message: Message
    problem: Problem
    attempts: int
    died_at: datetime


MAX_MESSAGE_BYTES = 1024 * 1024


def matches(pattern: str, key: str) -> bool:
    """Whether a binding pattern matches a routing key (AMQP 0-9-1 topic rules)."""
    return _matches(pattern.split("."), key.split("."))


def _matches(pattern: Sequence[str], words: Sequence[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_matches(pattern[1:], words[skip:]) for skip in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and _matches(pattern[1:], words[1:])


def check_size(message: Message) -> None:
    """Refused if the message is too large for a bus that carries references."""
    if len(message.body) > MAX_MESSAGE_BYTES:
        raise Refused(
            rule="bus.message_too_large",
            says=f"The message has {len(message.body):,} bytes; at most {MAX_MESSAGE_BYTES:,} "
            "are carried.",
            fix="Put pixels and long texts into the blob store and name the blob.",
        )


def unroutable(message: Message) -> Unavailable:
    """The error for an addressed message that no queue is bound for."""
    return Unavailable(
        rule="bus.unroutable",
        says=f"Nobody listens to {message.routing_key!r}, though somebody must act on it.",
        fix="Start that service once (its queue stays), or correct the address.",
    )


class Consumption(Protocol):
    """A running consumer."""

    async def drain(self, grace: float) -> None:
        """Stop fetching, hand back what has not started, finish what has (at most `grace` s).

        Work that is not finished within the grace is handed back too.
        """


class Bus(Protocol):
    """A broker connection. All methods may raise Unavailable."""

    async def declare(self, queue: Queue) -> None:
        """Create the queue, its lanes, delay queues and dead-letter queue; idempotent."""

    async def publish(self, message: Message) -> None:
        """Return once the broker has taken responsibility.

        Unavailable(rule="bus.unroutable") if it is addressed and there is no queue of that name:
        that others overhear it (the library, the tracker) does not get its work done;
        Refused(rule="bus.message_too_large") above the size limit (events carry references).
        """

    async def consume(self, queue: Queue, handler: Handler, *, prefetch: int) -> Consumption:
        """Start handling, at most `prefetch` deliveries at a time in each lane.

        A handler that raises is treated as `Later` with a Broken problem. A counted `Later` on the
        last attempt becomes `Dead`.
        """

    async def dead_letters(self, queue: str, *, limit: int = 100) -> Sequence[DeadLetter]:
        """The oldest dead letters of a queue, which stay where they are."""

    async def replay(self, queue: str, ids: Sequence[str] | None = None) -> int:
        """Put dead letters (all, or those ids) back in their lane with attempts reset.

        Returns how many. A letter is removed only after its message is confirmed in the queue.
        """

    async def depth(self, queue: str) -> Mapping[str, int]:
        """Messages ready, by lane name plus "delayed" and "dead" as far as the broker tells."""

    async def ping(self) -> None:
        """Raise Unavailable unless the broker answers now."""

    async def close(self) -> None:
        """Close the connection; deliveries that are not settled go back to their queue."""
