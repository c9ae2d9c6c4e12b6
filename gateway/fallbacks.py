"""Fallbacks: who may step in for a step, and what the run costs at most if they do.

Any of a step's fallbacks may do it, so each is held to the limits before the run starts, and the
run's price reaches to that of the dearest. What a fallback makes may be of another size than what
was planned: whatever may come is followed through all later steps. A fallback that a limit forbids,
in its own step or because of what it makes in a later one, is left out, and the plan says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.answers import Answers
from gateway.quotes import Change, Quote, StepQuote
from gateway.studios import Foreseen
from studio.imaging.facts import ImageFacts
from studio.money import Money, PriceRange
from studio.problems import Refused
from studio.slip import Step

Fact = ImageFacts | None
Who = tuple[int, str]  # a step's index and its fallback
#: Images that may come, and the fallbacks that have to step in for that; none: as planned.
Possible = Mapping[Fact, tuple[Who, ...]]


@dataclass(frozen=True, slots=True)
class _Forbidden:
    """A fallback that leads to a refusal."""

    who: Who
    refused: Refused


@dataclass(frozen=True, slots=True)
class _Asking:
    """The studios, asked what if a certain provider did a step."""

    answers: Answers
    workspace: str

    async def of(self, step: Step, provider: str | None, image: Fact) -> Foreseen | Refused:
        """What a step would cost and output if that provider does it."""
        alone = step.model_copy(update={"provider": provider, "fallbacks": ()})
        return await self.answers.of(self.workspace, alone, image)


async def covered(
    answers: Answers,
    workspace: str,
    steps: Sequence[Step],
    starts: Sequence[Fact],
    quote: Quote,
) -> tuple[list[Step], Quote, list[Change]]:
    """The steps with the fallbacks that no limit forbids, the quote with their prices, and what
    was left out.

    quote: of the steps by the providers that are asked first.
    """
    left, changes = list(steps), list[Change]()
    asking = _Asking(answers, workspace)
    while any(step.fallbacks for step in left):
        found = await _followed(asking, left, starts)
        if not isinstance(found, _Forbidden):
            quoted = [one.model_copy(update={"price": price}) for one, price in _of(quote, found)]
            total = sum(found, PriceRange.exactly(Money.zero()))
            return left, quote.model_copy(update={"price": total, "steps": quoted}), changes
        index, name = found.who
        rest = tuple(one for one in left[index].fallbacks if one != name)
        left[index] = left[index].model_copy(update={"fallbacks": rest})
        changes.append(_left_out(left[index], index, name, found.refused))
    return left, quote, changes


async def _followed(
    asking: _Asking, steps: Sequence[Step], starts: Sequence[Fact]
) -> list[PriceRange] | _Forbidden:
    """The price of each step whoever does them, or who must not."""
    planned, others = Counter(starts), dict[Fact, tuple[Who, ...]]()
    prices = []
    for index, step in enumerate(steps):
        possible: Possible = {**others, **dict.fromkeys(planned, ())}
        found = await _everybody(asking, index, step, possible)
        if isinstance(found, _Forbidden):
            return found
        prices.append(_price(step, planned, found))
        following = Counter[Fact]()
        for image, count in planned.items():
            for output in found[step.provider, image].outputs:
                following[output] += count
        others = _others(index, step, possible, found)
        planned = following
    return prices


async def _everybody(
    asking: _Asking, index: int, step: Step, possible: Possible
) -> dict[tuple[str | None, Fact], Foreseen] | _Forbidden:
    """What each who may do a step says of every image that may reach it."""
    found: dict[tuple[str | None, Fact], Foreseen] = {}
    for provider in (step.provider, *step.fallbacks):
        for image, makers in possible.items():
            answer = await asking.of(step, provider, image)
            if isinstance(answer, Foreseen):
                found[provider, image] = answer
            elif provider != step.provider:
                return _Forbidden((index, str(provider)), answer)
            elif makers:
                return _Forbidden(makers[-1], answer)
            else:
                raise answer  # of what is planned: it was quoted before
    return found


def _others(
    index: int,
    step: Step,
    possible: Possible,
    found: Mapping[tuple[str | None, Fact], Foreseen],
) -> dict[Fact, tuple[Who, ...]]:
    """What may come instead of what is planned, and who makes it so: as few as can."""
    made: dict[Fact, tuple[Who, ...]] = {}
    for (provider, image), foreseen in found.items():
        own = () if provider == step.provider else ((index, str(provider)),)
        makers = (*possible[image], *own)
        for output in foreseen.outputs if makers else ():
            if output not in made or len(makers) < len(made[output]):
                made[output] = makers
    return made


def _price(
    step: Step,
    planned: Counter[Fact],
    found: Mapping[tuple[str | None, Fact], Foreseen],
) -> PriceRange:
    """Of all images: expected as planned, and from the cheapest to the dearest of what may be."""
    unplanned = [one.price for (_, image), one in found.items() if image not in planned]
    total = PriceRange.exactly(Money.zero())
    for image, count in planned.items():
        may_be = [one.price for (_, of), one in found.items() if of == image] + unplanned
        each = PriceRange(
            minimum=min(one.minimum for one in may_be),
            expected=found[step.provider, image].price.expected,
            maximum=max(one.maximum for one in may_be),
        )
        total += each * count
    return total


def _of(quote: Quote, prices: Iterable[PriceRange]) -> Iterable[tuple[StepQuote, PriceRange]]:
    return zip(quote.steps, prices, strict=True)


def _left_out(step: Step, index: int, name: str, refused: Refused) -> Change:
    return Change(
        kind="fallback",
        step=index + 1,
        rule=refused.rule,
        says=f"{name} does not step in for {step.operation}: {refused.says}",
    )
