"""Planner: every step within every limit before anything starts, or the cheapest change that
makes it so, or the rule that forbids it.

A workflow is quoted step by step with what the steps before it will output. Where a step would be
refused, each change that may help is tried in a quote of its own: the remedy that the refusal names
(scale down first), another order, another provider, another mode. The cheapest that leads through
is taken and told; of equally cheap ones the one that changes the pictures least. Where an export
would leave placements out because pictures are too small, an upscale goes before it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.answers import Answers
from gateway.enlarging import Enlarging
from gateway.fallbacks import covered
from gateway.preference import Preference
from gateway.quotes import Change, Quote, Stopped, attempt, refused_by
from gateway.studios import Studios
from studio.imaging.facts import ImageFacts
from studio.problems import Refused
from studio.slip import MAX_STEPS, Step

#: A workflow is changed in at most so many places.
_MOST_CHANGES = 3
#: Steps that can change places: each takes one image and gives one, and none decides for the other
#: what is in it.
_COMMUTING = {"edit.remove_background", "upscale.fast", "upscale.conservative", "upscale.creative"}
#: Other operations that do what the user asked for, with the parameters that mean the same, and
#: what those are where a step says nothing.
_OTHER_MODES: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "upscale.fast": (("upscale.conservative", {"factor": 4, "prompt": None}),),
    "upscale.creative": (
        (
            "upscale.conservative",
            dict.fromkeys(("factor", "long_side", "target", "cover", "prompt")),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps that will run, what was changed of those that were asked for, and the quote."""

    steps: list[Step]
    quote: Quote
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Try:
    steps: list[Step]
    changes: tuple[Change, ...] = ()


class Planner:
    """Plans with what the studios say of themselves."""

    def __init__(self, studios: Studios) -> None:
        self._studios = studios

    async def plan(
        self,
        workspace: str,
        steps: Sequence[Step],
        starts: Sequence[ImageFacts | None],
        *,
        providers: Sequence[str] = (),
        repair: bool = True,
    ) -> Plan:
        """The plan. Refused names the step and the rule that no change gets around, and a run
        that would make nothing.

        providers: who is asked, in this order, for steps that name nobody; the others that can do
            the step are its fallbacks, but for those that a limit forbids.
        repair: make the cheapest changes that help; without, what will fail is only foretold.
        """
        preference = await self._preference(providers)
        planning = _Planning(Answers(self._studios), workspace, starts, preference, steps)
        return await planning.plan([preference.applied(step) for step in steps], repair=repair)

    async def _preference(self, providers: Sequence[str]) -> Preference:
        if not providers:
            return Preference()
        return Preference.of(providers, await self._studios.describe())


@dataclass(frozen=True, slots=True)
class _Planning:
    """One plan in the making."""

    answers: Answers
    workspace: str
    starts: Sequence[ImageFacts | None]
    preference: Preference
    wanted: Sequence[Step]  # as they were asked for

    async def plan(self, wanted: list[Step], *, repair: bool) -> Plan:
        """Within every limit, large enough, with fallbacks that no limit forbids."""
        plan = await self._possible(wanted, repair=repair)
        if repair:
            plan = await self._enlarged(plan)
        _check_something_comes_out(plan.quote)
        return self._told(await self._covered(plan))

    async def _possible(self, wanted: list[Step], *, repair: bool) -> Plan:
        """The steps as they are wanted, or with the cheapest changes with which none is refused."""
        quoted = await self._quoted(wanted)
        if isinstance(quoted, Quote):
            return Plan(wanted, quoted)
        repaired = await self._repaired(_Try(wanted), quoted) if repair else None
        if repaired is None:
            raise refused_by(quoted)
        return repaired

    async def _quoted(self, steps: Sequence[Step]) -> Quote | Stopped:
        return await attempt(self.answers, self.workspace, steps, self.starts)

    async def _enlarged(self, plan: Plan) -> Plan:
        """The plan with the upscales without which exports would leave placements out."""
        by = self.preference.applied
        enlarging = Enlarging(self.answers, self.workspace, self.starts, by)
        return Plan(*await enlarging.of(plan.steps, plan.quote, plan.changes))

    async def _covered(self, plan: Plan) -> Plan:
        """The plan with the fallbacks that no limit forbids, and with what they may cost."""
        steps, quote, left_out = await covered(
            self.answers, self.workspace, plan.steps, self.starts, plan.quote
        )
        return Plan(steps, quote, [*plan.changes, *left_out])

    def _told(self, plan: Plan) -> Plan:
        """The plan whose quote tells every change, also of whom a step did without."""
        changes = [*plan.changes, *self.preference.passed_over(plan.steps, self.wanted)]
        return Plan(plan.steps, plan.quote.model_copy(update={"changes": changes}), changes)

    async def _repaired(self, tried: _Try, stopped: Stopped) -> Plan | None:
        """The cheapest way on; None if there is none within the changes that are left."""
        found: list[Plan] = []
        if len(tried.changes) == _MOST_CHANGES or len(tried.steps) >= MAX_STEPS:
            return None
        async for other in self._changed(tried, stopped):
            quoted = await self._quoted(other.steps)
            if isinstance(quoted, Quote):
                changes = list(other.changes)
                told = quoted.model_copy(update={"changes": changes})
                found.append(Plan(other.steps, told, changes))
            elif quoted.step > stopped.step:
                further = await self._repaired(other, quoted)
                found += [further] if further else []
        return min(found, key=_cost, default=None)

    async def _changed(self, tried: _Try, stopped: Stopped) -> AsyncIterator[_Try]:
        """Each change that may help, the gentlest first."""
        at, rule = stopped.step, stopped.refused.rule
        step = tried.steps[at]
        for before in _swapped(tried.steps, at):
            says = f"{before[at - 1].operation} goes before {before[at].operation}."
            yield _with(tried, before, Change(kind="order", step=at, rule=rule, says=says))
        remedy = stopped.refused.remedy
        if remedy and not _is_there(tried.steps, at, remedy):
            inserted = Step.model_validate(remedy)
            steps = [*tried.steps[:at], inserted, *tried.steps[at:]]
            says = f"{inserted.operation} {inserted.params} goes before {step.operation}."
            yield _with(tried, steps, Change(kind="inserted", step=at + 1, rule=rule, says=says))
        for other in _other_modes(step):
            says = f"{other.operation} does it instead of {step.operation}{_without(step, other)}."
            yield _with(
                tried,
                _replaced(tried.steps, at, other),
                Change(kind="mode", step=at + 1, rule=rule, says=says),
            )
        for name in step.fallbacks:
            left = tuple(one for one in step.fallbacks if one != name)
            other = step.model_copy(update={"provider": name, "fallbacks": left})
            says = f"{name} does {step.operation} instead of {step.provider}."
            yield _with(
                tried,
                _replaced(tried.steps, at, other),
                Change(kind="provider", step=at + 1, rule=rule, says=says),
            )


def _check_something_comes_out(quote: Quote) -> None:
    """Refused if every image is known to fail."""
    failures = [one for step in quote.steps for one in step.failures]
    if quote.images or not failures:
        return
    first, count = failures[0], sum(one.images for one in failures)
    says = f"Nothing would come out of this run: {first.problem.says}"
    raise Refused(
        rule="run.nothing",
        says=says if count == 1 else f"{says} So it is with all {count} images.",
        fix=first.problem.fix
        if first.remedy or first.problem.rule != "optimizer.would_upscale"
        else "Begin with a larger picture, or let it be padded, with fit: contain.",
        remedy=first.remedy.model_dump(include={"operation", "params"}) if first.remedy else None,
    )


def _cost(plan: Plan) -> tuple[Any, int, int]:
    """Cheapest first; then by how much it changes what was asked for."""
    gentle = ("order", "inserted", "mode", "provider")
    return (
        plan.quote.price.expected.amount,
        len(plan.changes),
        sum(gentle.index(one.kind) for one in plan.changes),
    )


def _with(tried: _Try, steps: list[Step], change: Change) -> _Try:
    return _Try(steps, (*tried.changes, change))


def _replaced(steps: Sequence[Step], at: int, other: Step) -> list[Step]:
    return [*steps[:at], other, *steps[at + 1 :]]


def _is_there(steps: Sequence[Step], at: int, remedy: dict[str, Any]) -> bool:
    """Whether that very step was put there already, and did not help."""
    return at > 0 and steps[at - 1] == Step.model_validate(remedy)


def _swapped(steps: Sequence[Step], at: int) -> list[list[Step]]:
    """The step before the one that stands in its way, if both may change places."""
    if at == 0 or not {steps[at].operation, steps[at - 1].operation} <= _COMMUTING:
        return []
    return [[*steps[: at - 1], steps[at], steps[at - 1], *steps[at + 1 :]]]


def _other_modes(step: Step) -> list[Step]:
    modes = []
    for operation, usual in _OTHER_MODES.get(step.operation, ()):
        meant = {name: step.params.get(name, default) for name, default in usual.items()}
        params = {name: value for name, value in meant.items() if value is not None}
        modes.append(step.model_copy(update={"operation": operation, "params": params}))
    return modes


def _without(step: Step, other: Step) -> str:
    """What was asked for that the other operation does not take, as the end of a sentence."""
    lost = [name for name, value in step.params.items() if value and name not in other.params]
    return f", without {' and '.join(lost)}" if lost else ""
