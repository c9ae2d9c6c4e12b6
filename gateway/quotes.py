"""Quotes: what a run will cost and make, before it starts.

Each step is quoted for the images that the steps before it will output, so every limit that would
stop the run is found before it starts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

from gateway.answers import Asked
from gateway.studios import Foreseen
from studio.imaging.facts import ImageFacts
from studio.money import Money, PriceRange
from studio.problems import Problem, Refused
from studio.slip import Step

Images = Counter[ImageFacts | None]

_TOGETHER = 50  # images that a studio is asked about side by side


class Remedy(BaseModel):
    """A step that, put before the failing one, prevents the failure."""

    operation: str
    params: dict[str, Any]
    price: PriceRange = Field(description="of the step for one image")


class ForeseenFailure(BaseModel):
    """An image that the step will not make, known before anything is paid."""

    label: str = Field(description="which output, such as the placement")
    images: int = Field(description="of how many of the images that go in")
    problem: Problem
    remedy: Remedy | None = None


class StepQuote(BaseModel):
    """One step: what goes in, what comes out, and its price."""

    operation: str
    provider: str
    images_in: int = Field(description="images that it works on; 0: it begins")
    images_out: int
    price: PriceRange
    sizes: list[str] = Field(description="the sizes that it outputs, px")
    pinned: dict[str, Any] = Field(
        default_factory=dict, description="parameters that the run fixes, such as data versions"
    )
    failures: list[ForeseenFailure] = Field(
        default_factory=list, description="what will not be made, and what would help"
    )
    notes: list[str] = Field(
        default_factory=list, description="what may fail for a reason that only the run sees"
    )


class Change(BaseModel):
    """What was changed of the steps that were asked for, so that every limit holds."""

    kind: Literal["order", "inserted", "mode", "provider", "fallback"]
    step: int = Field(ge=1, description="the number of the step in the plan")
    rule: str = Field(description="that stopped it as it was", examples=["stability.upscale.fast"])
    says: str


class Quote(BaseModel):
    """A whole run."""

    price: PriceRange
    steps: list[StepQuote]
    images: int = Field(description="images at the end")
    changes: list[Change] = Field(default_factory=list, description="made so that limits hold")


@dataclass(frozen=True, slots=True)
class Stopped:
    """The step (index from 0) that would be refused, and why."""

    step: int
    operation: str
    refused: Refused


async def quote(
    studios: Asked, workspace: str, steps: Sequence[Step], starts: Sequence[ImageFacts | None]
) -> Quote:
    """Quote the steps in order. Refused names the step and the rule that would stop it."""
    found = await attempt(studios, workspace, steps, starts)
    if isinstance(found, Stopped):
        raise refused_by(found)
    return found


def refused_by(stopped: Stopped) -> Refused:
    """The refusal, which says which step it is about."""
    refused = stopped.refused
    refused.says = f"Step {stopped.step + 1} ({stopped.operation}): {refused.says}"
    return refused


async def attempt(
    studios: Asked, workspace: str, steps: Sequence[Step], starts: Sequence[ImageFacts | None]
) -> Quote | Stopped:
    """The quote of the steps in order, or where it stops."""
    images: Images = Counter(starts)
    total = PriceRange.exactly(Money.zero())
    quoted = []
    for index, step in enumerate(steps):
        try:
            one, images = await _step(studios, workspace, step, images)
        except Refused as refused:
            return Stopped(index, step.operation, refused)
        quoted.append(one)
        total += one.price
    return Quote(price=total, steps=quoted, images=images.total())


async def leaving(
    studios: Asked, workspace: str, steps: Sequence[Step], starts: Sequence[ImageFacts | None]
) -> Images:
    """The images that the last of the steps outputs. Refused as quoting them would be."""
    images: Images = Counter(starts)
    for step in steps:
        _, images = await _step(studios, workspace, step, images)
    return images


async def _side_by_side(
    studios: Asked, workspace: str, step: Step, images: Sequence[ImageFacts | None]
) -> list[Foreseen]:
    """A step's quote for each of the images; Refused is that of the first that is refused."""
    found: list[Foreseen] = []
    for first in range(0, len(images), _TOGETHER):
        some = images[first : first + _TOGETHER]
        asked = (studios.quote(workspace, step, image) for image in some)
        for one in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(one, BaseException):
                raise one
            found.append(one)
    return found


async def _step(
    studios: Asked, workspace: str, step: Step, images: Images
) -> tuple[StepQuote, Images]:
    """One step for all images that reach it, and the images that leave it."""
    price, after = PriceRange.exactly(Money.zero()), Images()
    provider, pinned = "", dict[str, Any]()
    failures: list[ForeseenFailure] = []
    notes = dict[str, None]()  # each once, in order
    kinds = list(images.items())
    answers = await _side_by_side(studios, workspace, step, [image for image, _ in kinds])
    for (image, count), foreseen in zip(kinds, answers, strict=True):
        provider, pinned = foreseen.provider, foreseen.pinned
        price += foreseen.price * count
        for output in foreseen.outputs:
            after[output] += count
        notes |= dict.fromkeys(foreseen.notes)
        for failure in foreseen.failures:
            remedy = await _remedy(studios, workspace, failure.remedy, image)
            failures.append(
                ForeseenFailure(
                    label=failure.label, images=count, problem=failure.problem, remedy=remedy
                )
            )
    quoted = StepQuote(
        operation=step.operation,
        provider=provider,
        images_in=0 if all(image is None for image in images) else images.total(),
        images_out=after.total(),
        price=price,
        sizes=sorted({f"{one.width}×{one.height}" for one in after if one}),
        pinned=pinned,
        failures=failures,
        notes=list(notes),
    )
    return quoted, after


async def _remedy(
    studios: Asked, workspace: str, step: Step | None, image: ImageFacts | None
) -> Remedy | None:
    """The step that would help, with its price; None where there is none, or none that can be."""
    if step is None:
        return None
    try:
        price = (await studios.quote(workspace, step, image)).price
    except Refused:
        return None
    return Remedy(operation=step.operation, params=step.params, price=price)
