"""Enlarging: the upscale without which an export would leave placements out.

An export never enlarges. It foresees which pictures are too small for which placements, and names
the step that would help: an upscale that covers the placement. One that covers all of them goes
right before the export, done by whoever is cheapest; each picture is made as large as it must be,
and no larger. Where that is more than an upscale makes of some picture (a narrow panorama for a
story), it is the largest size that can be had of every picture, and the rest stays foreseen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gateway.answers import Answers
from gateway.quotes import Change, ForeseenFailure, Quote, attempt, leaving
from studio.imaging.facts import ImageFacts
from studio.slip import MAX_STEPS, Step

_ENLARGES = "upscale.conservative"  # the remedy that is understood here: every detail preserved
_MOST_TRIED = 16  # sizes, where none covers all; each is a quote of every image
_MOST_NAMES = 3  # placements that a change names; the others are counted

_Planned = tuple[list[Step], Quote]


@dataclass(frozen=True, slots=True)
class _Want:
    """One picture, and the box that it would have to cover for one placement."""

    image: ImageFacts
    width: int
    height: int

    @property
    def long_side(self) -> int:
        """Of the picture when it covers the box, px."""
        scale = max(self.width / self.image.width, self.height / self.image.height)
        return math.ceil(max(self.image.width, self.image.height) * scale)


@dataclass(slots=True)
class Enlarging:
    """Puts upscales before the exports of a plan.

    by: a step by the providers that the run asks first; the local engine is tried as well.
    """

    answers: Answers
    workspace: str
    starts: Sequence[ImageFacts | None]
    by: Callable[[Step], Step]

    async def of(
        self, steps: Sequence[Step], quote: Quote, changes: Sequence[Change]
    ) -> tuple[list[Step], Quote, list[Change]]:
        """The steps with every upscale that makes more of the images, their quote, the changes."""
        left, told, at = list(steps), list(changes), 0
        while at < len(left) < MAX_STEPS:
            failures = quote.steps[at].failures
            better = await self._better(left, at, quote) if failures else None
            if better:
                left, quote = better
                told = [*map(_moved_from(at), told), _change(left, at, failures, quote)]
                at += 1
            at += 1
        return left, quote, told

    async def _better(self, steps: list[Step], at: int, quote: Quote) -> _Planned | None:
        """With an upscale before the step, if more images come out of it then."""
        wants = await self._wants(steps, at)
        if not wants:
            return None
        box = {
            "width": max(one.width for one in wants),
            "height": max(one.height for one in wants),
        }
        better = await self._with(steps, at, cover=box)
        better = better or await self._with_most(
            steps, at, sorted({one.long_side for one in wants})
        )
        before = quote.steps[at].images_out
        return better if better and better[1].steps[at + 1].images_out > before else None

    async def _with_most(
        self, steps: list[Step], at: int, long_sides: Sequence[int]
    ) -> _Planned | None:
        """With the largest of these sizes (px, ascending) that no limit forbids; smaller ones are
        allowed where a larger one is."""
        long_sides = long_sides[:: -max(1, len(long_sides) // _MOST_TRIED)][::-1]
        best, low, high = None, 0, len(long_sides)
        while low < high:
            middle = (low + high) // 2
            better = await self._with(steps, at, long_side=long_sides[middle])
            if better:
                best, low = better, middle + 1
            else:
                high = middle
        return best

    async def _with(self, steps: list[Step], at: int, **size: Any) -> _Planned | None:
        """With an upscale to this size, by whoever is cheapest; None if limits forbid it."""
        enlarge = Step(operation=_ENLARGES, params=size)
        found: list[_Planned] = []
        for one in _distinct((self.by(enlarge), enlarge)):
            other = [*steps[:at], one, *steps[at:]]
            quoted = await attempt(self.answers, self.workspace, other, self.starts)
            if isinstance(quoted, Quote):
                found.append((other, quoted))
        return min(found, key=_price, default=None)

    async def _wants(self, steps: Sequence[Step], at: int) -> set[_Want]:
        """What the images that reach a step lack for what it would make of them."""
        images = await leaving(self.answers, self.workspace, steps[:at], self.starts)
        wants = set()
        for image in filter(None, images):
            foreseen = await self.answers.quote(self.workspace, steps[at], image)
            for failure in foreseen.failures:
                remedy = failure.remedy
                if remedy and remedy.operation == _ENLARGES and "cover" in remedy.params:
                    wants.add(_Want(image, **remedy.params["cover"]))
        return wants


def _price(planned: _Planned) -> Decimal:
    return planned[1].price.expected.amount


def _distinct(steps: Iterable[Step]) -> list[Step]:
    return list({step.model_dump_json(): step for step in steps}.values())


def _moved_from(at: int) -> Callable[[Change], Change]:
    """What was told before of later steps, when one more comes at this index."""

    def moved(change: Change) -> Change:
        number = change.step + 1 if change.step > at else change.step
        return change.model_copy(update={"step": number})

    return moved


def _change(
    steps: Sequence[Step], at: int, failures: Sequence[ForeseenFailure], quote: Quote
) -> Change:
    """In words: what goes where, how large it makes the pictures, and what they lacked."""
    enlarge, export = steps[at], steps[at + 1]
    counted = _counted(failures) - _counted(quote.steps[at + 1].failures)
    helped = list(counted)
    first = next((one for one in failures if one.label in counted), failures[0])
    others = len(helped) - _MOST_NAMES
    lacked = ", ".join(helped[:_MOST_NAMES]) + (f" and {others} more" if others > 0 else "")
    box = enlarge.params.get("cover")
    size = f"{box['width']}×{box['height']} px" if box else f"{enlarge.params['long_side']} px"
    return Change(
        kind="inserted",
        step=at + 1,
        rule=first.problem.rule,
        says=f"{enlarge.operation} to {size} goes before {export.operation}: without it there are "
        f"pictures too small for {lacked}.",
    )


def _counted(failures: Iterable[ForeseenFailure]) -> Counter[str]:
    """How many images fail for each label."""
    counted = Counter[str]()
    for one in failures:
        counted[one.label] += one.images
    return counted
