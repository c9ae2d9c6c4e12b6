"""Buying: the way of one paid call, so that it is paid for once.

Look what is known → wait for a turn → write down that it is sent → send → write down what came.
A crash between the last two leaves a call in doubt: it is not sent again (docs/adr/0013). What came
is put into the blob store before it is believed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import httpx

from studio import metrics, telemetry
from studio.blobs.base import BlobStore
from studio.money import Money
from studio.problems import Problem, Refused, Unavailable
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
    Parked,
    ProviderAway,
    ProviderRefused,
)
from studio.providers.limits import Rate, provider_limits
from studio.providers.pictures import picture
from studio.providers.purchases import Purchase, Purchases, call_name
from studio.providers.turns import Turns

log = logging.getLogger(__name__)

#: s that a job may take before it is given up as in doubt.
_LONGEST_JOB = 3600
#: s for which our own stores may be away when something that is paid has come, and between tries.
_INSISTING, _PAUSE = 120.0, 1.0
#: What an operator mends: nothing was billed, and the same call may work once it is mended.
_OURS_TO_MEND = {"provider.key", "provider.credit"}
_MAX_REPLY = 64 * 1024 * 1024  # bytes
_ERROR, _TOO_MANY, _SERVER_ERROR, _GONE = 400, 429, 500, {403, 404, 410}
#: What proxies answer when they lose patience with a call that may yet be done (and billed).
_FROM_A_PROXY = {502, 504, 520, 522, 524}
#: A 429 that no waiting ends: the account has no money (OpenAI's code).
_NO_MONEY = b"insufficient_quota"


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bought:
    """What a call brought: encoded pictures, and what was paid for them."""

    files: list[bytes]
    cost: Money
    details: Mapping[str, Any] = field(default_factory=dict)


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
    ) -> None:
        """share: this service's part of each account's rate limit, 0..1."""
        self.accounts, self.purchases = dict(accounts), purchases
        self._turns, self._blobs, self._share = turns, blobs, share
        self.client = httpx.AsyncClient(follow_redirects=False)
        self._breakers = {name: Breaker(name) for name in accounts}

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    def is_away(self, provider: str) -> bool:
        """Whether a provider is left alone for now."""
        return provider in self._breakers and self._breakers[provider].is_open

    async def buy(
        self, step: UUID, call: Call, index: int = 0, *, engine: str | None = None
    ) -> Bought:
        """The pictures of a call, from the provider or from before. The step is claimed.

        engine: who does the step, as steps name it; AnotherSold if somebody else has begun it.

        Raises Parked while the provider works, Throttled and ProviderAway where nothing was
        billed, ProviderRefused and Moderated where it will not be done, InDoubt where nobody knows.
        """
        known = await self.purchases.get(step, index)
        if known is None:
            return await self._send(step, call, index, engine)
        if engine and known.engine and known.engine != engine:
            raise _another(known.engine)
        match known.state:
            case "bought":
                return await self._remembered(known)
            case "job":
                return await self._poll(step, call, index, known)
            case "linked":
                return await self._collected(step, index, known)
            case "refused" if known.problem:
                raise _as_before(known.problem, known)
            case _:
                raise await self._doubt(step, call, index, known)

    async def _send(self, step: UUID, call: Call, index: int, engine: str | None) -> Bought:
        account = self._account(call.provider)
        self._breakers[call.provider].check()
        limits = provider_limits(call.provider)
        if limits.rate:
            await self._turns.take(account.name, *_pace(limits.rate, self._share))
        sent = Purchase(
            state="sent",
            provider=call.provider,
            product=call.product,
            account=account.name,
            engine=engine,
            price=call.price,
            cost=call.price,
            since=datetime.now(UTC),
        )
        if not await self.purchases.begin(step, index, sent):
            raise await self._doubt(step, call, index, sent)
        with telemetry.span("buy", provider=call.provider, product=call.product):
            try:
                response = await self._request(account, call, call_name(step, index))
            except _NEVER_LEFT as error:
                await self._forgotten(step, index)
                self._breakers[call.provider].failed()
                # not `from error`: of a header that cannot be sent, it tells the value
                raise _away(call.provider, type(error).__name__) from None
            except httpx.HTTPError as error:
                self._breakers[call.provider].failed()
                raise await self._doubt(step, call, index, sent) from error
        return await self._replied(step, call, index, sent, response)

    async def _request(self, account: Account, call: Call, name: str) -> httpx.Response:
        """Send it. The step's name goes along, for whoever searches the provider's logs."""
        files = [(name, (one.name, one.data, one.media_type)) for name, one in call.files]
        return await self.client.post(
            account.url + call.path,
            headers={
                **_credentials(account),
                _CLIENT_NAME.get(call.provider, "x-studio-step"): name,
                **call.headers,
            },
            json=call.json,
            data=call.form,
            files=files or None,
            timeout=httpx.Timeout(call.patience, connect=10),
        )

    async def _replied(
        self, step: UUID, call: Call, index: int, sent: Purchase, response: httpx.Response
    ) -> Bought:
        """Believe a reply: it was not done, it was refused, it is being done, or it is here."""
        status = response.status_code
        is_broke = status == _TOO_MANY and _NO_MONEY in response.content
        if status in _FROM_A_PROXY and sent.state == "sent" and not call.is_queued:
            self._breakers[call.provider].failed()
            raise await self._doubt(step, call, index, sent)
        if not is_broke and (status == _TOO_MANY or status >= _SERVER_ERROR):
            if sent.state == "sent":
                await self._forgotten(step, index)
            raise await self._not_now(call.provider, response, is_paid=sent.state == "job")
        self._breakers[call.provider].answered()
        try:
            if len(response.content) > _MAX_REPLY:
                raise ValueError("larger than any picture")
            answer = await asyncio.to_thread(call.read, response)  # megabytes of base64
        except ProviderRefused as refused:
            if refused.rule in _OURS_TO_MEND and refused.billed == "no":
                if sent.state == "job":  # it is made all the same: ask again with a better key
                    raise _away(call.provider, f"HTTP {status}", is_paid=True) from refused
                await self._forgotten(step, index)
                raise
            cost = Money.zero() if refused.billed == "no" else sent.price
            problem = refused.as_problem()
            await self._became(step, index, sent, state="refused", problem=problem, cost=cost)
            raise
        except (ValueError, KeyError, TypeError, IndexError) as unreadable:
            log.warning("%s replied with something unreadable", call.provider)
            raise await self._doubt(step, call, index, sent) from unreadable
        return await self._answered(step, call, index, sent, answer)

    async def _answered(
        self, step: UUID, call: Call, index: int, sent: Purchase, answer: Answer
    ) -> Bought:
        match answer:
            case Job(id=id_, path=path, every=every):
                if sent.state == "job" and _is_overdue(sent):
                    raise await self._doubt(step, call, index, sent)
                if sent.state != "job":
                    await self._became(step, index, sent, state="job", job=id_, path=path)
                raise _parked(call.provider, every)
            case Links(urls=urls):
                cost = sent.price if answer.cost is None else answer.cost
                linked = sent.model_copy(
                    update={
                        "state": "linked",
                        "links": list(urls),
                        "cost": cost,
                        "details": dict(answer.details),
                    }
                )
                await self._became(step, index, linked)
                return await self._collected(step, index, linked)
            case Files():
                return await self._kept(step, index, sent, answer)

    async def _kept(self, step: UUID, index: int, sent: Purchase, files: Files) -> Bought:
        """Into the blob store first, then into the purchase, in one write."""
        blobs = [await _surely(partial(self._blobs.put, one)) for one in files.files]
        cost = sent.price if files.cost is None else files.cost
        details = dict(files.details)
        await self._became(
            step, index, sent, state="bought", blobs=blobs, cost=cost, details=details
        )
        metrics.spent.labels(sent.provider, cost.currency).inc(float(cost.amount))
        return Bought(list(files.files), cost, details)

    async def _collected(self, step: UUID, index: int, linked: Purchase) -> Bought:
        """Fetch what is paid and lies elsewhere; asking again costs nothing until it is gone."""
        try:
            files = [await self._fetched(url) for url in linked.links]
        except ProviderRefused as gone:
            await self._became(step, index, linked, state="refused", problem=gone.as_problem())
            raise
        return await self._kept(step, index, linked, Files(files, linked.cost, linked.details))

    async def _remembered(self, known: Purchase) -> Bought:
        files = [await self._blobs.get(one) for one in known.blobs]
        return Bought(files, known.cost, known.details)

    async def _poll(self, step: UUID, call: Call, index: int, known: Purchase) -> Bought:
        account = self._account(call.provider)
        headers = {**_credentials(account), **call.headers}
        try:
            response = await self.client.get(
                account.url + str(known.path), headers=headers, timeout=httpx.Timeout(60)
            )
        except httpx.HTTPError as error:  # asking costs nothing
            raise _away(call.provider, type(error).__name__, is_paid=True) from error
        return await self._replied(step, call, index, known, response)

    async def _fetched(self, url: str) -> bytes:
        """A result that lies elsewhere; no key is sent there."""
        try:
            response = await self.client.get(url, timeout=httpx.Timeout(60), follow_redirects=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _away(_STORE, type(error).__name__, is_paid=True) from error
        if response.status_code in _GONE:
            raise ProviderRefused(
                rule="provider.expired",
                says="The provider made the picture, and its store has it no more.",
                fix="Start the item again in a new run.",
            )
        if response.status_code >= _ERROR or len(response.content) > _MAX_REPLY:
            raise _away(_STORE, f"HTTP {response.status_code}", is_paid=True)
        try:
            return picture(response.content)
        except ValueError as error:
            raise _away(_STORE, "no picture", is_paid=True) from error

    async def _became(self, step: UUID, index: int, sent: Purchase, **what: Any) -> None:
        known = sent.model_copy(update=what)
        await _surely(partial(self.purchases.become, step, index, known))

    async def _forgotten(self, step: UUID, index: int) -> None:
        """It was not billed, and may be sent again."""
        await _surely(partial(self.purchases.forget, step, index))

    async def _doubt(self, step: UUID, call: Call, index: int, known: Purchase) -> InDoubt:
        """Write it down; its expected price counts as spent until the account's bill is read."""
        doubt = InDoubt(call.provider, call.product)
        problem = doubt.as_problem()
        await self._became(step, index, known, state="in_doubt", cost=known.price, problem=problem)
        return doubt

    async def _not_now(
        self, provider: str, response: httpx.Response, *, is_paid: bool
    ) -> ProviderAway:
        rest = _retry_after(response)
        if response.status_code == _TOO_MANY:
            if rest is None:
                rest = provider_limits(provider).rest_after_429
            await self._turns.rest(self._account(provider).name, rest)
        else:
            self._breakers[provider].failed()
        return _away(provider, f"HTTP {response.status_code}", rest, is_paid=is_paid)

    def _account(self, provider: str) -> Account:
        if provider not in self.accounts:
            raise Refused(
                rule="provider.no_key",
                says=f"There is no key for {provider} here.",
                fix=f"Set STUDIO_{provider.upper()}_API_KEY, or use another provider.",
                valid=sorted(self.accounts),
            )
        return self.accounts[provider]


_STORE = "the provider's store"
#: Errors of requests of which no byte was sent.
_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)
#: Where a provider has a header of its own for the caller's name of a call.
_CLIENT_NAME = {"stability": "stability-client-user-id"}
_HEADERS = {
    "google": ("x-goog-api-key", "{}"),
    "ideogram": ("Api-Key", "{}"),
    "fal": ("Authorization", "Key {}"),
}


def _credentials(account: Account) -> dict[str, str]:
    name, form = _HEADERS.get(account.provider, ("Authorization", "Bearer {}"))
    return {name: form.format(account.key.get_secret_value())}


def _pace(rate: Rate, share: float) -> tuple[float, int]:
    """Turns a second and turns saved up, so that no window of the rate sees more than our share."""
    calls = max(1, int(rate.calls * share))
    burst = max(1, calls // 5)
    return max(calls - burst, 1) / rate.seconds, burst


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, if the header gives them as a number (dates are not used by any provider)."""
    try:
        return max(0.0, float(response.headers["retry-after"]))
    except (KeyError, ValueError):
        return None


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


def _is_overdue(job: Purchase) -> bool:
    return (datetime.now(UTC) - job.since).total_seconds() > _LONGEST_JOB


def _away(
    who: str, why: str, retry_after: float | None = None, *, is_paid: bool = False
) -> ProviderAway:
    """is_paid: it was ordered before, and only asked for now."""
    money = "what was ordered is kept" if is_paid else "nothing was billed"
    return ProviderAway(
        rule="provider.away",
        says=f"{who} did not answer ({why}); {money}.",
        fix="Nothing: it is tried again.",
        retry_after=retry_after,
    )


def _as_before(told: Problem, known: Purchase) -> ProviderRefused:
    """The refusal again, as it was billed."""
    refused = ProviderRefused(rule=told.rule, says=told.says, fix=told.fix)
    refused.billed = "yes" if known.cost else "no"
    return refused


def _another(engine: str) -> AnotherSold:
    return AnotherSold(
        rule="provider.another",
        says=f"{engine} was paid for a part of this step and does the rest.",
        fix="Nothing: the message comes back.",
        retry_after=1,
    )


def _parked(provider: str, every: float) -> Parked:
    return Parked(
        rule="provider.working",
        says=f"{provider} works on it.",
        fix="Nothing: it is asked again.",
        retry_after=every,
    )
