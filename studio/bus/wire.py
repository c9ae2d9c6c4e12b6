"""The wire: our messages as AMQP's, and back.

What we must know of a message beyond its body travels in headers of our own; they are never shown
to a handler. What an outsider publishes has none of them and is taken as it is.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aio_pika
from aio_pika import DeliveryMode
from aio_pika.abc import AbstractIncomingMessage

from studio.bus.base import DeadLetter, Delivery, Lane, Message
from studio.problems import Problem

ATTEMPT = "x-studio-attempt"
KEY = "x-studio-routing-key"
LANE = "x-studio-lane"
PROBLEM = "x-studio-problem"
DIED_AT = "x-studio-died-at"
#: When it was due in its queue, ms since 1970: AMQP's own timestamp has whole seconds.
DUE = "x-studio-due"

_OURS = (ATTEMPT, KEY, LANE, PROBLEM, DIED_AT, DUE)
_CONTENT_TYPE = "application/cloudevents+json"


def outgoing(message: Message, headers: Mapping[str, Any], *, wait: float = 0) -> aio_pika.Message:
    """A message for the broker, with our headers. wait: s until it is due in its queue."""
    return aio_pika.Message(
        message.body,
        headers={**headers, DUE: round((time.time() + wait) * 1000)},
        content_type=_CONTENT_TYPE,
        message_id=message.message_id,
        delivery_mode=DeliveryMode.PERSISTENT,
        timestamp=datetime.now(UTC),
    )


def delivery_of(incoming: AbstractIncomingMessage, lane: Lane, retries: int) -> Delivery:
    """A delivery as the handler sees it. retries: counted attempts after the first one."""
    attempt = _count(incoming, ATTEMPT, 1)
    message = _message(incoming, lane, incoming.routing_key or "")
    return Delivery(
        message,
        attempt=attempt,
        is_last_attempt=attempt > retries,
        crashes=_count(incoming, "x-delivery-count", 0),
        age=_age(incoming),
    )


def letter_of(queue: str, incoming: AbstractIncomingMessage) -> DeadLetter:
    """A dead letter, whether we buried it or the broker did."""
    headers = incoming.headers
    buried_by_us = PROBLEM in headers
    deaths: Any = headers.get("x-death") or [{}]
    first = deaths[0]
    lane = str(headers.get(LANE) or str(first.get("queue", "")).rpartition(".")[2])
    key = str((first.get("routing-keys") or [incoming.routing_key])[0])
    message = _message(incoming, Lane(lane) if lane in set(Lane) else Lane.INTERACTIVE, key)
    problem = (
        Problem.model_validate_json(str(headers[PROBLEM]))
        if buried_by_us
        else Problem(
            kind="broken",
            rule="bus.delivery_limit",
            says="The broker gave this message up: its consumers ended again and again.",
            fix="Look for workers that run out of memory, then replay it.",
        )
    )
    died = str(headers.get(DIED_AT, ""))
    when = datetime.fromisoformat(died) if died else incoming.timestamp or datetime.now(UTC)
    return DeadLetter(
        message.message_id, queue, message, problem, _count(incoming, ATTEMPT, 1), when
    )


def _message(incoming: AbstractIncomingMessage, lane: Lane, key: str) -> Message:
    """The message as it was published, whoever published it."""
    headers = {
        name: str(value)
        for name, value in incoming.headers.items()
        if name not in _OURS and not name.startswith(("x-death", "x-first-death", "x-delivery"))
    }
    return Message(
        body=incoming.body,
        routing_key=str(incoming.headers.get(KEY) or key),
        message_id=incoming.message_id or hashlib.sha256(incoming.body).hexdigest(),
        lane=lane,
        addressed=True,
        headers=headers,
    )


def _age(incoming: AbstractIncomingMessage) -> float:
    """Seconds since it was due; never less than 0, as the clocks of two machines differ."""
    due = _count(incoming, DUE, 0) / 1000
    if not due and incoming.timestamp:
        due = incoming.timestamp.timestamp()
    return max(0.0, time.time() - due) if due else 0.0


def _count(incoming: AbstractIncomingMessage, name: str, default: int) -> int:
    value = incoming.headers.get(name, default)
    return value if isinstance(value, int) else default
