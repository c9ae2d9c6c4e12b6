"""Planning whole workflows without processes: as `tests.planning`, with exports and the library."""

from __future__ import annotations

from typing import Any

from gateway.studios import Foreseen, ForeseenFailure
from services.library.operations.organise import Organise
from services.optimizer.operations.export import Export
from studio.imaging.facts import ImageFacts
from studio.slip import Step
from tests import planning


class Studios(planning.Studios):
    """Every operation, with the failures that it foresees."""

    def __init__(self) -> None:
        super().__init__()
        self._operations |= {one.name: one for one in (Export(), Organise())}
        self.asked = 0

    async def quote(self, workspace: str, step: Step, image: ImageFacts | None) -> Foreseen:
        """What a step would cost and output. Refused as running it would be."""
        self.asked += 1
        foreseen = await super().quote(workspace, step, image)
        operation = self._operations[step.operation]
        found = operation.engine(foreseen.provider).failures(image, operation.parse(step.params))
        failures = [
            ForeseenFailure(one.label, one.problem, _step(one.details.get("remedy")))
            for one in found
        ]
        return Foreseen(
            price=foreseen.price,
            outputs=foreseen.outputs,
            provider=foreseen.provider,
            pinned=foreseen.pinned,
            failures=failures,
            notes=list(operation.notes(image, operation.parse(step.params))),
        )


def _step(remedy: dict[str, Any] | None) -> Step | None:
    return Step.model_validate(remedy) if remedy else None
