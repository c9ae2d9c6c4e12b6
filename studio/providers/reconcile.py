"""Reconciling: what a provider says it billed settles the calls that are in doubt.

A provider that tells its balance (`studio.providers.balances`) has told what it billed since our
last statement of it, which is renewed while nothing is in doubt. What is missing from our own sum
was billed by calls in doubt, and what is not missing was not. The sum is then the provider's to the
cent; of several calls in doubt at one price it stays unknown which were billed, and that does not
change the sum.

It holds for an account that nobody but this installation uses, so it is done where
STUDIO_PROVIDER_SHARE is 1. The purchases of all its services are in one place (docs/adr/0015). A
provider may be at work on a call that we lost long before; so a call is settled some time after it
was sent, and not at once. Where a balance may follow its calls late (fal), nothing else may have
been sent for that time, either; and where purchases may go on an invoice instead (fal, too), the
balance must have been seen to fall.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx

from studio.metadata import Database, Document
from studio.money import Money
from studio.problems import Unavailable
from studio.providers.accounts import Account
from studio.providers.balances import (
    BalanceRefused,
    balance,
    is_prepaid,
    is_prompt,
    is_told,
    meant,
    missing_setting,
)
from studio.providers.purchases import LONGEST_JOB, Purchase, Purchases

log = logging.getLogger(__name__)

#: Subsets of more calls in doubt than this are not tried one by one.
_MOST_DOUBTS = 16


@dataclass(frozen=True, slots=True)
class _Reading:
    """Where an account stands while nothing moves."""

    balance: Decimal  # US$ that are left
    spent: Decimal  # US$ by our own sum; what is in doubt counts with its most
    doubts: Sequence[tuple[str, Purchase]]


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
        """account: one that tells its balance. quiet: s since the youngest doubtful call was sent,
        before any is settled; since any was, where the balance may be late."""
        self._account, self._purchases, self._client = account, purchases, client
        self.provider, self.quiet = account.provider, quiet
        self._statements = database.collection("statements")

    async def open(self) -> None:
        """Remember where the account stood when it was first used; if it does not tell, or our own
        store is away, nothing of it is reconciled until `reconcile` could open it."""
        try:
            if await self._statement() is None and (now := await self._reading()):
                await self._renew(now)
        except Unavailable as away:
            log.warning("Calls in doubt stay so: %s", away.says)

    async def reconcile(self) -> int:
        """Settle what is in doubt; returns how many calls were. With nothing to settle, the
        statement is renewed, so that a top-up is no riddle later.

        Nothing happens while a call is under way or was sent just now, or where no set of the
        doubtful calls explains the balance: then somebody topped it up, or else uses it. Nor does
        it if the key may not read the balance, which is told, and which no haste mends.
        """
        try:
            return await self._reconciled()
        except BalanceRefused as refused:
            log.warning("Calls in doubt stay so: %s", refused.says)
            return 0

    async def _reconciled(self) -> int:
        await self.open()
        statement = await self._statement()
        now = await self._reading() if statement else None
        if statement is None or now is None:
            return 0
        cancelled = set(statement.get("doubts", ()))  # they are in both sums
        doubts = [(key, one) for key, one in now.doubts if key not in cancelled]
        falls = _falls(statement, now)
        if not doubts:
            await self._renew(now, falls=falls)
            return 0
        age = datetime.now(UTC) - max(one.since for _, one in doubts)
        if age < timedelta(seconds=self.quiet) or not (falls or is_prepaid(self._account)):
            return 0
        billed = Decimal(statement["balance"]) - now.balance
        spent = now.spent - Decimal(statement["spent"])
        certain = spent - sum(one.cost.amount for _, one in doubts)
        were_billed = _explaining(meant(billed - certain), [one for _, one in doubts])
        if were_billed is None:
            log.warning("The balance of %s is not explained by what we bought", self._account.name)
            if age > timedelta(seconds=LONGEST_JOB):  # nothing will explain it: go on from here
                await self._renew(now, falls=falls)
            return 0
        for index, (key, one) in enumerate(doubts):
            cost = one.price if index in were_billed else Money.zero(one.price.currency)
            await self._purchases.settle(key, cost)
        return len(doubts)

    async def _reading(self) -> _Reading | None:
        """Where the account stands; None while anything moves: whether a call that is under way is
        in the balance already is unknown."""
        names, purchases = self._account.names, self._purchases
        before = await purchases.spent(*names)
        if await self._moves():
            return None
        left = await self._balance()
        if await self._moves():
            return None
        doubts = await purchases.in_doubt(*names)
        if await purchases.spent(*names) != before:
            return None
        return _Reading(left, before.amount, doubts)

    async def _moves(self) -> bool:
        """Whether there is a call that the balance may or may not know yet."""
        names = self._account.names
        if await self._purchases.is_under_way(*names):
            return True
        if is_prompt(self._account):
            return False
        lately = datetime.now(UTC) - timedelta(seconds=self.quiet)
        return await self._purchases.was_sent_after(lately, *names)

    async def _statement(self) -> Document | None:
        """The youngest of the account: its key may have been changed since."""
        named = {"_id": {"$in": self._account.names}}
        found = await self._statements.find(named, sort=(("at", -1),), limit=1)
        return found[0] if found else None

    async def _renew(self, now: _Reading, *, falls: bool = False) -> None:
        """Reckon from here. Calls in doubt by now stay so: whether they were billed is in both.

        falls: whether the balance was ever seen to.
        """
        statement = {
            "balance": str(now.balance),
            "spent": str(now.spent),
            "doubts": [key for key, _ in now.doubts],
            "falls": falls,
            "at": datetime.now(UTC),
        }
        await self._statements.upsert(self._account.name, statement)

    async def _balance(self) -> Decimal:
        """US$ that are left."""
        return await balance(self._account, self._client)


def reconcilers(
    accounts: Iterable[Account],
    purchases: Purchases,
    database: Database,
    client: httpx.AsyncClient,
    *,
    quiet: float,
) -> list[Reconciler]:
    """Of the accounts that tell their balance; where only a key is missing for it, that is said."""
    found = []
    for account in accounts:
        if is_told(account):
            found.append(Reconciler(account, purchases, database, client, quiet=quiet))
        elif setting := missing_setting(account):
            log.info("Calls in doubt of %s stay so: %s is not set", account.provider, setting)
    return found


def _falls(statement: Document, now: _Reading) -> bool:
    """Whether the balance was ever seen to fall. One that never does (purchases may go on an
    invoice instead) does not say that a call was not billed."""
    return bool(statement.get("falls")) or now.balance < Decimal(statement["balance"])


def _explaining(missing: Decimal, doubts: Sequence[Purchase]) -> set[int] | None:
    """Which of the calls cost that together, to the last digit that is meant; None if none do."""
    for count in range(min(len(doubts), _MOST_DOUBTS) + 1):
        for chosen in itertools.combinations(range(len(doubts)), count):
            if meant(sum((doubts[one].price.amount for one in chosen), Decimal(0))) == missing:
                return set(chosen)
    return None
