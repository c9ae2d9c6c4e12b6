"""Answers: what the studios say of a step and an image, each asked for once in a plan.

A plan is found by trying: the same step is quoted for the same image in many attempts.
"""

from __future__ import annotations

import json
from typing import Protocol

from gateway.studios import Foreseen
from studio.imaging.facts import ImageFacts
from studio.problems import Refused
from studio.slip import Step


class Asked(Protocol):
    """Whoever can say what a step would cost and output; `gateway.studios.Studios` in service."""

    async def quote(self, workspace: str, step: Step, image: ImageFacts | None) -> Foreseen:
        """What a step would cost and output. Refused as running it would be."""


class Answers:
    """The studios, for one plan: they are taken not to change their mind within it."""

    def __init__(self, studios: Asked) -> None:
        self._studios = studios
        self._known: dict[tuple[str, str, ImageFacts | None], Foreseen | Refused] = {}

    async def quote(self, workspace: str, step: Step, image: ImageFacts | None) -> Foreseen:
        """What a step would cost and output. Refused as running it would be."""
        answer = await self.of(workspace, step, image)
        if isinstance(answer, Refused):
            raise answer
        return answer

    async def of(self, workspace: str, step: Step, image: ImageFacts | None) -> Foreseen | Refused:
        """The same, with the refusal as the answer."""
        what = json.dumps([step.operation, step.provider, step.params], sort_keys=True)
        key = (workspace, what, image)
        if key not in self._known:
            try:
                self._known[key] = await self._studios.quote(workspace, step, image)
            except Refused as refused:
                self._known[key] = refused
        return self._known[key]
