"""Workflow definitions: named, versioned chains with parameters, as YAML.

The language is small on purpose: a parameter stands for a whole value ("${prompt}"), and a step
may depend on parameters being given (`when`) or one not (`unless`). What a parameter leaves out is
left out of the step, so that the operation's own default applies.

A run begins with one thing. Steps of the create studio make it of a parameter (a prompt, an
upload); a run that begins with assets of the library goes without them. What is given for a step
that is left out would be lost, so it is refused; a parameter's own default may be given anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator

from studio.events import BLOB_PATTERN
from studio.naming import did_you_mean, near
from studio.problems import NotFound, Refused, in_words
from studio.slip import Step
from studio.wording import validated

_REFERENCE = re.compile(r"\$\{([a-z_]+)\}")

_KINDS: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "list": list[str],
    "blob": str,
    "object": dict[str, Any],
}


class Parameter(BaseModel):
    """What a caller may set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["string", "integer", "number", "boolean", "list", "blob", "object"]
    description: str
    required: bool = False
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    choices: list[str] | None = None
    example: Any = None

    def field(self) -> tuple[Any, Any]:
        """As pydantic has it: (type, field)."""
        kind = Literal[tuple(self.choices)] if self.choices else _KINDS[self.type]
        limits: dict[str, Any] = {"ge": self.minimum, "le": self.maximum}
        if self.type == "blob":
            limits = {"pattern": BLOB_PATTERN}
        if self.type == "string" and not self.choices:
            limits = {"min_length": 1, "max_length": 4000}
        examples = [self.example] if self.example is not None else None
        if not self.required:
            kind = kind | None
        default = ... if self.required else self.default
        return kind, Field(default, description=self.description, examples=examples, **limits)

    def is_changed(self, value: Any) -> bool:
        """Whether a value says anything that is not so without it."""
        if value is None or value == self.default:
            return False
        return value not in ([], {}) or bool(self.default)


class StepTemplate(BaseModel):
    """A step with references to parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: str
    params: dict[str, Any] | str = Field(
        default_factory=dict, description="values or references; or one reference for them all"
    )
    provider: str | None = None
    when: str | list[str] | None = Field(
        default=None, description="only if this parameter is given, or each of these"
    )
    unless: str | None = Field(default=None, description="only if this parameter is not given")

    def references(self) -> set[str]:
        """The parameters that it names."""
        return self.filled_with.union(self._needed(), [self.unless] if self.unless else [])

    def is_taken(self, values: Mapping[str, Any]) -> bool:
        """Whether the step is one of a run with these parameters."""
        if self.unless and _is_given(values[self.unless]):
            return False
        return all(_is_given(values[name]) for name in self._needed())

    @property
    def filled_with(self) -> set[str]:
        """The parameters whose values it works with."""
        return set(_REFERENCE.findall(repr(self.params)))

    def left_out_by(self, values: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """The parameters whose lack leaves the step out, and the one whose presence does."""
        lack = [name for name in self._needed() if not _is_given(values[name])]
        return lack, [self.unless] if self.unless and _is_given(values[self.unless]) else []

    @property
    def begins(self) -> bool:
        """Whether it makes a picture where there was none."""
        return self.operation.startswith("create.")

    def _needed(self) -> list[str]:
        return [self.when] if isinstance(self.when, str) else self.when or []


class Workflow(BaseModel):
    """A workflow of the guide, or of a team."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    version: int = Field(ge=1)
    title: str
    summary: str
    source: str
    checked_on: date
    parameters: dict[str, Parameter]
    steps: list[StepTemplate] = Field(min_length=1)
    needs_one_of: list[str] = Field(default_factory=list, description="at least one must be given")

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        named = set(self.needs_one_of).union(*(step.references() for step in self.steps))
        if unknown := named - set(self.parameters):
            raise ValueError(f"steps name parameters that do not exist: {sorted(unknown)}")
        return self

    @cached_property
    def model(self) -> type[BaseModel]:
        """The parameters as a pydantic model."""
        fields: dict[str, Any] = {name: one.field() for name, one in self.parameters.items()}
        return create_model(
            f"{self.name}-parameters", __config__=ConfigDict(extra="forbid"), **fields
        )

    @cached_property
    def beginnings(self) -> list[str]:
        """The parameters of which exactly one begins a run, unless assets do."""
        named = set().union(*(step.references() for step in self.steps if step.begins))
        return [name for name in self.needs_one_of if name in named]

    @property
    def takes_assets(self) -> bool:
        """Whether a run may begin with assets of the library."""
        return bool(self.beginnings) or not any(step.begins for step in self.steps)

    def steps_for(self, given: Mapping[str, Any], *, from_assets: bool = False) -> list[Step]:
        """The steps for these parameters. Refused names what is wrong and what is valid.

        from_assets: the run begins with assets, so nothing is created or imported.
        """
        if from_assets and not self.takes_assets:
            raise _two_beginnings(f"{self.name} makes its own pictures", self.name)
        values = self._validated(given, from_assets=from_assets)
        taken = [
            step
            for step in self.steps
            if step.is_taken(values) and not (from_assets and step.begins)
        ]
        self._check_nothing_is_lost(values, taken)
        chosen = [
            Step(
                operation=step.operation,
                params=_without_none(_filled(step.params, values)),
                provider=step.provider,
            )
            for step in taken
        ]
        if not chosen:
            raise Refused(
                rule="workflow.no_step",
                says=f"With these parameters, {self.name} has nothing to do with assets that are "
                "there already.",
                fix="Say what to change, or use a workflow that exports or organises.",
                valid=sorted(self.parameters),
            )
        return chosen

    def described(self) -> dict[str, Any]:
        """For people and programs that want to call it."""
        return {
            "name": self.name,
            "version": self.version,
            "title": self.title,
            "summary": self.summary,
            "source": self.source,
            "checked_on": self.checked_on.isoformat(),
            "parameters": self.model.model_json_schema(),
            "needs_one_of": self.needs_one_of,
            "takes_assets": self.takes_assets,
            "steps": [step.model_dump(exclude_none=True) for step in self.steps],
        }

    def _validated(self, given: Mapping[str, Any], *, from_assets: bool) -> dict[str, Any]:
        try:
            values = validated(self.model, given).model_dump()
        except ValidationError as error:
            raise Refused(
                rule="workflow.parameters",
                says=f"{self.name} does not accept these parameters: "
                f"{in_words(error, self.model)}.",
                fix=self._near(given),
                valid=sorted(self.parameters),
            ) from error
        self._check_beginning(values, from_assets=from_assets)
        return values

    def _check_beginning(self, values: Mapping[str, Any], *, from_assets: bool) -> None:
        """Refused if there is nothing to begin with, or more than one thing."""
        found = [name for name in self.needs_one_of if _is_given(values[name])]
        begun = [name for name in found if name in self.beginnings]
        if from_assets and begun:
            raise _two_beginnings(f"A run begins with {begun[0]}", begun[0])
        if len(begun) > 1:
            raise Refused(
                rule="run.two_beginnings",
                says=f"A run begins with {' or with '.join(begun)}, not with both.",
                fix=f"Leave {' or '.join(begun)} out.",
            )
        if self.needs_one_of and not found and not (from_assets and self.beginnings):
            raise Refused(
                rule="workflow.parameters",
                says=f"{self.name} needs one of: {', '.join(self.needs_one_of)}.",
                fix="Give one of them"
                + (", or begin with assets of the library." if self.beginnings else "."),
                valid=sorted(self.parameters),
            )

    def _check_nothing_is_lost(
        self, values: Mapping[str, Any], taken: Sequence[StepTemplate]
    ) -> None:
        """Refused if something is given for a step that is left out, which no other works with."""
        used = set[str]().union(*(one.filled_with for one in taken))
        given = [name for name, one in self.parameters.items() if one.is_changed(values[name])]
        for step in (one for one in self.steps if one not in taken):
            unused = step.filled_with.difference(used, step.left_out_by(values)[0])
            lost = [
                name
                for name in given
                if name in unused and not _is_so_anyway(name, step, values, taken)
            ]
            if lost:
                why, otherwise = self._left_out(step, values)
                raise Refused(
                    rule="workflow.parameters",
                    says=f"Nothing would be done with {' and '.join(lost)}: {step.operation} works "
                    f"with that, and {why}.",
                    fix=f"Leave {' and '.join(lost)} out, or {otherwise}.",
                    valid=sorted({*self.parameters} - unused),
                )

    def _left_out(self, step: StepTemplate, values: Mapping[str, Any]) -> tuple[str, str]:
        """Why there is no such step with these parameters, and what would make it one."""
        if step.begins:
            made_of = [name for name in self.beginnings if name in step.filled_with]
            why = f"a run that begins otherwise goes without {step.operation}"
            return why, f"begin with {' or '.join(made_of)}"
        lack, present = step.left_out_by(values)
        if lack:
            return f"without {' and '.join(lack)} it is left out", f"give {' and '.join(lack)}"
        return f"with {present[0]} it is left out", f"do without {present[0]}"

    def _near(self, given: Mapping[str, Any]) -> str:
        for name in given:
            meant = near(name, self.parameters, n=1)
            if meant and meant[0] != name:
                return f"Did you mean {meant[0]!r} instead of {name!r}?"
        return f"GET /v1/workflows/{self.name} describes each parameter."


@lru_cache(maxsize=1)
def workflows() -> dict[str, Workflow]:
    """Every workflow by name, validated; read once."""
    files = sorted((Path(__file__).parent / "workflows").glob("*.yaml"))
    found = [Workflow.model_validate(yaml.safe_load(file.read_text())) for file in files]
    return {one.name: one for one in found}


def find_workflow(name: str) -> Workflow:
    """The workflow of that name; NotFound names near ones."""
    known = workflows()
    if name in known:
        return known[name]
    raise UnknownWorkflow(
        rule="workflow.unknown",
        says=f"There is no workflow {name!r}.",
        fix=did_you_mean(name, known, "Use one of the valid ones."),
        valid=sorted(known),
    )


class UnknownWorkflow(NotFound):
    """Asked for by name in a body it is a wrong value (422), in a path it is not found."""

    kind = "unknown_workflow"
    status = 422


def refuse_two_beginnings(steps: Sequence[Step]) -> None:
    """Refused if steps that are to begin with assets begin with a picture of their own."""
    if steps[0].operation.startswith("create."):
        raise _two_beginnings(f"{steps[0].operation} makes a picture of its own", "that step")


def _two_beginnings(says: str, other: str) -> Refused:
    return Refused(
        rule="run.two_beginnings",
        says=f"{says}, so it does not begin with assets, too.",
        fix=f"Leave out {other}, or assets and selection.",
    )


def _is_given(value: Any) -> bool:
    return value not in (None, False, [], {}, "")


def _is_so_anyway(
    name: str, step: StepTemplate, values: Mapping[str, Any], taken: Sequence[StepTemplate]
) -> bool:
    """Whether the same operation is done with that value of a parameter in another step."""
    alike = [one.params for one in taken if one.operation == step.operation]
    wanted = step.params.items() if isinstance(step.params, dict) else ()
    return any(
        isinstance(params, dict) and _filled(params, values).get(key) == values[name]
        for params in alike
        for key, reference in wanted
        if reference == f"${{{name}}}"
    )


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str) and (match := _REFERENCE.fullmatch(value)):
        return values[match.group(1)]
    if isinstance(value, dict):
        return {key: _filled(one, values) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, values) for one in value]
    return value


def _without_none(params: Any) -> Any:
    return {key: value for key, value in params.items() if value is not None}
