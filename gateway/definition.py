"""Workflow definitions: named, versioned chains with parameters, as YAML.

The language is small on purpose: a parameter stands for a whole value ("${prompt}"), and a step
may depend on a parameter being given (`when`) or not (`unless`). What a parameter leaves out is
left out of the step, so that the operation's own default applies.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator

from studio.events import BLOB_PATTERN
from studio.problems import NotFound, Refused, in_words
from studio.slip import Step

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


class StepTemplate(BaseModel):
    """A step with references to parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: str
    params: dict[str, Any] | str = Field(
        default_factory=dict, description="values or references; or one reference for them all"
    )
    provider: str | None = None
    when: str | None = Field(default=None, description="only if this parameter is given")
    unless: str | None = Field(default=None, description="only if this parameter is not given")

    def references(self) -> set[str]:
        """The parameters that it names."""
        named = set(_REFERENCE.findall(repr(self.params)))
        return named | {one for one in (self.when, self.unless) if one}


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

    def steps_for(self, given: Mapping[str, Any]) -> list[Step]:
        """The steps for these parameters. Refused names what is wrong and what is valid."""
        values = self._validated(given)
        chosen = [
            step
            for step in self.steps
            if (step.when is None or _is_given(values[step.when]))
            and (step.unless is None or not _is_given(values[step.unless]))
        ]
        return [
            Step(
                operation=step.operation,
                params=_without_none(_filled(step.params, values)),
                provider=step.provider,
            )
            for step in chosen
        ]

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
            "steps": [step.model_dump(exclude_none=True) for step in self.steps],
        }

    def _validated(self, given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            values = self.model.model_validate(dict(given)).model_dump()
        except ValidationError as error:
            raise Refused(
                rule="workflow.parameters",
                says=f"{self.name} does not accept these parameters: {in_words(error)}.",
                fix=self._near(given),
                valid=sorted(self.parameters),
            ) from error
        if self.needs_one_of and not any(_is_given(values[one]) for one in self.needs_one_of):
            raise Refused(
                rule="workflow.parameters",
                says=f"{self.name} needs one of: {', '.join(self.needs_one_of)}.",
                fix="Give one of them.",
                valid=sorted(self.parameters),
            )
        return values

    def _near(self, given: Mapping[str, Any]) -> str:
        for name in given:
            if name not in self.parameters:
                near = difflib.get_close_matches(name, self.parameters, n=1, cutoff=0.5)
                if near:
                    return f"Did you mean {near[0]!r} instead of {name!r}?"
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
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    raise UnknownWorkflow(
        rule="workflow.unknown",
        says=f"There is no workflow {name!r}.",
        fix=f"Did you mean {', '.join(near)}?" if near else "Use one of the valid ones.",
        valid=sorted(known),
    )


class UnknownWorkflow(NotFound):
    """Asked for by name in a body it is a wrong value (422), in a path it is not found."""

    kind = "unknown_workflow"
    status = 422


def _is_given(value: Any) -> bool:
    return value not in (None, False, [], {}, "")


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
