"""Preference: which providers a run asks, in which order, for steps that name none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.quotes import Change
from studio.naming import did_you_mean
from studio.problems import Refused
from studio.slip import Step


@dataclass(frozen=True, slots=True)
class Preference:
    """The providers of a run, the first asked first; none: whoever an operation has first."""

    names: tuple[str, ...] = ()
    offered: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by operation
    lacking: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # the problems, likewise

    @classmethod
    def of(cls, names: Sequence[str], operations: Sequence[Mapping[str, Any]]) -> Preference:
        """Refused (run.providers) for a name that nobody here has.

        operations: as the studios describe them.
        """
        offered = {one["name"]: tuple(one["providers"]) for one in operations}
        lacking = {one["name"]: one["absent"] for one in operations}
        known = sorted({name for some in offered.values() for name in some})
        unknown = [name for name in names if name not in known]
        if not unknown:
            return cls(tuple(names), offered, lacking)
        settings = _settings(unknown, lacking.values())
        if nobody := [name for name in unknown if name not in settings]:
            raise Refused(
                rule="run.providers",
                says=f"No operation here is done by {' or '.join(map(repr, nobody))}: there is no "
                "such provider, or its key or its software is missing.",
                fix=did_you_mean(
                    nobody[0],
                    {*known, *(name for problems in lacking.values() for name in problems)},
                    "Use the valid ones, or give its key.",
                ),
                valid=known,
            )
        raise Refused(
            rule="run.providers",
            says=f"No operation here is done by {' or '.join(map(repr, settings))}: the key is "
            "missing.",
            fix=f"Set {' and '.join(sorted({*settings.values()}))} for the services that are to "
            "buy, or use the valid ones.",
            valid=known,
        )

    def applied(self, step: Step) -> Step:
        """The step by the first of them who can do it, the others as its fallbacks; a step that
        names its provider, or that none of them can do, as it is."""
        able = self._able(step)
        if step.provider or not able:
            return step
        return step.model_copy(update={"provider": able[0], "fallbacks": tuple(able[1:])})

    def passed_over(self, steps: Sequence[Step], wanted: Sequence[Step] = ()) -> list[Change]:
        """The steps that none of them can do where somebody else had to be chosen, and those that
        one does who was preferred less, since a key of the others is missing.

        wanted: the steps as they were asked for. Of those that name their provider nothing is told.
        """
        named = [_work(step) for step in wanted if step.provider]
        return [
            Change(kind="provider", step=number, rule="run.providers", says=says)
            for number, step in enumerate(steps, 1)
            if _work(step) not in named and (says := self._told(step))
        ]

    def _told(self, step: Step) -> str:
        """Who does a step, and why those do not who were preferred; "" if that is no news. What
        only one could do, whatever keys there were, nobody would ask of another."""
        offered = self.offered.get(step.operation, ())
        if step.provider in self.names:
            by, passed = step.provider, self.names[: self.names.index(step.provider)]
        elif step.provider is None and offered and not self._able(step):
            by, passed = offered[0], self.names
        else:
            return ""
        settings = _settings(passed, [self.lacking.get(step.operation, {})])
        others = [name for name in passed if name not in settings and not step.provider]
        if not settings and (not others or len(offered) == 1):
            return ""
        why = [f"{' or '.join(others)} does not offer it"] if others else []
        why += [f"{name} would with {setting}" for name, setting in settings.items()]
        return f"{by} does {step.operation}: {', and '.join(why)}."

    def _able(self, step: Step) -> list[str]:
        able = self.offered.get(step.operation, ())
        return [name for name in self.names if name in able]


def _work(step: Step) -> tuple[str, str | None, Mapping[str, Any]]:
    """What a step does and by whom, whoever may step in."""
    return step.operation, step.provider, step.params


def _settings(names: Sequence[str], lacking: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Of those names that only lack a key: the setting that takes it."""
    return {
        name: problems[name]["setting"]
        for problems in lacking
        for name in names
        if "setting" in problems.get(name, ())
    }
