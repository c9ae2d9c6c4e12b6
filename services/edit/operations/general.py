"""`edit.general`: an edit by instruction, as far as a small grammar goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from services.edit.instruction import PHRASES, steps
from studio.imaging.facts import ImageFacts
from studio.operation import AnyOperation, Failure, Operation, OperationParams, Output, Work
from studio.problems import Broken


class Params(OperationParams):
    """What to do, in words."""

    instruction: str = Field(
        min_length=1,
        max_length=1000,
        description=f"clauses joined by commas; understood are {', '.join(PHRASES)}",
        examples=["brighter and slightly warmer, crop to 1:1", "make the background white"],
    )


class General(Operation[Params]):
    """Read the instruction, then do its steps with the operations that there are."""

    name = "edit.general"
    summary = "Edit by an instruction in plain English, of a small documented grammar."
    limits = ("free instructions need a provider that edits by prompt",)

    def __init__(self, operations: Sequence[AnyOperation]) -> None:
        self._operations = {one.name: one for one in operations}

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """Each step's own limits hold, for the image that the step before it makes; Refused
        (`edit.general.not_understood`) names the clause."""
        self.forecast(image, params)

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """What its last step outputs."""
        facts = image
        for operation, parsed in self._steps(params):
            operation.check(facts, parsed)
            facts = next(iter(operation.forecast(facts, parsed)), None)
        return [facts] if facts else []

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """`details.steps` lists the operations, their parameters and their details."""
        image = work.needed_image()
        notes: list[str] = []
        told: list[dict[str, Any]] = []
        for operation, parsed in self._steps(work.params):
            step = replace(work, params=parsed, image=image, facts=image.facts)
            [made] = await operation.run(step)
            if not isinstance(made, Output) or made.image is None:
                raise Broken(rule="edit.general.step", says=f"{operation.name} made no image.")
            image = made.image
            notes += made.notes
            params = parsed.model_dump(mode="json", exclude_unset=True)
            told.append({"operation": operation.name, "params": params, **made.details})
        reviews = [step["needs_review"] for step in told if step.get("needs_review")]
        details = {
            "steps": told,
            "needs_review": " ".join(reviews) or None,
            "engine": "grammar",
            "engine_version": "2026-11",
        }
        return [Output(image=image, details=details, notes=tuple(notes))]

    def _steps(self, params: Params) -> list[tuple[AnyOperation, Any]]:
        read = steps(params.instruction)
        return [
            (operation, operation.parse(step.params))
            for step in read
            for operation in [self._operations[step.operation]]
        ]
