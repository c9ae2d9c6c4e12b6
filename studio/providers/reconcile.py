"""Reconciling: what a provider says it billed settles the calls that are in doubt.

A provider that tells its balance (Stability: GET /v1/user/balance, in credits of US$ 0.01) has told
what it billed since we first asked. What is missing from our own sum was billed by calls in doubt,
and what is not missing was not. The sum is then the provider's to the cent; of several calls in
doubt at one price it stays unknown which were billed, and that does not change the sum.

It holds for an account that nobody but this installation uses, so it is done where
STUDIO_PROVIDER_SHARE is 1. The purchases of all its services are in one place (docs/adr/0015). A
provider may be at work on a call that we lost long before; so a call is settled some time after it
was sent, and not at once.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx

from studio.metadata import Database
from studio.money import Money
from studio.providers.accounts import Account
from studio.providers.call import ProviderAway
from studio.providers.purchases import Purchase, Purchases

log = logging.getLogger(__name__)

TELL_THEIR_BALANCE = ("stability",)
_CREDIT = Decimal("0.01")  # US$ (providers.md, 4.1)
#: Subsets of more calls in doubt than this are not tried one by one.
_MOST_DOUBTS = 16


class Reconciler:
    """Reads an account's balance and settles what is in doubt."""

    def __init__(
        self,
        account: Account,
        purchases: Purchases,
        database: Database,
        client: httpx.AsyncClient,
        *,
        quiet: float = 0,
    ) -> None:
        """quiet: s since the youngest doubtful call was sent, before any is settled."""
        self._account, self._purchases, self._client = account, purchases, client
        self.quiet = quiet
        self._statements = database.collection("statements")

    async def open(self) -> None:
        """Remember where the account stood when it was first used; if it does not tell, nothing
        of it is reconciled until it does. Not while something is bought: of which side is unknown.
        """
        name = self._account.name
        if await self._statements.get(name) is not None:
            return
        before = await self._purchases.spent(name)
        try:
            balance = await self._balance()
        except ProviderAway as away:
            log.warning("Calls in doubt stay so: %s", away.says)
            return
        if await self._purchases.is_under_way(name) or await self._purchases.spent(name) != before:
            return
        opened = {"balance": str(balance), "spent": str(before.amount)}
        await self._statements.upsert(name, {}, on_insert=opened)

    async def reconcile(self) -> int:
        """Settle what is in doubt; returns how many calls were.

        Nothing happens while a call is under way or was sent just now, or where no set of the
        doubtful calls explains the balance: then somebody topped it up, or else uses it.
        """
        name = self._account.name
        await self.open()
        opened = await self._statements.get(name)
        doubts = await self._purchases.in_doubt(name)
        if not opened or not doubts or await self._purchases.is_under_way(name):
            return 0
        if max(one.since for _, one in doubts) > datetime.now(UTC) - timedelta(seconds=self.quiet):
            return 0
        before = await self._purchases.spent(name)
        billed = Decimal(opened["balance"]) - await self._balance()
        if await self._purchases.is_under_way(name) or await self._purchases.spent(name) != before:
            return 0  # something was bought while the balance was read: of which side is unknown
        spent = before.amount - Decimal(opened["spent"])
        certain = spent - sum(one.cost.amount for _, one in doubts)
        were_billed = _explaining(billed - certain, [one for _, one in doubts])
        if were_billed is None:
            log.warning("The balance of %s is not explained by what we bought", name)
            return 0
        for index, (key, one) in enumerate(doubts):
            cost = one.price if index in were_billed else Money.zero(one.price.currency)
            await self._purchases.settle(key, cost)
        return len(doubts)

    async def _balance(self) -> Decimal:
        """US$ that are left."""
        key = self._account.key.get_secret_value()
        try:
            response = await self._client.get(
                f"{self._account.url}/v1/user/balance",
                headers={"authorization": f"Bearer {key}"},
                timeout=10,
            )
            response.raise_for_status()
            return Decimal(str(response.json()["credits"])) * _CREDIT
        except (httpx.HTTPError, ValueError, KeyError, TypeError, ArithmeticError) as error:
            raise ProviderAway(
                rule="provider.balance",
                says=f"{self._account.provider} did not tell its balance ({type(error).__name__}).",
            ) from error


def _explaining(missing: Decimal, doubts: Sequence[Purchase]) -> set[int] | None:
    """Which of the calls cost exactly that together; None if none do."""
    for count in range(min(len(doubts), _MOST_DOUBTS) + 1):
        for chosen in itertools.combinations(range(len(doubts)), count):
            if sum((doubts[one].price.amount for one in chosen), Decimal(0)) == missing:
                return set(chosen)
    return None
