"""Operations: one thing a studio can do, described well enough to be quoted before it is done.

One operation is one file: its parameters, its limits, its forecast, its work. A studio's
host (`studio.service`) needs nothing else to validate, describe, quote, run and record it,
so a newcomer adds an operation by adding one file and naming it in the studio's `service.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Protocol,
    Self,
    TypeVar,
    get_args,
    get_origin,
)
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError
from typing_extensions import get_original_bases

from studio.events import About
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.money import Money, PriceRange
from studio.problems import Broken, Problem, Refused, in_words
from studio.wording import validated

if TYPE_CHECKING:
    from studio.providers.buying import Bought
    from studio.providers.call import Call


class OperationParams(BaseModel):
    """Parameters of an operation: closed, immutable, each field described with its unit."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ParamsT = TypeVar("ParamsT", bound=OperationParams)


@dataclass(frozen=True, slots=True)
class Output:
    """One image that an operation made: either pixels, which the host encodes losslessly,
    or `data`, when the encoding is part of the operation's work."""

    image: Image | None = None
    data: bytes | None = None
    facts: ImageFacts | None = None  # required with `data`, derived from `image` otherwise
    label: str = ""  # what tells it from its siblings: "variation 2", "instagram_story"
    details: Mapping[str, Any] = field(default_factory=dict)  # JSON: seed, placement, focal_kept …
    notes: tuple[str, ...] = ()
    cost: Money = field(default_factory=Money.zero)  # what was paid for it


@dataclass(frozen=True, slots=True)
class Failure:
    """One output that could not be made while its siblings were; it ends only its own item."""

    problem: Problem
    label: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    cost: Money = field(default_factory=Money.zero)  # what was paid all the same


#: (kind, look): the finding that is kept of this kind about the image, or what `look` gives.
Found = Callable[[str, Callable[[], Awaitable[dict[str, Any]]]], Awaitable[dict[str, Any]]]


#: Pay a provider for a call of this step, once whatever happens; a number tells its calls apart.
Buy = Callable[["Call", int], Awaitable["Bought"]]


async def _not_writing(data: bytes) -> str:
    raise Broken(rule="operation.write_blob", says="This work was given no blob store.")


async def _not_buying(call: Call, index: int) -> Bought:
    raise Broken(rule="operation.buy", says="This work was given nobody to pay.")


async def _looked(kind: str, look: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Where nothing is kept."""
    return await look()


@dataclass(frozen=True, slots=True)
class Work(Generic[ParamsT]):
    """What an operation is handed: everything it may use, and nothing else."""

    step_id: UUID  # derived; the right source of a default seed
    params: ParamsT
    image: Image | None  # decoded, upright, sRGB; None where there is no image yet
    facts: ImageFacts | None  # of `image`
    provider: str  # which of the operation's providers does it
    read_blob: Callable[[str], Awaitable[bytes]]  # other blobs that the parameters name
    details: Mapping[str, Any] = field(default_factory=dict)  # of the asset that `image` is
    about: About = field(default_factory=About)  # what people say of that asset
    found: Found = _looked  # what was found out about the image's blob before, or now
    write_blob: Callable[[bytes], Awaitable[str]] = _not_writing  # what details name, such as masks
    buy: Buy = _not_buying
    is_begun: bool = False  # a part of it was bought before: no limit refuses what is paid
    begun: Mapping[int, int | None] = field(default_factory=dict)  # pictures of its calls on record
    is_last: bool = False  # whoever stays away now is not asked again

    def needed_image(self) -> Image:
        """The image, for operations that cannot work without one."""
        if self.image is None:
            raise needs_image()
        return self.image


def needs_image() -> Refused:
    """The refusal of an operation that was given no image."""
    return Refused(
        rule="operation.needs_image",
        says="This operation works on an image, and no step before it makes one.",
        fix="Put create.generate or create.import before it, or start from an asset.",
    )


class Engine(Protocol[ParamsT]):
    """Who does an operation: the operation itself, locally, or a paid provider's engine."""

    def check(self, image: ImageFacts | None, params: ParamsT) -> None:
        """Raise Refused if limits forbid this work."""

    def failures(self, image: ImageFacts | None, params: ParamsT) -> Sequence[Failure]:
        """Outputs that are known to fail."""

    def notes(self, image: ImageFacts | None, params: ParamsT) -> Sequence[str]:
        """What a quote says besides."""

    def forecast(self, image: ImageFacts | None, params: ParamsT) -> Sequence[ImageFacts]:
        """What it will output."""

    def price(self, image: ImageFacts | None, params: ParamsT, provider: str) -> PriceRange:
        """What the step costs."""

    async def run(self, work: Work[ParamsT]) -> Sequence[Output | Failure]:
        """Do it."""


class PaidEngine(ABC, Generic[ParamsT]):
    """One operation as one provider performs it. Its limits and prices are data
    (`studio.providers`), so that they are known before anything is paid."""

    provider: ClassVar[str]  # as steps name it
    account: ClassVar[str]  # whose key pays, and whose prices and limits these are

    def products(self) -> Sequence[str]:
        """Everything that it may buy, as the price book names it; the usual first."""
        return ()

    @abstractmethod
    def check(self, image: ImageFacts | None, params: ParamsT) -> None:
        """Raise Refused, naming the provider's rule and its source, if it would refuse."""

    def failures(self, image: ImageFacts | None, params: ParamsT) -> Sequence[Failure]:
        """Outputs that are known to fail."""
        return ()

    def notes(self, image: ImageFacts | None, params: ParamsT) -> Sequence[str]:
        """What a quote says besides."""
        return ()

    @abstractmethod
    def forecast(self, image: ImageFacts | None, params: ParamsT) -> Sequence[ImageFacts]:
        """What it will output."""

    @abstractmethod
    def price(self, image: ImageFacts | None, params: ParamsT, provider: str) -> PriceRange:
        """What the step costs."""

    @abstractmethod
    async def run(self, work: Work[ParamsT]) -> Sequence[Output | Failure]:
        """Do it, by `work.buy`."""


class Operation(ABC, Generic[ParamsT]):
    """Base of all operations. Subclasses set the class variables and implement `run`."""

    name: ClassVar[str]  # "<studio>.<verb>"
    summary: ClassVar[str]  # one sentence for people
    needs_image: ClassVar[bool] = True
    decodes: ClassVar[bool] = True  # False: works on bytes, `Work.image` stays None
    providers: ClassVar[tuple[str, ...]] = ("local",)  # first = default
    limits: ClassVar[tuple[str, ...]] = ()  # sentences that the parameters' schema cannot say
    paid: Mapping[str, PaidEngine[ParamsT]] = MappingProxyType({})  # by provider
    absent: Mapping[str, Problem] = MappingProxyType({})  # providers that lack something here

    params_type: ClassVar[type[OperationParams]]  # the argument of Operation[…]

    def __init_subclass__(cls) -> None:
        for base in get_original_bases(cls):
            if get_origin(base) is Operation and isinstance(get_args(base)[0], type):
                cls.params_type = get_args(base)[0]

    @property
    def studio(self) -> str:
        """The studio that performs it: the first word of its name."""
        return self.name.partition(".")[0]

    @property
    def offered(self) -> tuple[str, ...]:
        """Every provider that can be asked for, the default first."""
        return (*self.providers, *self.paid)

    def with_engines(self, engines: Iterable[PaidEngine[ParamsT]]) -> Self:
        """The operation, also performed by paid providers."""
        self.paid = MappingProxyType({one.provider: one for one in engines})
        return self

    def engine(self, provider: str) -> Engine[ParamsT]:
        """Who does it if that provider is asked for."""
        return self.paid.get(provider, self)

    def parse(self, raw: Mapping[str, Any]) -> ParamsT:
        """Validate raw parameters; enumerated words may have any capitals. Refused names the
        field, the rule and the valid fields."""
        try:
            return validated(self.params_type, raw)  # type: ignore[return-value]
        except ValidationError as error:
            raise Refused(
                rule=f"{self.name}.params",
                says=f"{self.name} does not accept these parameters: "
                f"{in_words(error, self.params_type)}.",
                fix="Correct the parameter; GET /v1/operations describes each of them.",
                valid=sorted(self.params_type.model_fields),
            ) from error

    def pinned(self, params: ParamsT) -> Mapping[str, Any]:
        """Parameters that a run fixes when it is quoted, such as the version of dated data, so
        that it does not change its mind half-way."""
        return {}

    def failures(self, image: ImageFacts | None, params: ParamsT) -> Sequence[Failure]:
        """Outputs that are known to fail before anything is done; `forecast` leaves them out.

        Their details may name a `remedy`: the step that would prevent it, put before this one.
        """
        return ()

    def notes(self, image: ImageFacts | None, params: ParamsT) -> Sequence[str]:
        """What a quote says besides, in sentences: what may fail for reasons that only the run
        sees, such as what is said of the asset."""
        return ()

    def check(self, image: ImageFacts | None, params: ParamsT) -> None:
        """Raise Refused if limits forbid this work; called for quotes and before running."""

    @abstractmethod
    def forecast(self, image: ImageFacts | None, params: ParamsT) -> Sequence[ImageFacts]:
        """What it will output, one entry an image, without doing it. May raise Refused."""

    def unit_price(self, provider: str) -> PriceRange:
        """What one output costs, whatever the parameters. Local engines are free."""
        return PriceRange.exactly(Money.zero())

    def price(self, image: ImageFacts | None, params: ParamsT, provider: str) -> PriceRange:
        """What the whole step costs: one output's price, unless it makes several."""
        return self.unit_price(provider)

    @abstractmethod
    async def run(self, work: Work[ParamsT]) -> Sequence[Output | Failure]:
        """Do it. At least one output or failure. CPU work goes through `compute`."""


AnyOperation = Operation[Any]
AnyEngine = PaidEngine[Any]
