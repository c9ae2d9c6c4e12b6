"""Buying: the way of one paid call, so that it is paid for once.

Look what is known → wait for a turn → write down that it is sent → send → write down what came.
A crash between the last two leaves a call in doubt: it is not sent again (docs/adr/0013). Whoever
finds it looks twice: its sender may only have been cut off from our store. What came is put into
the blob store before it is believed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import httpx

from studio import metrics, telemetry
from studio.blobs.base import BlobStore
from studio.money import Money
from studio.problems import Problem, Refused, StudioError, Unavailable
from studio.providers import wire
from studio.providers.accounts import Account
from studio.providers.breaker import Breaker
from studio.providers.call import (
    AnotherSold,
    Answer,
    Call,
    Files,
    InDoubt,
    Job,
    Links,
    Overtaken,
    Parked,
    ProviderAway,
    ProviderRefused,
    Size,
)
from studio.providers.jobs import Question, question
from studio.providers.limits import Rate, provider_limits
from studio.providers.prices import price_book
from studio.providers.purchases import Purchase, Purchases, RunRef, call_name
from studio.providers.turns import Turns

log = logging.getLogger(__name__)

#: s for which our own stores may be away when something that is paid has come, and between tries.
_INSISTING, _PAUSE = 120.0, 1.0
#: What an operator mends: nothing was billed, and the same call may work once it is mended.
_OURS_TO_MEND = {"provider.key", "provider.credit"}
_TOO_MANY, _SERVER_ERROR = 429, 500
#: What proxies answer when they lose patience with a call that may yet be done (and billed).
_FROM_A_PROXY = {502, 504, 520, 522, 524}
#: A 429 that no waiting ends: the account has no money (OpenAI's code).
_NO_MONEY = b"insufficient_quota"
#: What a provider answers who does not know a job as this key's.
_NOT_YOURS = {401, 403, 404}


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bought:
    """What a call brought: encoded pictures, and what was paid for all of them."""

    files: list[bytes | None]  # None: paid, and lost before it was fetched; not all are
    cost: Money
    details: Mapping[str, Any] = field(default_factory=dict)
    problem: Problem | None = None  # what became of those that were lost

    @property
    def picture(self) -> bytes:
        """Of a call that makes one."""
        return next(one for one in self.files if one is not None)


@dataclass(frozen=True, slots=True)
class _Case:
    """Which call of which step, and what is on record of it."""

    step: UUID
    index: int
    known: Purchase

    def now(self, **what: Any) -> _Case:
        return replace(self, known=self.known.model_copy(update=what))


class Buyer:
    """Buys for one service. One HTTP client, kept open."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        purchases: Purchases,
        turns: Turns,
        blobs: BlobStore,
        *,
        share: float = 1.0,
        second_look: float = 15.0,
    ) -> None:
        """share: our part of each account's rate limit, 0..1. second_look: s for which a call that
        somebody else has sent is in no doubt yet; the ledger's lease, so that a worker which lives
        has taken its lease again by then."""
        self.accounts, self.purchases = dict(accounts), purchases
        self._turns, self._blobs, self._share = turns, blobs, share
        self._second_look = timedelta(seconds=second_look)
        self.client = httpx.AsyncClient(follow_redirects=False)
        self._breakers = {name: Breaker(name) for name in accounts}
        self._at_work: set[str] = set()  # names of the calls whose replies we wait for

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    def is_away(self, provider: str) -> bool:
        """Whether a provider is left alone for now."""
        return provider in self._breakers and self._breakers[provider].is_open

    async def buy(
        self,
        step: UUID,
        call: Call,
        index: int = 0,
        *,
        engine: str | None = None,
        run: RunRef | None = None,
    ) -> Bought:
        """The pictures of a call, from the provider or from before. The step is claimed.

        engine: who does the step, as steps name it; AnotherSold if somebody else has begun it.
        run: who is told what it has cost, if that turns out later than the step ends.

        Raises Parked while the provider works, Throttled and ProviderAway where nothing was
        billed, ProviderRefused and Moderated where it will not be done, InDoubt where nobody knows.
        """
        known = await self.purchases.get(step, index)
        if known is None:
            with self._working_on(step, index):
                return await self._send(step, call, index, engine, run)
        if engine and known.engine and known.engine != engine:
            raise AnotherSold.by(known.engine)
        case = _Case(step, index, known)
        match known.state:
            case "bought":
                return await self._remembered(known)
            case "job" | "in_doubt" if known.job:  # asking costs nothing, however late
                return await self._poll(case, Question(call.read, call.headers))
            case "linked":
                return await self._collected(case)
            case "sent":
                raise await self._unanswered(case)
            case "refused" if known.job and known.is_settled:  # and it may yet be there
                return await self._poll(case, Question(call.read, call.headers))
            case "refused" if known.problem:
                raise ProviderRefused.as_before(known.problem, known.cost)
            case _:
                raise await self._doubt(case)

    async def resume(self, step: UUID) -> None:
        """Ask for a step's jobs without their calls: no picture is touched while they are worked
        on. Raises Parked, ProviderAway and InDoubt; any other end is on record, and `buy` tells
        it."""
        for index, known in (await self.purchases.numbered(step)).items():
            is_open = known.job and known.state in ("job", "in_doubt")
            asking = question(known.provider, str(known.path)) if is_open else None
            if asking is None:
                continue
            try:
                await self._poll(_Case(step, index, known), asking)
            except ProviderRefused as refused:
                log.info("A job has ended without its picture: %s", refused.says)

    async def give_up(self, step: UUID) -> list[Purchase]:
        """Wait no longer for a step: whatever of it is under way is in doubt. Returns all of its
        purchases as they are then."""
        purchases = await self.purchases.numbered(step)
        for index, known in purchases.items():
            is_at_work = call_name(step, index) in self._at_work
            if known.state in ("sent", "job") and not is_at_work:
                await self._doubt(_Case(step, index, known))
        return [*(await self.purchases.numbered(step)).values()] if purchases else []

    @contextmanager
    def _working_on(self, step: UUID, index: int) -> Iterator[None]:
        """This process waits for the reply to a call. A store that is away for longer than a lease
        lets a second delivery of the step in meanwhile."""
        name = call_name(step, index)
        self._at_work.add(name)
        try:
            yield
        finally:
            self._at_work.discard(name)

    async def _unanswered(self, case: _Case) -> StudioError:
        """What is to be raised of a call that was sent, and no word of what came of it.

        It is no doubt as long as we wait for its reply ourselves. Whoever else has sent it held the
        step's lease, which has run out: it is dead, or was cut off from our store for that long.
        The store is back, since we have read it; so is the lease soon, if its holder lives, and
        then nobody looks at this call again before it is written down.
        """
        product = case.known.product
        if call_name(case.step, case.index) in self._at_work:
            return Overtaken.here(product)
        first = await self.purchases.question(case.step, case.index)
        if first is None:
            return Overtaken.of(product)
        left = self._second_look - (datetime.now(UTC) - first)
        if left > timedelta(0):
            return Overtaken.perhaps(product, left.total_seconds())
        return await self._doubt(case)

    async def _send(
        self, step: UUID, call: Call, index: int, engine: str | None, run: RunRef | None
    ) -> Bought:
        account = self._account(call.provider)
        most = price_book().most(call.provider, call.product, call.price)
        self._breakers[call.provider].check()
        limits = provider_limits(call.provider)
        if limits.rate:
            await self._turns.take(account.name, *_pace(limits.rate, self._share))
        else:
            await self._turns.check(account.name)
        call = await call.composed()
        sent = Purchase(
            state="sent",
            provider=call.provider,
            product=call.product,
            account=account.name,
            engine=engine,
            images=call.images,
            price=call.price,
            most=most,
            cost=most,
            since=datetime.now(UTC),
            run=run,
        )
        case = _Case(step, index, sent)
        try:
            is_first = await self.purchases.begin(step, index, sent)
        except Unavailable:
            await _surely(partial(self.purchases.withdraw, step, index, sent))
            raise
        if not is_first:  # somebody took over while we waited: what is there now?
            return await self.buy(step, call, index, engine=engine, run=run)
        ordering = metrics.provider_call(call.provider, call.product, unsent=wire.NEVER_LEFT)
        with telemetry.span("buy", provider=call.provider, product=call.product):
            try:
                with ordering as replied:
                    name = call_name(step, index)
                    response = await wire.send(self.client, account, call, name)
                    replied(response.status_code)
            except wire.NEVER_LEFT as error:
                await self._forgotten(case)
                self._breakers[call.provider].failed()
                # not `from error`: of a header that cannot be sent, it tells the value
                why = type(error).__name__
                raise ProviderAway.because(call.provider, why, None, Money.zero()) from None
            except httpx.HTTPError as error:
                self._breakers[call.provider].failed()
                raise await self._doubt(case) from error
        if response.status_code in _FROM_A_PROXY:
            self._breakers[call.provider].failed()
            raise await self._doubt(case)
        return await self._replied(case, response, call.read)

    async def _replied(
        self, case: _Case, response: httpx.Response, read: Callable[[httpx.Response], Answer]
    ) -> Bought:
        """Believe a reply: it was not done, it was refused, it is being done, or it is here."""
        status, known = response.status_code, case.known
        is_broke = status == _TOO_MANY and _NO_MONEY in response.content
        if not is_broke and (status == _TOO_MANY or status >= _SERVER_ERROR):
            if known.state == "sent":
                await self._forgotten(case)
            raise await self._not_now(known, response)
        self._breakers[known.provider].answered()
        try:
            if len(response.content) > wire.MAX_REPLY:
                raise ValueError("larger than any picture")
            answer = await asyncio.to_thread(read, response)  # megabytes of base64
        except ProviderRefused as refused:
            await self._refused(case, refused, status)
            raise
        except (ValueError, KeyError, TypeError, IndexError) as unreadable:
            log.warning("%s replied with something unreadable", known.provider)
            raise await self._doubt(case) from unreadable
        return await self._answered(case, answer)

    async def _refused(self, case: _Case, refused: ProviderRefused, status: int) -> None:
        """Write down what it cost; what an operator can mend is not written down."""
        known = case.known
        if refused.rule in _OURS_TO_MEND and refused.billed == "no":
            if known.state != "sent":  # it is made all the same: ask again with a better key
                why = f"HTTP {status}"
                raise ProviderAway.because(known.provider, why, None, known.cost) from refused
            await self._forgotten(case)
            return
        costs = {"no": Money.zero(), "yes": _price(known, refused.sizes), "unknown": known.ceiling}
        refused.cost = known.cost if known.is_settled else costs[refused.billed]
        told = {"problem": refused.as_problem(), "cost": refused.cost}
        guessed = refused.billed == "unknown" and not known.is_settled
        await self._became(case.now(state="refused", guessed=guessed, **told))
        if refused.billed == "yes" and not known.is_settled:
            _count_spent(known.provider, refused.cost)

    async def _answered(self, case: _Case, answer: Answer) -> Bought:
        known = case.known
        match answer:
            case Job(id=id_, path=path, every=every):
                if known.job and self._is_overdue(known):
                    raise await self._doubt(case)
                if not known.job:
                    await self._became(case.now(state="job", job=id_, path=path))
                raise Parked.at(known.provider, every)
            case Links(urls=urls):
                cost = _billed(known, answer.cost, answer.sizes)
                problem = known.problem if known.is_settled else None  # it stays settled
                told = {"cost": cost, "details": dict(answer.details), "problem": problem}
                linked = case.now(state="linked", links=list(urls), **told)
                await self._became(linked)
                return await self._collected(linked)
            case Files():
                cost = _billed(known, answer.cost)
                return await self._kept(case, answer.files, cost, answer.details)

    async def _kept(
        self,
        case: _Case,
        files: Sequence[bytes | None],
        cost: Money,
        details: Mapping[str, Any],
        problem: Problem | None = None,
    ) -> Bought:
        """Into the blob store first, then into the purchase, in one write."""
        known = case.known
        blobs: list[str | None] = []
        for one in files:
            blobs.append(None if one is None else await _surely(partial(self._blobs.put, one)))
        told = {"cost": cost, "details": dict(details), "problem": problem}
        is_new = await self._became(case.now(state="bought", blobs=blobs, **told))
        if is_new and not known.is_settled:  # else it was counted when the bill was read
            _count_spent(known.provider, cost)
        return Bought(list(files), cost, details, problem)

    async def _collected(self, case: _Case) -> Bought:
        """Fetch what is paid and lies elsewhere; asking again costs nothing until it is gone. Of
        several pictures, those that are gone take none of the others with them."""
        linked = case.known
        files: list[bytes | None] = []
        gone: ProviderRefused | None = None
        for url in linked.links:
            try:
                files.append(await wire.fetch(self.client, url, linked.provider, linked.cost))
            except ProviderRefused as refused:
                files.append(None)
                gone = refused
        problem = gone.as_problem() if gone else None
        if gone and not any(files):
            gone.cost = linked.cost
            if not await self._became(case.now(state="refused", problem=problem)):
                raise Overtaken.of(linked.product)  # it was fetched by another in time
            if not linked.is_settled:
                _count_spent(linked.provider, linked.cost)
            raise gone
        return await self._kept(case, files, linked.cost, linked.details, problem)

    async def _remembered(self, known: Purchase) -> Bought:
        files = [None if one is None else await self._blobs.get(one) for one in known.blobs]
        return Bought(files, known.cost, known.details, known.problem)

    async def _poll(self, case: _Case, asking: Question) -> Bought:
        known = case.known
        now = self.accounts.get(known.provider)
        account = now and now.named(known.account)
        if now is None or (account is None and provider_limits(known.provider).results_for_key):
            raise await self._doubt(case, _key_is_gone(known))
        path = str(known.path)
        try:
            response = await wire.ask(self.client, account or now, path, asking.headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # asking costs nothing
            why = type(error).__name__
            raise ProviderAway.because(known.provider, why, None, known.cost) from error
        if account is None and response.status_code in _NOT_YOURS:
            raise await self._doubt(case, _key_is_gone(known))
        return await self._replied(case, response, asking.read)

    async def _became(self, case: _Case) -> bool:
        return await _surely(partial(self.purchases.become, case.step, case.index, case.known))

    async def _forgotten(self, case: _Case) -> None:
        """It was not billed, and may be sent again."""
        await _surely(partial(self.purchases.forget, case.step, case.index))

    async def _doubt(self, case: _Case, doubt: InDoubt | None = None) -> StudioError:
        """Write it down, and return what is to be raised; the most that it may cost counts as
        spent until the account's bill is read. What the bill has told, or another worker, stays."""
        known = case.known
        if known.is_settled and known.problem:
            return ProviderRefused.as_before(known.problem, known.cost)
        doubt = doubt or InDoubt(known.provider, known.product)
        doubt.cost, doubt.may_come = known.ceiling, known.job is not None
        told = (doubt.cost, doubt.as_problem())
        if await _surely(partial(self.purchases.doubt, case.step, case.index, *told)):
            return doubt
        return Overtaken.of(known.product)

    async def _not_now(self, known: Purchase, response: httpx.Response) -> ProviderAway:
        provider, rest = known.provider, wire.retry_after(response)
        if response.status_code == _TOO_MANY:
            if rest is None:
                rest = provider_limits(provider).rest_after_429
            await self._turns.rest(self._account(provider).name, rest)
        else:
            self._breakers[provider].failed()
        cost = Money.zero() if known.state == "sent" else known.cost
        return ProviderAway.because(provider, f"HTTP {response.status_code}", rest, cost)

    def _is_overdue(self, job: Purchase) -> bool:
        age = datetime.now(UTC) - job.since
        return age.total_seconds() > self.purchases.longest_job

    def _account(self, provider: str) -> Account:
        if provider not in self.accounts:
            raise Refused(
                rule="provider.no_key",
                says=f"There is no key for {provider} here.",
                fix=f"Set STUDIO_{provider.upper()}_API_KEY, or use another provider.",
                valid=sorted(self.accounts),
            )
        return self.accounts[provider]


def _pace(rate: Rate, share: float) -> tuple[float, int]:
    """Turns a second and turns saved up, so that no window of the rate sees more than our share."""
    calls = max(1, int(rate.calls * share))
    burst = max(1, calls // 5)
    return max(calls - burst, 1) / rate.seconds, burst


def _billed(known: Purchase, told: Money | None, sizes: Sequence[Size] = ()) -> Money:
    """What a call that came has cost. told: by its reply; the account's bill knows better."""
    if known.is_settled:
        return known.cost
    return _price(known, sizes) if told is None else told


def _price(known: Purchase, sizes: Sequence[Size]) -> Money:
    """By the sizes of what came, where the price is by them and they are told."""
    by_size = price_book().by_size(known.provider, known.product, sizes)
    return known.price if by_size is None else by_size


def _count_spent(provider: str, cost: Money) -> None:
    metrics.spent.labels(provider, cost.currency).inc(float(cost.amount))


async def _surely(write: Callable[[], Awaitable[T]]) -> T:
    """Write, and again for a while if our own store is away: what comes is paid, and whatever is
    not written down is in doubt for ever."""
    until = time.monotonic() + _INSISTING
    while True:
        try:
            return await write()
        except Unavailable as away:
            if time.monotonic() >= until:
                raise
            log.warning("What a provider told is not written down yet: %s", away.says)
            await asyncio.sleep(_PAUSE)


def _key_is_gone(known: Purchase) -> InDoubt:
    return InDoubt(
        known.provider,
        known.product,
        says=f"{known.provider} works on {known.product} for a key that is not configured any more,"
        " and tells its result to that key only. It may have been billed.",
        fix=f"Put the former key behind the new one in STUDIO_{known.provider.upper()}_API_KEY, "
        "separated by a comma, and replay the dead letter.",
    )
