"""Re-exports: one run that makes unfit renditions again, and nothing else.

Each item begins with a master and has its own slip: just the placements that this master's
renditions need, exported as they were before, with the newer version of the placement data.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from gateway.compliance import Rendition, Scope, Unfit
from gateway.quotes import Quote, quote
from gateway.runs import MAX_STARTS, Runs
from gateway.selection import still_there
from gateway.store import RunStore
from gateway.studios import Studios
from gateway.tracker import SOURCE
from studio import telemetry
from studio.bus.base import Lane
from studio.events import About, Event, ImageRef, WorkflowStarted
from studio.metadata import Document
from studio.money import Money, PriceRange
from studio.problems import Conflict, Refused
from studio.rpc import facts_from
from studio.slip import Slip, Step, derived


@dataclass(frozen=True, slots=True)
class Master:
    """What an item begins with."""

    image: ImageRef
    alt_text: str | None


@dataclass(slots=True)
class Again:
    """One item of the run: renditions of one master that were exported the same way."""

    master: str
    wishes: dict[str, Any]
    about: About
    collections: tuple[str, ...]
    placements: list[str] = field(default_factory=list)

    def steps(self, version: str) -> tuple[Step, ...]:
        """Export, then put where the old ones are (the first collection goes with `about`)."""
        params = {**self.wishes, "placements": self.placements, "placements_version": version}
        rest = [
            Step(operation="library.organise", params={"collection": name})
            for name in self.collections[1:]
        ]
        return (Step(operation="optimizer.export", params=params), *rest)


@dataclass(frozen=True, slots=True)
class Reexport:
    """What was begun: renditions are told by their assets."""

    version: str
    run: str | None  # None: there was nothing to make again
    renditions: list[str]
    left_out: list[str]  # their master or their placement is gone

    def as_parameters(self, scope: Scope) -> dict[str, Any]:
        """As it is kept with the run, so that a repeated request is answered the same."""
        return {
            "placements_version": self.version,
            "renditions": self.renditions,
            "left_out": self.left_out,
            "scope": scope.model_dump(),
        }

    @classmethod
    def of(cls, row: Document) -> Reexport:
        """As it was kept with a run."""
        kept = row["parameters"]
        return cls(kept["placements_version"], row["_id"], kept["renditions"], kept["left_out"])


def grouped(renditions: Sequence[Rendition]) -> list[Again]:
    """The items that make exactly these renditions again; each must have a master."""
    groups: dict[str, Again] = {}
    for one in renditions:
        master, about, collections = str(one.master), one.about, tuple(one.asset.collections)
        key = json.dumps([master, one.wishes, about.model_dump(), collections], sort_keys=True)
        again = groups.setdefault(key, Again(master, one.wishes, about, collections))
        if one.placement not in again.placements:
            again.placements.append(one.placement)
    return list(groups.values())


class Reexports:
    """Begins runs whose items each have a slip of their own."""

    def __init__(self, runs: Runs, store: RunStore, studios: Studios) -> None:
        self._runs, self._store, self._studios = runs, store, studios

    async def begun(self, workspace: str, key: str, scope: Scope) -> Reexport | None:
        """What this Idempotency-Key began, if anything; Conflict if it was for another scope."""
        row = await self._store.get(str(derived("re-export", workspace, key)))
        then = row["parameters"].get("scope") if row else None  # not kept by the release of before
        if then is not None and then != scope.model_dump():
            raise Conflict(
                rule="run.idempotency_key",
                says="This Idempotency-Key was used for another request.",
                fix="Use a new key for a new run.",
            )
        return Reexport.of(row) if row else None

    async def start(self, workspace: str, found: Unfit, scope: Scope, key: str | None) -> Reexport:
        """Begin the run, unless there is nothing to make again, or, without a key, it is being made
        already.

        Refused: placements.too_many, and whatever the export itself would refuse.
        """
        masters = await self._masters(workspace, found)
        made: list[Rendition] = []
        left_out: list[Rendition] = []
        for one, rules in found.renditions:
            is_possible = one.master in masters and not any(rule.is_removal for rule in rules)
            (made if is_possible else left_out).append(one)
        items = grouped(made)
        lost = [one.asset.id for one in left_out]
        if not items:
            return Reexport(found.version, None, [], lost)
        if len(items) > MAX_STARTS:
            raise Refused(
                rule="placements.too_many",
                says=f"{len(items):,} items would be exported again; a run begins with at most "
                f"{MAX_STARTS:,}.",
                fix="Narrow it by collection, run or placement, and repeat it.",
            )
        run = derived("re-export", workspace, key) if key else None
        if run is None:
            run, going = await self._next(workspace, found.version, made)
            if going:
                return Reexport.of(going)
        slips = [one.steps(found.version) for one in items]
        begin_with = [masters[one.master] for one in items]
        quoted = await self._quote(workspace, slips, [master.image for master in begin_with])
        begun = [
            _beginning(run, number, len(items), workspace, *parts)
            for number, parts in enumerate(zip(items, slips, begin_with, strict=True))
        ]
        what = Reexport(found.version, str(run), [one.asset.id for one in made], lost)
        await self._runs.begin(_row(what, workspace, scope, slips, quoted), begun)
        return what

    async def _next(
        self, workspace: str, version: str, made: Sequence[Rendition]
    ) -> tuple[UUID, Document | None]:
        """A run's id for just these renditions, and the run that makes them right now, if any.

        By what is made, so that two requests at once begin one run; what has ended may be repeated.
        """
        ids = sorted(one.asset.id for one in made)
        attempt = 0
        while True:
            run = derived("re-export", workspace, version, attempt, *ids)
            row = await self._store.get(str(run))
            if row is None or row["status"] == "running":
                return run, row
            attempt += 1

    async def _masters(self, workspace: str, found: Unfit) -> dict[str, Master]:
        """The masters that the library still has, by asset."""
        ids = sorted({one.master for one, _ in found.renditions if one.master})
        masters = {}
        async for asset in still_there(self._studios.library, workspace, ids):
            facts = facts_from(asset.image).model_dump()
            image = ImageRef(blob=asset.blob, bytes=asset.bytes, **facts)
            masters[asset.id] = Master(image, asset.alt_text or None)
        return masters

    async def _quote(
        self, workspace: str, slips: Sequence[tuple[Step, ...]], images: Sequence[ImageRef]
    ) -> Quote:
        """The quotes of all items in one; equal ones are asked for once."""
        kinds = Counter(
            (json.dumps([step.model_dump() for step in slip]), image.facts)
            for slip, image in zip(slips, images, strict=True)
        )
        whole = Quote(price=PriceRange.exactly(Money.zero()), steps=[], images=0)
        for (text, facts), count in kinds.items():
            steps = [Step.model_validate(one) for one in json.loads(text)]
            one = await quote(self._studios, workspace, steps, [facts] * count)
            whole = Quote(
                price=whole.price + one.price,
                steps=[*whole.steps, *one.steps],
                images=whole.images + one.images,
            )
        return whole


def _beginning(
    run: UUID,
    number: int,
    count: int,
    workspace: str,
    again: Again,
    slip: tuple[Step, ...],
    master: Master,
) -> Event:
    alt_text = again.about.alt_text or master.alt_text
    return Event.of(
        "workflow.started",
        WorkflowStarted(
            run=run,
            item=derived(run, "item", number),
            asset=UUID(again.master),
            share=f"1/{count}",
            image=master.image,
            slip=Slip(steps=slip),
            about=again.about.model_copy(update={"alt_text": alt_text}),
        ),
        id_=derived(run, "started", number),
        source=SOURCE,
        subject=str(run),
        workspace=workspace,
        lane=Lane.BULK,
    )


def _row(
    what: Reexport,
    workspace: str,
    scope: Scope,
    slips: Sequence[tuple[Step, ...]],
    quoted: Quote,
) -> Document:
    steps = {json.dumps(step.model_dump()): step for slip in slips for step in slip}
    return {
        "_id": what.run,
        "workspace": workspace,
        "workflow": None,
        "parameters": what.as_parameters(scope),
        "origin": "api",
        "status": "running",
        "created_at": datetime.now(UTC),
        "steps": [step.model_dump() for step in steps.values()],
        "quote": quoted.model_dump(mode="json"),
        "budget": None,
        "lane": Lane.BULK.value,
        "traceparent": telemetry.traceparent(),
        "trace_id": telemetry.trace_id(),
    }
