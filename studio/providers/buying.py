"""Buying: the way of one paid call, so that it is paid for once.

Look what is known → wait for a turn → write down that it is sent → send → write down what came.
A crash between the last two leaves a call in doubt: it is not sent again (docs/adr/0013). What came
is put into the blob store before it is believed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from studio import metrics, telemetry
from studio.blobs.base import BlobStore
from studio.money import Money
from studio.problems import Problem, Refused
from studio.providers.accounts import Account
from studio.providers.breaker import Breaker
from studio.providers.call import (
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
_MAX_REPLY = 64 * 1024 * 1024  # bytes
_ERROR, _TOO_MANY, _SERVER_ERROR, _GONE = 400, 429, 500, {403, 404, 410}
#: A 429 that no waiting ends: the account has no money (OpenAI's code).
_NO_MONEY = b"insufficient_quota"


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

    async def buy(self, step: UUID, call: Call, index: int = 0) -> Bought:
        """The pictures of a call, from the provider or from before. The step is claimed.

        Raises Parked while the provider works, Throttled and ProviderAway where nothing was
        billed, ProviderRefused and Moderated where it will not be done, InDoubt where nobody knows.
        """
        known = await self.purchases.get(step, index)
        if known is None:
            return await self._send(step, call, index)
        match known.state:
            case "bought":
                return await self._remembered(known)
            case "job":
                return await self._poll(step, call, index, known)
            case "linked":
                return await self._collected(step, index, known)
            case "refused" if known.problem:
                raise _remembered(known.problem, known)
            case _:
                raise await self._doubt(step, call, index, known)

    async def _send(self, step: UUID, call: Call, index: int) -> Bought:
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
            price=call.price,
            cost=call.price,
            since=datetime.now(UTC),
        )
        if not await self.purchases.begin(step, index, sent):
            raise await self._doubt(step, call, index, sent)
        with telemetry.span("buy", provider=call.provider, product=call.product):
            try:
                response = await self._request(account, call, call_name(step, index))
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                await self.purchases.forget(step, index)  # it never left
                self._breakers[call.provider].failed()
                raise _away(call.provider, type(error).__name__) from error
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
        if not is_broke and (status == _TOO_MANY or status >= _SERVER_ERROR):
            if sent.state == "sent":
                await self.purchases.forget(step, index)
            raise await self._not_now(call.provider, response)
        self._breakers[call.provider].answered()
        try:
            if len(response.content) > _MAX_REPLY:
                raise ValueError("larger than any picture")
            answer = call.read(response)
        except ProviderRefused as refused:
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
                await self.purchases.become(step, index, linked)
                return await self._collected(step, index, linked)
            case Files():
                return await self._kept(step, index, sent, answer)

    async def _kept(self, step: UUID, index: int, sent: Purchase, files: Files) -> Bought:
        """Into the blob store first, then into the purchase, in one write."""
        blobs = [await self._blobs.put(one) for one in files.files]
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
        if (datetime.now(UTC) - known.since).total_seconds() > _LONGEST_JOB:
            raise await self._doubt(step, call, index, known)
        account = self._account(call.provider)
        headers = {**_credentials(account), **call.headers}
        try:
            response = await self.client.get(
                account.url + str(known.path), headers=headers, timeout=httpx.Timeout(60)
            )
        except httpx.HTTPError as error:  # asking costs nothing
            raise _away(call.provider, type(error).__name__) from error
        return await self._replied(step, call, index, known, response)

    async def _fetched(self, url: str) -> bytes:
        """A result that lies elsewhere; no key is sent there."""
        try:
            response = await self.client.get(url, timeout=httpx.Timeout(60), follow_redirects=True)
        except httpx.HTTPError as error:
            raise _away("the provider's store", type(error).__name__) from error
        if response.status_code in _GONE:
            raise ProviderRefused(
                rule="provider.expired",
                says="The provider made the picture, and its store has it no more.",
                fix="Start the item again in a new run.",
            )
        if response.status_code >= _ERROR or len(response.content) > _MAX_REPLY:
            raise _away("the provider's store", f"HTTP {response.status_code}")
        try:
            return picture(response.content)
        except ValueError as error:
            raise _away("the provider's store", "no picture") from error

    async def _became(self, step: UUID, index: int, sent: Purchase, **what: Any) -> None:
        await self.purchases.become(step, index, sent.model_copy(update=what))

    async def _doubt(self, step: UUID, call: Call, index: int, known: Purchase) -> InDoubt:
        """Write it down; its expected price counts as spent until the account's bill is read."""
        doubt = InDoubt(call.provider, call.product)
        problem = doubt.as_problem()
        await self._became(step, index, known, state="in_doubt", cost=known.price, problem=problem)
        return doubt

    async def _not_now(self, provider: str, response: httpx.Response) -> ProviderAway:
        rest = _retry_after(response)
        if response.status_code == _TOO_MANY:
            if rest is None:
                rest = provider_limits(provider).rest_after_429
            await self._turns.rest(self._account(provider).name, rest)
        else:
            self._breakers[provider].failed()
        return _away(provider, f"HTTP {response.status_code}", rest)

    def _account(self, provider: str) -> Account:
        if provider not in self.accounts:
            raise Refused(
                rule="provider.no_key",
                says=f"There is no key for {provider} here.",
                fix=f"Set STUDIO_{provider.upper()}_API_KEY, or use another provider.",
                valid=sorted(self.accounts),
            )
        return self.accounts[provider]


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


def _away(provider: str, why: str, retry_after: float | None = None) -> ProviderAway:
    return ProviderAway(
        rule="provider.away",
        says=f"{provider} did not answer ({why}); nothing was billed.",
        fix="Nothing: it is tried again.",
        retry_after=retry_after,
    )


def _remembered(told: Problem, known: Purchase) -> ProviderRefused:
    """The refusal again, as it was billed."""
    refused = ProviderRefused(rule=told.rule, says=told.says, fix=told.fix)
    refused.billed = "yes" if known.cost else "no"
    return refused


def _parked(provider: str, every: float) -> Parked:
    return Parked(
        rule="provider.working",
        says=f"{provider} works on it.",
        fix="Nothing: it is asked again.",
        retry_after=every,
    )
