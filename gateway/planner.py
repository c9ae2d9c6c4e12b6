"""Planner: every step within every limit before anything starts, or the cheapest change that
makes it so, or the rule that forbids it.

A workflow is quoted step by step with what the steps before it will output. Where a step would be
refused, each change that may help is tried in a quote of its own: the remedy that the refusal names
(scale down first), another order, another provider, another mode. The cheapest that leads through
is taken and told; of equally cheap ones the one that changes the pictures least.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.fallbacks import covered
from gateway.quotes import Change, Quote, Stopped, attempt, refused_by
from gateway.studios import Studios
from studio.imaging.facts import ImageFacts
from studio.slip import MAX_STEPS, Step

#: A workflow is changed in at most so many places.
_MOST_CHANGES = 3
#: Steps that can change places: each takes one image and gives one, and none decides for the other
#: what is in it.
_COMMUTING = {"edit.remove_background", "upscale.fast", "upscale.conservative", "upscale.creative"}
#: Other operations that do what the user asked for, with the parameters that mean the same.
_OTHER_MODES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "upscale.fast": (("upscale.conservative", ("factor", "prompt")),),
    "upscale.creative": (("upscale.conservative", ("factor", "long_side", "target", "prompt")),),
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
        """The plan. Refused names the step and the rule that no change gets around.

        providers: who is asked, in this order, for steps that name nobody; the others that can do
            the step are its fallbacks, but for those that a limit forbids.
        """
        wanted = await self._with_providers(steps, providers)
        quoted = await attempt(self._studios, workspace, wanted, starts)
        if isinstance(quoted, Quote):
            return await self._covered(workspace, Plan(wanted, quoted), starts)
        if not repair:
            raise refused_by(quoted)
        best = await self._repaired(workspace, _Try(wanted), quoted, starts)
        if best is None:
            raise refused_by(quoted)
        return await self._covered(workspace, best, starts)

    async def _covered(
        self, workspace: str, plan: Plan, starts: Sequence[ImageFacts | None]
    ) -> Plan:
        """The plan with the fallbacks that no limit forbids, and with what they may cost."""
        steps, quote, left_out = await covered(
            self._studios, workspace, plan.steps, starts, plan.quote
        )
        changes = [*plan.changes, *left_out]
        return Plan(steps, quote.model_copy(update={"changes": changes}), changes)

    async def _repaired(
        self,
        workspace: str,
        tried: _Try,
        stopped: Stopped,
        starts: Sequence[ImageFacts | None],
    ) -> Plan | None:
        """The cheapest way on; None if there is none within the changes that are left."""
        found: list[Plan] = []
        if len(tried.changes) == _MOST_CHANGES or len(tried.steps) >= MAX_STEPS:
            return None
        async for other in self._changed(tried, stopped):
            quoted = await attempt(self._studios, workspace, other.steps, starts)
            if isinstance(quoted, Quote):
                changes = list(other.changes)
                told = quoted.model_copy(update={"changes": changes})
                found.append(Plan(other.steps, told, changes))
            elif quoted.step > stopped.step:
                further = await self._repaired(workspace, other, quoted, starts)
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

    async def _with_providers(self, steps: Sequence[Step], order: Sequence[str]) -> list[Step]:
        """Steps that name nobody get the first of the order who can do them, and the rest."""
        if not order or all(step.provider for step in steps):
            return list(steps)
        offered = {one["name"]: one["providers"] for one in await self._studios.describe()}
        return [_offered(step, order, offered.get(step.operation, ())) for step in steps]


def _offered(step: Step, order: Sequence[str], offered: Iterable[str]) -> Step:
    able = set(offered)
    chosen = [name for name in order if name in able]
    if step.provider or not chosen:
        return step
    return step.model_copy(update={"provider": chosen[0], "fallbacks": tuple(chosen[1:])})


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
    return [
        step.model_copy(
            update={
                "operation": operation,
                "params": {name: step.params[name] for name in names if name in step.params},
            }
        )
        for operation, names in _OTHER_MODES.get(step.operation, ())
    ]


def _without(step: Step, other: Step) -> str:
    """What was asked for that the other operation does not take, as the end of a sentence."""
    lost = [name for name, value in step.params.items() if value and name not in other.params]
    return f", without {' and '.join(lost)}" if lost else ""
