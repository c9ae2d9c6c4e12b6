"""Paid engines of `create.generate`: what making a picture by a provider has in common.

A provider's own file says which product makes a request (`plan`) and how it is asked (`call`). Here
is the rest: what is refused before anything is paid, what comes and what it costs, and what becomes
of a step of which some pictures were bought and others were not.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import log
from typing import Any, ClassVar

from services.create.details import asked
from services.create.providers.following import fitted
from services.create.quality import Grade, Manner, grade, ladder
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
from studio.providers.call import (
    Call,
    InDoubt,
    Moderated,
    Parked,
    ProviderAway,
    ProviderRefused,
)
from studio.providers.limits import check_image, check_prompt, product_limits
from studio.providers.prices import price_book

Size = tuple[int, int]  # width and height, px

#: Refusals that the next call would meet as well: it is not sent. The other is what is wrong with
#: the picture to follow (`image.…`).
_OF_THE_ACCOUNT = {"provider.key", "provider.credit", "provider.no_key"}
#: Stands in for a picture to follow in a call that is not sent; nobody would take it for one.
_UNSEEN = b"\x89PNG\r\n\x1a\n"
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
    alpha: bool = False  # whether what comes has no background


class PaidGenerate(PaidEngine[Params]):
    """`create.generate` by a provider. Subclasses plan and compose calls; a call's index is its
    number in the step, and ten variations are never more calls than a step may make."""

    ladder: ClassVar[str]  # in services/create/quality
    seeds: ClassVar[int | None] = None  # the largest seed that it takes; None: it takes none
    tolerance: ClassVar[float] = 0.0  # 0..1, of a side: how exactly it documents its sizes

    @abstractmethod
    def plan(self, request: ImageRequest) -> Plan:
        """Which product makes a request. A size that it cannot make becomes the nearest shape."""

    @abstractmethod
    def call(
        self, request: ImageRequest, plan: Plan, part: range, reference: bytes | None = None
    ) -> Call:
        """The call that makes these variations.

        reference: the picture to follow as a file of the plan's size, if there is one.
        """

    def manner(self, request: ImageRequest) -> Manner:
        """From words, following a picture, without a background, or both at once."""
        if request.followed:
            return "transparent_reference" if request.transparent else "reference"
        return "transparent" if request.transparent else "grades"

    def grade(self, request: ImageRequest) -> Grade:
        """How it makes the request's quality in its manner; Refused if it does not."""
        return grade(self.ladder, request.quality, self.manner(request))

    def products(self) -> Sequence[str]:
        """Everything that it may buy."""
        return ladder(self.ladder).products()

    def seed(self, request: ImageRequest, part: range) -> int | None:
        """The seed of a call's first variation, 1..`seeds`: 0 means "any" to some providers.

        The caller's own seed as long as it lies there; the rest is folded into it, so that the
        seeds of a request's variations differ.
        """
        if self.seeds is None:
            return None
        return 1 + (request.seed + part.start - 1) % self.seeds

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """The manner is one that it has, the prompt is not too long, and the price is known. What
        is sent of a reference has the size of the plan, so that is what is held to the limits."""
        request = requested(params)
        plan = self.plan(request)
        self._price(plan, 1)
        check_prompt(self.account, plan.product, plan.prompt)
        if request.followed:
            sent = ImageFacts(width=plan.size[0], height=plan.size[1])
            check_image(self.account, plan.product, sent)

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """As many pictures as variations, of the size that the provider makes."""
        request = requested(params)
        plan = self.plan(request)
        one = ImageFacts(width=plan.size[0], height=plan.size[1], alpha=plan.alpha)
        return [one] * request.variations

    def price(self, image: ImageFacts | None, params: Params, provider: str) -> PriceRange:
        """The price of every call, each with the pictures that it makes."""
        request = requested(params)
        plan = self.plan(request)
        first, *others = (self._price(plan, len(one)) for one in self._parts(request, plan, {}))
        return sum(others, first)

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """Buy the variations, and keep what was bought whatever became of the others."""
        request = requested(work.params, default_seed=work.step_id.int)
        plan = self.plan(request)
        parts = self._parts(request, plan, work.begun)
        answers = await _answers(work, self._calls(work, request, plan, parts))
        details = self._details(work.params, request, plan)
        notes = (*plan.notes, *self._size_notes(request, plan))
        if work.params.seed is not None and self.seed(request, parts[0]) is None:
            notes += (f"{self.provider} is given no seed: the same request makes other pictures.",)
        made: list[Output | Failure] = []
        for part, answer in zip(parts, answers, strict=True):
            told = details | _known(seed=self.seed(request, part))
            if isinstance(answer, Bought):
                made += await self._outputs(part, answer, plan, told, notes)
            else:
                made += _failures(part, answer, _paid(answer), told)
        return made

    async def _outputs(
        self,
        part: range,
        bought: Bought,
        plan: Plan,
        details: Mapping[str, Any],
        notes: tuple[str, ...],
    ) -> list[Output | Failure]:
        """The pictures of a call; what was paid for them is divided between them. Those that were
        lost before they were fetched fail, and so do those that a filter took out of its reply."""
        files = bought.files[: len(part)]
        told = {**details, **bought.details}
        made: list[Output | Failure] = []
        for number, data, cost in zip(part, files, bought.cost.split(len(files)), strict=False):
            if data is None and bought.problem is not None:
                problem = bought.problem.model_copy(update={"trace_id": telemetry.trace_id()})
                made.append(Failure(problem, label=_label(number), details=told, cost=cost))
            elif data is not None:
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
        if plan.alpha and not output.image.has_alpha:
            says = f"It has a background, where none was asked for of {self.provider}."
            notes = (*notes, says)
            output = replace(output, details={**output.details, "needs_review": says})
        if size == plan.size:
            return replace(output, notes=notes)
        says = f"It is {_px(size)} px, where {_px(plan.size)} were expected of {self.provider}."
        details = dict(output.details)
        if _off(size, plan.size) > self.tolerance:
            details["needs_review"] = " ".join((*_told(details), says))
        return replace(output, notes=(*notes, says), details=details)

    def _details(self, params: Params, request: ImageRequest, plan: Plan) -> dict[str, Any]:
        """How the pictures were made."""
        return asked(params, request, plan.prompt) | {
            "provider": self.provider,
            "model": plan.model,
            "product": plan.product,
        }

    def _calls(
        self, work: Work[Params], request: ImageRequest, plan: Plan, parts: Sequence[range]
    ) -> list[Call]:
        """The calls of all parts. A picture to follow is read when the first of them is sent: a
        job that is asked for, and a picture that was bought, need none of its pixels."""
        followed, sent = request.followed, list[bytes]()
        if followed is None:
            return [self._call(request, plan, part) for part in parts]

        async def compose(part: range) -> Call:
            if not sent:
                image = await compute(decode, await work.read_blob(followed.blob))
                sent.append(await compute(fitted, image, plan.size, self.account, plan.product))
            return self._call(request, plan, part, sent[0])

        return [
            replace(self._call(request, plan, part, _UNSEEN), compose=partial(compose, part))
            for part in parts
        ]

    def _call(
        self, request: ImageRequest, plan: Plan, part: range, reference: bytes | None = None
    ) -> Call:
        return replace(self.call(request, plan, part, reference), images=len(part))

    def _size_notes(self, request: ImageRequest, plan: Plan) -> tuple[str, ...]:
        asked = (request.width, request.height)
        if plan.size == asked:
            return ()
        says = f"{self.provider} makes {_px(plan.size)} px where {_px(asked)} were asked for"
        return (f"{says}; a later step brings it to size.",)

    def _parts(
        self, request: ImageRequest, plan: Plan, begun: Mapping[int, int | None]
    ) -> list[range]:
        """The variations of each call. Calls on record keep theirs, also where our limits have
        changed since; the others share what is left.

        begun: of each call on record, how many pictures it makes; None: not written down.
        """
        most = product_limits(self.account, plan.product).max_images
        known = {index: images for index, images in begun.items() if images}
        numbers = range(request.variations)
        parts: list[range] = []
        while left := numbers[parts[-1].stop if parts else 0 :]:
            index = len(parts)
            later = sum(images for one, images in known.items() if one > index)
            images = known.get(index) or max(1, min(most, len(left) - later))
            parts.append(left[:images])
        return parts

    def _price(self, plan: Plan, images: int) -> PriceRange:
        return price_book().price(self.account, plan.product, images)


def nearest(sizes: Mapping[str, Size], request: ImageRequest) -> str:
    """The name of the size whose shape is nearest to the request's. A shape that is asked for by
    its name is that shape, however far the provider rounds its sides."""
    if request.aspect_ratio in sizes:
        return request.aspect_ratio
    asked = log(request.width / request.height)
    return min(sizes, key=lambda name: abs(log(sizes[name][0] / sizes[name][1]) - asked))


def unwanted_unsaid(request: ImageRequest, who: str) -> tuple[str, ...]:
    """The note of models to which what is not wanted cannot be said."""
    if not request.negative_prompt:
        return ()
    return (f"{who} takes no negative prompt; what is not wanted was not told.",)


async def _answers(
    work: Work[Params], calls: Sequence[Call]
) -> list[Bought | Refused | ProviderAway]:
    """What became of every call, in order; raises if no picture was bought by any.

    One after another: a worker that dies leaves one call in doubt, not ten. Jobs are all ordered
    before any is waited for. On the last attempt a provider that stays away takes nothing with it
    that was bought. What an account refuses is not asked again, but what is on record is looked up.
    """
    answers: list[Bought | Refused | ProviderAway] = []
    parked: Parked | None = None
    hopeless: Refused | None = None
    for index, call in enumerate(calls):
        if hopeless and index not in work.begun:
            answers.append(hopeless)
            continue
        try:
            answers.append(await work.buy(call, index))
        except Parked as working:
            parked = working
        except ProviderAway as away:
            if not work.is_last:
                raise
            answers.append(away)
        except Refused as refused:
            answers.append(refused)
            if refused.rule in _OF_THE_ACCOUNT or refused.rule.startswith("image."):
                hopeless = refused
    if parked is not None:
        raise parked
    problems = [one for one in answers if not isinstance(one, Bought)]
    if len(problems) == len(answers):  # the host tells what all of them cost
        raise next((one for one in problems if isinstance(one, ProviderAway)), problems[0])
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
    part: range, why: Refused | ProviderAway, cost: Money, details: Mapping[str, Any]
) -> list[Output | Failure]:
    """One of each variation, and what was paid for them all the same."""
    problem = why.as_problem(telemetry.trace_id())
    return [
        Failure(problem, label=_label(number), details=details, cost=each)
        for number, each in zip(part, cost.split(len(part)), strict=True)
    ]


def _paid(why: Refused | ProviderAway) -> Money:
    """What a call cost that brought nothing, as it is on record: also what was found out of it
    since."""
    if isinstance(why, ProviderRefused | InDoubt | ProviderAway):
        return why.cost
    return Money.zero()


def _label(number: int) -> str:
    return f"variation {number + 1}"


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _told(details: Mapping[str, Any]) -> tuple[str, ...]:
    return (str(details["needs_review"]),) if "needs_review" in details else ()


def _off(size: Size, expected: Size) -> float:
    """By which part of itself a side is off, at most."""
    return max(abs(is_ / told - 1) for is_, told in zip(size, expected, strict=True))


def _px(size: Size) -> str:
    return f"{size[0]}×{size[1]}"
