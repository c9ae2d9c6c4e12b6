"""Paid engines of `create.generate`: what making a picture by a provider has in common.

A provider's own file says which product makes a request (`plan`) and how it is asked (`call`). Here
is the rest: what is refused before anything is paid, what comes and what it costs, and what becomes
of a step of which some pictures were bought and others were not.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any, ClassVar

from services.create.quality import Grade, grade
from services.create.request import ImageRequest, Params, requested
from studio import telemetry
from studio.compute import compute
from studio.imaging.decode import decode
from studio.imaging.facts import ImageFacts
from studio.imaging.provenance import TRAINED_ALGORITHMIC_MEDIA
from studio.money import Money, PriceRange
from studio.operation import Failure, Output, PaidEngine, Work
from studio.problems import Refused
from studio.providers.buying import Bought
from studio.providers.call import Call, Moderated, Parked
from studio.providers.limits import check_prompt, product_limits
from studio.providers.prices import price_book

Size = tuple[int, int]  # width and height, px

#: Refusals that the next call would meet as well: it is not sent.
_OF_THE_ACCOUNT = {"provider.key", "provider.credit", "provider.no_key"}
#: Refusals of what was made and paid, and can no longer be had.
_PAID = {"provider.expired", "provider.in_doubt"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a provider will be asked for, and what comes of it."""

    product: str  # in the price book and the limits
    model: str
    prompt: str  # every word that is sent
    size: Size  # of each picture that comes
    shape: str | None = None  # as the provider names it: "4:5", "portrait_4_3"
    notes: tuple[str, ...] = ()  # what of the request it cannot do


class PaidGenerate(PaidEngine[Params]):
    """`create.generate` by a provider. Subclasses plan and compose calls; a call's index is its
    number in the step, and ten variations are never more calls than a step may make."""

    account: ClassVar[str]  # whose key pays, and whose prices and limits these are
    ladder: ClassVar[str]  # in services/create/quality
    seeds: ClassVar[int | None] = None  # the largest seed that it takes; None: it takes none
    tolerance: ClassVar[float] = 0.0  # 0..1, of a side: how exactly it documents its sizes

    @abstractmethod
    def plan(self, request: ImageRequest) -> Plan:
        """Which product makes a request. A size that it cannot make becomes the nearest shape."""

    @abstractmethod
    def call(self, request: ImageRequest, plan: Plan, part: range) -> Call:
        """The call that makes these variations."""

    def grade(self, request: ImageRequest) -> Grade:
        """How it makes the request's quality."""
        return grade(self.ladder, request.quality)

    def seed(self, request: ImageRequest, part: range) -> int | None:
        """The seed of a call's first variation, 1..`seeds`: 0 means "any" to some providers."""
        if self.seeds is None:
            return None
        return request.seed_of(part.start) % (self.seeds + 1) or 1

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """The prompt is not too long, the price is known, and no picture has to be followed."""
        request = requested(params)
        if request.reference and request.reference.strength > 0:
            raise Refused(
                rule="create.generate.reference",
                says=f"{self.provider} is asked for pictures from words only here; "
                "it would not follow the reference.",
                fix="Leave the reference out, or let the local provider follow it.",
            )
        plan = self.plan(request)
        self._price(plan, 1)
        check_prompt(self.account, plan.product, plan.prompt)

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """As many pictures as variations, of the size that the provider makes."""
        request = requested(params)
        width, height = self.plan(request).size
        return [ImageFacts(width=width, height=height)] * request.variations

    def price(self, image: ImageFacts | None, params: Params, provider: str) -> PriceRange:
        """The price of every call, each with the pictures that it makes."""
        request = requested(params)
        plan = self.plan(request)
        first, *others = (self._price(plan, len(one)) for one in self._parts(request, plan))
        return sum(others, first)

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Buy the variations, and keep what was bought whatever became of the others."""
        request = requested(work.params, default_seed=work.step_id.int)
        plan = self.plan(request)
        parts = self._parts(request, plan)
        calls = [self.call(request, plan, part) for part in parts]
        answers = await _answers(work, calls)
        details = self._details(work.params, request, plan)
        notes = (*plan.notes, *self._size_notes(request, plan), *self._seed_notes(work.params))
        made: list[Output | Failure] = []
        for part, call, answer in zip(parts, calls, answers, strict=True):
            told = details | _known(seed=self.seed(request, part))
            if isinstance(answer, Refused):
                made += _failures(part, answer, _paid(answer, call), told)
            else:
                made += await self._outputs(part, answer, plan, told, notes)
        return made

    async def _outputs(
        self,
        part: range,
        bought: Bought,
        plan: Plan,
        details: Mapping[str, Any],
        notes: tuple[str, ...],
    ) -> list[Output | Failure]:
        """The pictures of a call; what it was paid for is divided between them. Those that a
        filter took out of its reply fail."""
        files = bought.files[: len(part)]
        told = {**details, **bought.details}
        made: list[Output | Failure] = []
        for number, data, cost in zip(part, files, bought.cost.split(len(files)), strict=False):
            output = await _output(data, _label(number), told, cost)
            made.append(self._reviewed(output, plan, notes))
        if missing := part[len(files) :]:
            says = str(told.get("reason", "it is missing from the reply."))
            filtered = Moderated(provider=self.provider, says=says)
            made += _failures(missing, filtered, Money.zero(), details)
        return made

    def _reviewed(
        self, output: Output | Failure, plan: Plan, notes: tuple[str, ...]
    ) -> Output | Failure:
        """With its notes. A picture that is not of the size that was told needs a look."""
        if isinstance(output, Failure) or output.image is None:
            return output
        size = output.image.pixels.size
        if size == plan.size:
            return replace(output, notes=notes)
        says = f"It is {_px(size)} px, where {_px(plan.size)} were expected of {self.provider}."
        details = dict(output.details)
        if _off(size, plan.size) > self.tolerance:
            details["needs_review"] = says
        return replace(output, notes=(*notes, says), details=details)

    def _details(self, params: Params, request: ImageRequest, plan: Plan) -> dict[str, Any]:
        """How the pictures were made."""
        return {
            "prompt": request.subject,
            "negative_prompt": request.unwanted,
            "composed_prompt": plan.prompt,
            "composed_negative_prompt": request.negative_prompt,
            "template": params.template,
            "style": request.style_id,
            "quality": request.quality,
            "aspect_ratio": request.aspect_ratio,
            "brand": params.brand.model_dump(mode="json") if params.brand else None,
            "provider": self.provider,
            "model": plan.model,
            "product": plan.product,
        }

    def _size_notes(self, request: ImageRequest, plan: Plan) -> tuple[str, ...]:
        asked = (request.width, request.height)
        if plan.size == asked:
            return ()
        says = f"{self.provider} makes {_px(plan.size)} px where {_px(asked)} were asked for"
        return (f"{says}; a later step brings it to size.",)

    def _seed_notes(self, params: Params) -> tuple[str, ...]:
        if params.seed is None or self.seeds is not None:
            return ()
        return (f"{self.provider} is given no seed: the same request makes other pictures.",)

    def _parts(self, request: ImageRequest, plan: Plan) -> list[range]:
        """The variations of each call."""
        most = product_limits(self.account, plan.product).max_images
        numbers = range(request.variations)
        return [numbers[start : start + most] for start in numbers[::most]]

    def _price(self, plan: Plan, images: int) -> PriceRange:
        return price_book().price(self.account, plan.product, images)


def nearest(sizes: Mapping[str, Size], request: ImageRequest) -> str:
    """The name of the size whose shape is nearest to the request's. A shape that is asked for by
    its name is that shape, however far the provider rounds its sides."""
    if request.aspect_ratio in sizes:
        return request.aspect_ratio
    asked = log(request.width / request.height)
    return min(sizes, key=lambda name: abs(log(sizes[name][0] / sizes[name][1]) - asked))


def with_unwanted(request: ImageRequest) -> str:
    """The prompt for models that follow instructions and take no negative prompt."""
    if not request.negative_prompt:
        return request.prompt
    return f"{request.prompt}\nAvoid: {request.negative_prompt}."


def unwanted_unsaid(request: ImageRequest, who: str) -> tuple[str, ...]:
    """The note of models to which what is not wanted cannot be said."""
    if not request.negative_prompt:
        return ()
    return (f"{who} takes no negative prompt; what is not wanted was not told.",)


async def _answers(work: Work[Params], calls: Sequence[Call]) -> list[Bought | Refused]:
    """What became of every call, in order; raises if no picture was bought by any.

    One after another: a worker that dies leaves one call in doubt, not ten. Jobs are all ordered
    before any is waited for.
    """
    answers: list[Bought | Refused] = []
    parked: Parked | None = None
    for index, call in enumerate(calls):
        try:
            answers.append(await work.buy(call, index))
        except Parked as working:
            parked = working
        except Refused as refused:
            is_hopeless = refused.rule in _OF_THE_ACCOUNT
            answers += [refused] * (len(calls) - index if is_hopeless else 1)
            if is_hopeless:
                break
    if parked is not None:
        raise parked
    refusals = [one for one in answers if isinstance(one, Refused)]
    if len(refusals) == len(answers):
        raise refusals[0]  # the host tells what all of them cost
    return answers


async def _output(
    data: bytes, label: str, details: Mapping[str, Any], cost: Money
) -> Output | Failure:
    """A picture that was bought, or why it cannot be read: it is paid all the same."""
    try:
        image = await compute(decode, data)
    except Refused as unreadable:
        problem = unreadable.as_problem(telemetry.trace_id())
        return Failure(problem, label=label, details=details, cost=cost)
    image = replace(image, source_type=TRAINED_ALGORITHMIC_MEDIA)
    return Output(image=image, label=label, details=details, cost=cost)


def _failures(
    part: range, refused: Refused, cost: Money, details: Mapping[str, Any]
) -> list[Output | Failure]:
    """One of each variation, and what was paid for them all the same."""
    problem = refused.as_problem(telemetry.trace_id())
    return [
        Failure(problem, label=_label(number), details=details, cost=each)
        for number, each in zip(part, cost.split(len(part)), strict=True)
    ]


def _paid(refused: Refused, call: Call) -> Money:
    """What a refused call cost, as the buyer writes it down."""
    billed = "yes" if refused.rule in _PAID else getattr(refused, "billed", "no")
    return Money.zero() if billed == "no" else call.price


def _label(number: int) -> str:
    return f"variation {number + 1}"


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _off(size: Size, expected: Size) -> float:
    """By which part of itself a side is off, at most."""
    return max(abs(is_ / told - 1) for is_, told in zip(size, expected, strict=True))


def _px(size: Size) -> str:
    return f"{size[0]}×{size[1]}"
