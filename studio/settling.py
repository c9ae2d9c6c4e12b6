"""Settling: what becomes of a delivery, once for every service that works on items.

What a caller can change ends the item at once; what may work later is tried again, and ends it on
the last attempt; our own faults are treated like the latter and logged. Whatever ends an item
returns its share and keeps the message among the dead letters, from where it can be replayed.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from studio import metrics, telemetry
from studio.bus.base import Dead, Delivery, Done, Later, Settlement
from studio.endings import failure_of
from studio.events import Event, ItemData, StepRecord
from studio.operation import AnyOperation
from studio.problems import Broken, Refused, StudioError, Unavailable
from studio.slip import Step

log = logging.getLogger(__name__)

#: Told and gone: a cancelled item is not kept for a replay.
_NOT_KEPT = "cancelled"

Advance = Callable[[Event, Delivery], Awaitable[None]]
Publish = Callable[[Event], Awaitable[None]]
Owns = Callable[[ItemData], bool]
Paid = Callable[[ItemData], Awaitable[StepRecord | None]]
Labels = Callable[[Step], tuple[str, str]]


async def _nothing(item: ItemData) -> None:
    """Of services that buy nothing."""


def labels_among(operations: Mapping[str, AnyOperation]) -> Labels:
    """An operation and who was asked to do it, as labels of metrics: nobody's own words."""

    def labels(step: Step) -> tuple[str, str]:
        operation = operations.get(step.operation)
        if operation is None:
            return "unknown", "none"
        known = step.provider if step.provider in operation.offered else None
        return operation.name, known or operation.providers[0]

    return labels


class Settling:
    """Runs the work of one service and turns its errors into settlements."""

    def __init__(
        self,
        service: str,
        advance: Advance,
        publish: Publish,
        owns: Owns = lambda _: True,
        paid: Paid = _nothing,
        labels: Labels = labels_among({}),  # noqa: B008 - a function
    ) -> None:
        """`owns`: whether an item would end with us; others live on elsewhere if we fail.
        `paid`: the record of an item's step that ends now and has cost something.
        `labels`: of a step, for the metrics."""
        self._service, self._advance, self._publish, self._owns = service, advance, publish, owns
        self._paid, self._labels = paid, labels

    async def settle(self, delivery: Delivery) -> Settlement:
        """Settle one delivery. Raises nothing that the message itself could cause."""
        try:
            event = Event.parse(delivery.message.body)
        except Refused as malformed:
            log.warning("A message was not understood: %s", malformed.says)
            return Dead(malformed.as_problem())
        with telemetry.consuming(event, self._service, delivery.attempt):
            return await self._settle(event, delivery)

    async def _settle(self, event: Event, delivery: Delivery) -> Settlement:
        try:
            await self._advance(event, delivery)
        except Refused as refused:
            return await self._end(event, refused, delivery)
        except Unavailable as away:
            return await self._again(event, away, away.retry_after, delivery, counted=away.counted)
        except Exception as error:
            log.exception("%s failed unexpectedly", event.type)
            known = error if isinstance(error, StudioError) else Broken.because(error)
            return await self._again(event, known, None, delivery, counted=True)
        return Done()

    async def _again(
        self,
        event: Event,
        error: StudioError,
        wait: float | None,
        delivery: Delivery,
        *,
        counted: bool,
    ) -> Settlement:
        """Later, unless this was the last attempt."""
        if counted and delivery.is_last_attempt:
            return await self._end(event, error, delivery)
        return Later(error.as_problem(telemetry.trace_id()), delay=wait, counted=counted)

    async def _end(self, event: Event, error: StudioError, delivery: Delivery) -> Settlement:
        """End the item: tell why, return its share, keep the message for a replay."""
        problem = error.as_problem(telemetry.trace_id())
        telemetry.mark_failed(error.says)
        if isinstance(event.data, ItemData) and self._owns(event.data):
            attempts = delivery.attempt
            try:
                paid = await self._paid(event.data)
                fact = failure_of(event, problem, by=self._service, attempts=attempts, paid=paid)
                await self._publish(fact)
            except Unavailable as away:  # the item must not die untold: come back
                return Later(away.as_problem(), delay=5, counted=False)
            slip = event.data.slip
            result = _NOT_KEPT if error.kind == _NOT_KEPT else "failed"
            labels = ("none", "none") if slip.is_done else self._labels(slip.head)
            metrics.steps.labels(*labels, result).inc()
        facts = {"rule": error.rule, "event": event.id}
        log.warning("An item ended: %s", error.says, extra={"facts": facts})
        return Done() if error.kind == _NOT_KEPT else Dead(problem)
