"""Calls: one request to a provider as data, and the ways in which it can come back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import httpx

from studio import problems
from studio.money import Money
from studio.problems import Problem, Refused, Unavailable

#: What a reply says of a bill. Most providers charge for no failed call, but a connection that
#: breaks after the request was sent tells nothing.
Billed = Literal["no", "yes", "unknown"]
Size = tuple[int, int]  # width and height, px


@dataclass(frozen=True, slots=True)
class File:
    """One file of a multipart form."""

    name: str
    data: bytes
    media_type: str = "image/png"


@dataclass(frozen=True, slots=True)
class Files:
    """What was bought: encoded pictures, already fetched, with what the reply said of each."""

    files: Sequence[bytes]
    cost: Money | None = None  # None: the reply does not tell, the price book does
    details: Mapping[str, Any] = field(default_factory=dict)  # JSON: seed, request id …


@dataclass(frozen=True, slots=True)
class Links:
    """What was bought lies elsewhere for a while; the buyer fetches it before anything else."""

    urls: Sequence[str]
    cost: Money | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    sizes: Sequence[Size] = ()  # of each picture, where the reply tells and the price is by them


@dataclass(frozen=True, slots=True)
class Job:
    """The provider works on it; ask again by GET."""

    id: str
    path: str
    every: float = 10  # s between two questions, at least


Answer = Files | Links | Job


@dataclass(frozen=True, slots=True)
class Call:
    """One paid request. `read` turns a reply, also that of a poll, into an answer or raises."""

    provider: str  # whose account and address
    product: str  # in the price book and the limits: "edit.erase"
    path: str
    read: Callable[[httpx.Response], Answer]
    price: Money  # expected, for the purchase's record
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    files: Sequence[tuple[str, File]] = ()  # a field's name may come several times
    patience: float = 120  # s for a reply
    images: int = 1  # that it makes
    #: Makes the call as it is sent, where that takes work or pixels; all else but its body is told
    #: before. Asking for a job and remembering what came never need it.
    compose: Callable[[], Awaitable[Call]] | None = None

    async def composed(self) -> Call:
        """As it is sent. Refused, or Unavailable, where it cannot be made."""
        return self if self.compose is None else await self.compose()


class ProviderAway(Unavailable):
    """The provider did not do it and billed nothing, or keeps what it was paid for; the same call
    may work later."""

    cost: Money = Money.zero()  # of what was ordered before, as far as we know

    @classmethod
    def because(cls, who: str, why: str, retry_after: float | None, cost: Money) -> Self:
        """who: the provider, or its store. cost: what was ordered before and only asked for now."""
        money = "what was ordered is kept" if cost else "nothing was billed"
        away = cls(
            rule="provider.away",
            says=f"{who} did not answer ({why}); {money}.",
            fix="Nothing: it is tried again.",
            retry_after=retry_after,
        )
        away.cost = cost
        return away


class Throttled(Unavailable):
    """Our turn has not come: the account's rate is used up. Waiting costs no attempt."""

    counted = False


class Parked(Unavailable):
    """The provider works on it; the message comes back to ask again. Costs no attempt."""

    counted = False

    @classmethod
    def at(cls, provider: str, every: float) -> Self:
        """every: s until the next question."""
        return cls(
            rule="provider.working",
            says=f"{provider} works on it.",
            fix="Nothing: it is asked again.",
            retry_after=every,
        )


class AnotherSold(Unavailable):
    """Another engine was paid for a part of this step meanwhile and does the rest; whoever comes
    back finds it. Costs no attempt."""

    counted = False

    @classmethod
    def by(cls, engine: str) -> Self:
        """engine: who was paid."""
        return cls(
            rule="provider.another",
            says=f"{engine} was paid for a part of this step and does the rest.",
            fix="Nothing: the message comes back.",
            retry_after=1,
        )


class Overtaken(Unavailable):
    """Somebody else writes down what became of this call, or has done so: another worker, or this
    process for an earlier delivery. Whoever comes back finds it. Costs no attempt."""

    counted = False

    @classmethod
    def of(cls, product: str) -> Self:
        """It is written down by now. product: what was bought; here as below."""
        return cls._because(f"What became of {product} was written down in the meantime.", 1)

    @classmethod
    def here(cls, product: str) -> Self:
        """This very process is at it."""
        return cls._because(
            f"This process has ordered {product} for an earlier delivery of the same step, and has "
            "not written down yet what came.",
            1,
        )

    @classmethod
    def perhaps(cls, product: str, wait: float) -> Self:
        """Whoever sent it may be alive. wait: s until that is looked at again."""
        return cls._because(
            f"Another worker has ordered {product} and has not written down what came. It may have "
            "been cut off from our store for a while, so it is waited for before it is in doubt.",
            wait,
        )

    @classmethod
    def _because(cls, says: str, wait: float) -> Self:
        fix = "Nothing: the message comes back."
        return cls(rule="provider.overtaken", says=says, fix=fix, retry_after=wait)


class ProviderRefused(Refused):
    """The provider turned the request down."""

    billed: Billed = "no"
    cost: Money = Money.zero()  # what is written down for it
    sizes: Sequence[Size] = ()  # of what was made and is withheld, where the reply tells

    @classmethod
    def as_before(cls, told: Problem, cost: Money) -> ProviderRefused:
        """The refusal again, as it was told and billed."""
        kind = Filtered if told.kind == Filtered.kind else cls
        refused = kind(rule=told.rule, says=told.says, fix=told.fix)
        refused.billed, refused.cost = ("yes" if cost else "no"), cost
        return refused


class Filtered(ProviderRefused, problems.Moderated):
    """The provider's filter stopped it, on the way in or out; some bill the latter."""


class Moderated(Filtered):
    """It is told for the first time."""

    def __init__(self, *, provider: str, says: str, billed: Billed = "no") -> None:
        super().__init__(
            rule="provider.moderated",
            says=f"{provider} filtered this picture: {says}",
            fix="Reword the prompt, or use another picture.",
        )
        self.billed = billed


class InDoubt(Refused):
    """The request was sent, and the reply was lost: it may have been billed, so it is not
    sent again by itself."""

    status = 502
    cost: Money = Money.zero()  # what counts as spent until the account's bill is read
    may_come: bool = False  # its job is known: a replay asks for it again

    def __init__(
        self, provider: str, product: str, *, says: str | None = None, fix: str | None = None
    ) -> None:
        """says, fix: where it is not the connection or the worker that ended."""
        super().__init__(
            rule="provider.in_doubt",
            says=says
            or f"{provider} was asked for {product}, and the connection or the worker ended "
            "before its reply was kept. It may have been billed.",
            fix=fix or "Start the item again in a new run to buy it anew; this step never does.",
        )
