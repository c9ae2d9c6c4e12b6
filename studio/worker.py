"""The worker: the way of one item through a studio.

Consume → ledger → operate → store → publish → acknowledge. A crash anywhere repeats the step and
changes nothing, because every id and every key is derived: at-least-once delivery has
exactly-once results. docs/adr/0001 says why there is no outbox.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from studio import metrics, telemetry
from studio.blobs.base import BlobStore
from studio.bus.base import MAX_CRASHES, Bus, Delivery, Settlement
from studio.compute import compute
from studio.events import (
    EVENT_TYPES,
    FACT_OF_STUDIO,
    About,
    Event,
    ImageRef,
    ItemData,
    Paid,
    RunCancelled,
    StepRecord,
)
from studio.findings import Findings
from studio.imaging.decode import decode
from studio.imaging.encode import encode
from studio.ledger import Ledger, Outcome, StoredOutput
from studio.money import Money
from studio.operation import AnyOperation, Failure, Output, Work
from studio.problems import Broken, Refused
from studio.providers.buying import Bought, Buyer
from studio.providers.call import Call, InDoubt, ProviderAway
from studio.providers.prices import price_book
from studio.providers.purchases import Purchase, RunRef, costs
from studio.room import Room
from studio.rpc import choose_provider, find_operation
from studio.settling import Settling, labels_among
from studio.shares import divide
from studio.slip import Step, derived, step_id


class Cancelled(Refused):
    """The run was called off; the item ends without an image."""

    kind = "cancelled"
    status = 409


@dataclass(frozen=True, slots=True)
class _Job:
    """One step as one provider does it."""

    step: UUID
    data: ItemData
    params: Any
    provider: str
    begun: Mapping[int, Purchase]  # what of it was bought before
    run: RunRef
    is_last: bool  # the last attempt


class Worker:
    """Performs the head steps that are addressed to one studio."""

    def __init__(
        self,
        studio: str,
        operations: Iterable[AnyOperation],
        bus: Bus,
        blobs: BlobStore,
        ledger: Ledger,
        findings: Findings,
        buyer: Buyer | None = None,
        room: Room | None = None,
    ) -> None:
        """room: of the pixels that are at work at once; without bounds by default."""
        self.studio = studio
        self.source = f"/studio/{studio}"
        self._operations = {operation.name: operation for operation in operations}
        self._bus, self._blobs, self._ledger = bus, blobs, ledger
        self._findings, self._buyer = findings, buyer
        self._room = room or Room(sys.maxsize)
        labels = labels_among(self._operations)
        self._settling = Settling(
            studio, self._advance, self._publish, paid=self._paid, labels=labels
        )

    async def handle(self, delivery: Delivery) -> Settlement:
        """Settle one delivery (studio.settling says how errors end)."""
        return await self._settling.settle(delivery)

    async def _advance(self, event: Event, delivery: Delivery) -> None:
        """The heart: find the outcome or make it, then tell it."""
        if isinstance(event.data, RunCancelled):
            await self._ledger.cancel(event.data.run)
            return
        data = self._item(event)
        step = step_id(_known(data.run), _known(data.item), data.slip)
        outcome = await self._ledger.outcome(step)
        if outcome is None:
            outcome = await self._perform(step, event, data, delivery)
        else:
            metrics.steps.labels(data.slip.head.operation, outcome.provider, "remembered").inc()
        for fact in self._facts(event, data, step, outcome):
            await self._publish(fact)

    def _item(self, event: Event) -> ItemData:
        data = event.data
        if isinstance(data, ItemData) and data.slip.address == self.studio:
            return data
        raise Refused(
            rule="event.not_addressed",
            says=f"This {event.type} has no step ahead for the {self.studio} studio.",
            fix=f"Address it to the studio of its next step, or let the slip begin with one of "
            f"{', '.join(sorted(self._operations))}.",
        )

    async def _perform(
        self, step: UUID, event: Event, data: ItemData, delivery: Delivery
    ) -> Outcome:
        head = data.slip.head
        if await self._ledger.is_cancelled(_known(data.run)):
            raise Cancelled(rule="run.cancelled", says="The run was cancelled before this step.")
        if delivery.crashes >= MAX_CRASHES:
            raise Refused(
                rule="step.crashes",
                says=f"{head.operation} ended its worker {delivery.crashes} times; it is given up.",
                fix="Look at the worker's memory and logs, then replay the dead letter.",
            )
        operation = find_operation(self._operations, head.operation)
        params = operation.parse(head.params)
        able = _able(operation, head)
        run = RunRef(id=_known(data.run), workspace=event.workspace)
        is_paid = len(able) <= len(head.fallbacks) or any(one in operation.paid for one in able)
        begun = await self._purchases(step) if is_paid else {}
        away: ProviderAway | None = None
        for provider in self._order(able, begun.values()):
            try:
                job = _Job(step, data, params, provider, begun, run, delivery.is_last_attempt)
                return await self._perform_by(operation, job)
            except ProviderAway as error:
                if await self._purchases(step):
                    raise
                away = error
            except Refused:  # what a fallback cannot do ends nothing: the one asked for comes back
                if provider == able[0] or await self._purchases(step):
                    raise
        raise away or Broken(rule="worker.providers", says="Nobody was asked to do this step.")

    def _order(self, able: list[str], begun: Iterable[Purchase]) -> list[str]:
        """Who may do it: the one that was asked for, then its fallbacks; who is away goes last.
        Whoever was paid for a part of the step does all of it; Refused if they cannot be asked."""
        paid = {one.engine for one in begun if one.engine}
        if paid and not paid & set(able):
            who = ", ".join(sorted(paid))
            raise Refused(
                rule="provider.no_key",
                says=f"{who} was paid for a part of this step and is not offered here any more.",
                fix="Put its key back and replay the dead letter.",
            )
        if self._buyer is None or len(able) == 1:
            return able
        return [one for one in able if one in paid] or sorted(able, key=self._buyer.is_away)

    async def _purchases(self, step: UUID) -> dict[int, Purchase]:
        return await self._buyer.purchases.numbered(step) if self._buyer else {}

    async def _perform_by(self, operation: AnyOperation, job: _Job) -> Outcome:
        step, data, params, provider = job.step, job.data, job.params, job.provider
        facts = data.image.facts if data.image else None
        engine = operation.engine(provider)
        quoted = engine.price(facts, params, provider)
        if not job.begun:  # else it is paid, and no limit refuses it any more
            engine.check(facts, params)
            _check_budget(data, quoted.maximum)
        about = {"run": str(data.run), "item": str(data.item), "operation": operation.name}
        started = time.perf_counter()
        async with self._ledger.claimed(step, provider=provider, **about):
            made = await self._work(operation, job)
            seconds = time.perf_counter() - started
            outputs, paid = [await self._store(one) for one in made], None
            if self._buyer and provider in operation.paid:
                await self._buyer.give_up(step)  # of what failed something may be under way
                paid = await self._buyer.purchases.paid(step)
            outcome = Outcome(
                provider=provider,
                outputs=outputs,
                quoted=quoted.expected,
                cost=sum((one.cost for one in made), Money.zero()),
                paid=paid,
                seconds=round(seconds, 3),
            )
            outcome = await self._ledger.record(step, outcome)
        metrics.steps.labels(operation.name, provider, "made").inc()
        metrics.step_seconds.labels(operation.name, provider).observe(seconds)
        return outcome

    async def _work(self, operation: AnyOperation, job: _Job) -> Sequence[Output | Failure]:
        data = job.data
        if job.begun and data.image and self._buyer:
            await self._buyer.resume(job.step)  # no pixels are touched while a provider works
        facts = data.image.facts if data.image and operation.decodes else None
        async with self._room.of(facts.width * facts.height if facts else 0):
            return await self._operate(operation, job)

    async def _operate(self, operation: AnyOperation, job: _Job) -> Sequence[Output | Failure]:
        step, data, provider = job.step, job.data, job.provider
        image = None
        if data.image and operation.decodes:
            with telemetry.span("fetch", blob=data.image.blob):
                blob = await self._blobs.get(data.image.blob)
            with telemetry.span("decode", bytes=len(blob)):
                image = await compute(decode, blob)
        work = Work(
            step_id=step,
            params=job.params,
            image=image,
            facts=image.facts if image else None,
            provider=provider,
            read_blob=self._blobs.get,
            details=data.step.details if data.step else {},
            about=data.about,
            write_blob=self._blobs.put,
            buy=partial(self._buy, job),
            is_begun=bool(job.begun),
            begun={index: one.images for index, one in job.begun.items()},
            is_last=job.is_last,
        )
        if data.image:
            work = replace(work, found=partial(self._findings.found, data.image.blob))
        with telemetry.span("operate", operation=operation.name, provider=provider):
            try:
                return await operation.engine(provider).run(work)
            except Refused as refused:
                if isinstance(refused, InDoubt) and refused.may_come:
                    raise  # and no outcome: a replay asks for it again
                return [await self._paid_for_nothing(step, refused)]

    async def _buy(self, job: _Job, call: Call, index: int) -> Bought:
        if self._buyer is None:
            raise Broken(rule="provider.no_buyer", says=f"The {self.studio} studio cannot buy.")
        if job.begun and index not in job.begun:  # its price may be another by now
            paid = costs([*(await self._purchases(job.step)).values()])
            most = price_book().most(call.provider, call.product, call.price)
            _check_budget(job.data, paid + most)
        return await self._buyer.buy(job.step, call, index, engine=job.provider, run=job.run)

    async def _paid_for_nothing(self, step: UUID, refused: Refused) -> Failure:
        """The failure of a step that has cost something, which its fact must tell; a step that
        has cost nothing fails as any other."""
        paid = costs([*(await self._purchases(step)).values()])
        if not paid:
            raise refused
        return Failure(refused.as_problem(telemetry.trace_id()), cost=paid)

    async def _paid(self, data: ItemData) -> StepRecord | None:
        """The record of a step that ends without an outcome, if it has cost something."""
        if self._buyer is None or data.slip.address != self.studio:
            return None
        step = step_id(_known(data.run), _known(data.item), data.slip)
        if await self._ledger.outcome(step):
            return None  # its facts tell
        purchases = await self._buyer.give_up(step)
        if not (cost := costs(purchases)):
            return None
        head = data.slip.head
        return StepRecord(
            id=step,
            operation=head.operation,
            index=data.slip.position,
            params=head.params,
            provider=purchases[0].engine or purchases[0].provider,
            quoted=sum((one.price for one in purchases), Money.zero()),
            cost=cost,
            paid=Paid(cost=cost, revision=sum(one.revision for one in purchases)),
        )

    async def _store(self, made: Output | Failure) -> StoredOutput:
        about: dict[str, Any] = {
            "label": made.label,
            "details": dict(made.details),
            "cost": made.cost,
        }
        if isinstance(made, Failure):
            return StoredOutput(problem=made.problem, **about)
        data, facts = made.data, made.facts
        if data is None and made.image is not None:
            with telemetry.span("encode", width=made.image.width, height=made.image.height):
                data, facts = await compute(encode, made.image), made.image.facts
        if data is None or facts is None:
            raise Broken(rule="operation.output", says="An operation made an output without image.")
        with telemetry.span("store", bytes=len(data)):
            key = await self._blobs.put(data)
        image = ImageRef(blob=key, bytes=len(data), **facts.model_dump())
        notes = [*(made.image.notes if made.image else ()), *made.notes]
        return StoredOutput(image=image, notes=notes, **about)

    def _facts(self, event: Event, data: ItemData, step: UUID, outcome: Outcome) -> Iterable[Event]:
        """One fact an output, with derived ids: repeating the step repeats the very same facts."""
        parts = len(outcome.outputs)
        spent = outcome.paid.cost if outcome.paid else outcome.cost
        left = [None] * parts if data.budget is None else (data.budget - spent).split(parts)
        for index, output in enumerate(outcome.outputs):
            head = data.slip.head
            record = StepRecord(
                id=step,
                operation=head.operation,
                index=data.slip.position,
                params=head.params,
                provider=outcome.provider,
                label=output.label,
                details=output.details,
                notes=output.notes,
                seconds=outcome.seconds,
                quoted=outcome.quoted.split(parts)[index],
                cost=output.cost,
                paid=outcome.paid,
            )
            item = {
                "run": data.run,
                "item": data.item if parts == 1 else derived(step, "item", index),
                "asset": derived(step, "asset", index),
                "share": divide(data.share, parts),
                "budget": left[index],
                "workflow": data.workflow,
                "slip": data.slip.advanced(),
                "parents": [data.asset] if data.image else [],
                "parent_item": data.item if parts > 1 else data.parent_item,
                "step": record,
                "about": _about(data.about, output.details),
            }
            yield self._fact(event, step, index, item, output)

    def _fact(
        self, event: Event, step: UUID, index: int, item: dict[str, Any], output: StoredOutput
    ) -> Event:
        if output.problem:
            type_ = "image.failed"
            item |= {"problem": output.problem, "returned": item["share"]}
        else:
            type_ = FACT_OF_STUDIO[self.studio]
            item |= {"image": output.image}
        return Event.of(
            type_,
            EVENT_TYPES[type_].model_validate(item),
            id_=derived(step, "fact", index),
            source=self.source,
            subject=str(item["item"]),
            workspace=event.workspace,
            lane=event.lane,
        )

    async def _publish(self, fact: Event) -> None:
        with telemetry.producing(fact, fact.routing_key) as carried:
            await self._bus.publish(carried.to_message())


def _able(operation: AnyOperation, head: Step) -> list[str]:
    """The one that was asked for, then its fallbacks. The fallbacks alone if its key was taken away
    since the run was planned; Refused if there are none."""
    fallbacks = [one for one in head.fallbacks if one in operation.offered]
    if fallbacks and head.provider in operation.absent:
        return fallbacks
    return [choose_provider(operation, head.provider), *fallbacks]


def _known(id_: UUID | None) -> UUID:
    """Ids are derived on parsing when a publisher gave none, so there always is one."""
    if id_ is None:
        raise Broken(rule="event.ids", says="An event was not parsed before it was worked on.")
    return id_


def _check_budget(data: ItemData, most: Money) -> None:
    """most: that the step at the head may cost, with what was paid for it already."""
    if data.budget is not None and most and not most <= data.budget:
        raise Refused(
            rule="budget.exhausted",
            says=f"{data.slip.head.operation} may cost {most}, but this item may spend only "
            f"{data.budget}.",
            fix="Raise the run's budget, or use a lower quality or fewer variations.",
        )


def _about(about: About, details: dict[str, Any]) -> About:
    """What an operation learned of its image is said of the image, too."""
    learned = {name: details[name] for name in ("prompt", "title", "alt_text") if details.get(name)}
    return about.model_copy(update=learned) if learned else about
