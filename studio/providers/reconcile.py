"""Reconciling: what a provider says it billed settles the calls that are in doubt.

A provider that tells its balance (`studio.providers.balances`) has told what it billed since our
last statement of it, which is renewed while nothing is in doubt. What is missing from our own sum
was billed by calls in doubt, and what is not missing was not. The sum is then the provider's to the
cent; of several calls in doubt at one price it stays unknown which were billed, and that does not
change the sum. In doubt is also what was refused after it may have run (fal's 422).

It holds as far as the cost of all other calls is known: it is fixed, told by the reply, or follows
from the size that the reply tells. And it holds for an account that nobody but this installation
uses, so it is done where STUDIO_PROVIDER_SHARE is 1. The purchases of all its services are in one
place (docs/adr/0015).

A provider may be at work on a call that we lost long before; so a call is settled some time after
it was sent, and not at once. Where calls wait in a queue (fal), that is as long as any job may
take. Where a balance may follow its calls late (fal), nothing may have been sent or come for a
while, either; and where purchases may go on an invoice instead (fal, too), the balance must have
been seen to fall.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx

from studio import metrics
from studio.compute import compute
from studio.metadata import Database, Document
from studio.money import Money
from studio.problems import Unavailable
from studio.providers.accounts import Account
from studio.providers.balances import (
    BalanceRefused,
    balance,
    has_queue,
    is_prepaid,
    is_prompt,
    is_told,
    lateness,
    meant,
    missing_setting,
)
from studio.providers.explaining import explaining
from studio.providers.prices import price_book
from studio.providers.purchases import Purchase, Purchases

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Where an account stands while nothing moves."""

    balance: Decimal  # US$ that are left
    spent: Decimal  # US$ by our own sum; what is in doubt counts with its most
    doubts: Sequence[tuple[str, Purchase]]  # oldest first
    cancelled: Decimal  # US$, of `spent`, for what was in doubt at the statement


@dataclass(frozen=True, slots=True)
class _Change:
    """What happened to an account since its statement."""

    fell: Decimal  # US$ that the balance has lost; less than 0: somebody topped it up
    certain: Decimal  # US$ that we have surely spent
    doubts: Sequence[tuple[str, Purchase]]  # those that came since, oldest first
    falls: bool  # whether the balance was ever seen to fall with what we bought

    @classmethod
    def between(cls, statement: Document, now: _Reading) -> _Change:
        """What was in doubt at the statement counts in both sums, and so in neither; nor does it
        if it turned out since to have cost less.

        A balance that never falls (purchases may go on an invoice instead) does not say that a call
        was not billed; nor does one that fell once and stayed where it was at a later purchase.
        """
        cancelled = set(statement.get("doubts", ()))
        doubts = [
            (key, one)
            for key, one in now.doubts
            if key not in cancelled and not _was_unknown_to(statement, one)
        ]
        fell = meant(Decimal(statement["balance"]) - now.balance)
        doubted = statement.get("doubted")  # statements of before do not tell
        turned_out = Decimal(0) if doubted is None else now.cancelled - Decimal(doubted)
        spent = now.spent - Decimal(statement["spent"]) - turned_out
        certain = meant(spent - sum(one.cost.amount for _, one in doubts))
        falls = fell > 0 or (certain <= 0 and bool(statement.get("falls")))
        return cls(fell, certain, doubts, falls)


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
        before any is settled, or more where calls wait in a queue; also s since anything was sent
        or came, where the balance may be late."""
        self._account, self._purchases, self._client = account, purchases, client
        self.provider, self.quiet = account.provider, quiet
        self._statements = database.collection("statements")

    async def open(self) -> None:
        """Remember where the account stood when it was first used; if it does not tell, our own
        store is away, or a call in doubt may yet be billed, nothing of it is reconciled until
        `reconcile` could open it."""
        try:
            if await self._statement() is None:
                now = await self._reading()
                if now and self._are_ripe(now.doubts):
                    await self._renew(now)
        except Unavailable as away:
            log.warning("Calls in doubt stay so: %s", away.says)

    async def reconcile(self) -> int:
        """Settle what is in doubt; returns how many calls were. With nothing to settle, the
        statement is renewed, so that a top-up is no riddle later.

        Nothing happens while a call is under way or was sent just now, or where no set of the
        doubtful calls explains the balance: then somebody topped it up, or else uses it; a job's
        longest time later it goes on from there. Nor does it if the key may not read the balance,
        which is told, and which no haste mends.
        """
        try:
            return await self._reconciled()
        except BalanceRefused as refused:
            log.warning("Calls in doubt stay so: %s", refused.says)
            return 0

    async def _reconciled(self) -> int:
        await self.open()
        statement = await self._statement()
        now = await self._reading(statement) if statement else None
        if statement is None or now is None:
            return 0
        if await self._is_of_other_keys(statement):
            if self._are_ripe(now.doubts):
                await self._renew(now, falls=bool(statement.get("falls")))
            return 0
        change = _Change.between(statement, now)
        if not change.doubts:
            await self._renew(now, falls=change.falls)
            return 0
        if not self._are_ripe(change.doubts):
            return 0
        if not (change.falls or is_prepaid(self._account)):
            return await self._unexplained("was not seen to fall yet", now, change)
        missing = change.fell - change.certain
        billed = await compute(explaining, missing, [_amounts(one) for _, one in change.doubts])
        if billed is None:
            return await self._unexplained("is not explained by what we bought", now, change)
        if await self._has_changed_since(now):
            return 0
        return await self._settled(change.doubts, billed)

    async def _is_of_other_keys(self, statement: Document) -> bool:
        """Whether its sum was one of other purchases than ours: a key was left out since, or one
        that had bought before was put back."""
        names = set(self._account.names)
        then = set(statement.get("names", names))  # statements of before do not tell
        if then - names:
            return True
        return await self._purchases.has_bought_before(statement["at"], *(names - then))

    async def _settled(
        self, doubts: Sequence[tuple[str, Purchase]], billed: Sequence[Decimal]
    ) -> int:
        """How many of the calls in doubt are settled now, with what each was billed, US$."""
        settled = 0
        for (key, one), amount in zip(doubts, billed, strict=True):
            cost = Money.of(amount, one.price.currency)
            if await self._purchases.settle(key, cost):
                metrics.spent.labels(one.provider, cost.currency).inc(float(cost.amount))
                settled += 1
        return settled

    def _waited(self, doubts: Iterable[tuple[str, Purchase]]) -> list[float]:
        """s for which each could have been settled; less than 0: not yet."""
        now, longest = datetime.now(UTC), self._purchases.longest_job
        at_work = longest if has_queue(self._account) else 0.0
        return [
            (now - one.since).total_seconds()
            - (self.quiet + at_work if one.state == "in_doubt" else self.quiet)
            for _, one in doubts
        ]

    def _are_ripe(self, doubts: Iterable[tuple[str, Purchase]]) -> bool:
        """Whether the balance knows by now whether they were billed."""
        return all(waited >= 0 for waited in self._waited(doubts))

    async def _unexplained(self, why: str, now: _Reading, change: _Change) -> int:
        """It is told; and if the account has moved and nothing will explain how, we go on from
        here. Settles nothing."""
        log.warning("Calls in doubt stay so: the balance of %s %s", self._account.name, why)
        has_moved = bool(change.fell or change.certain)
        # by the oldest: as long as new ones come, the youngest has never waited long
        if has_moved and max(self._waited(change.doubts)) > self._purchases.longest_job:
            await self._renew(now, falls=change.falls)
        return 0

    async def _reading(self, statement: Document | None = None) -> _Reading | None:
        """Where the account stands; None while anything moves: whether a call that is under way is
        in the balance already is unknown. statement: the last one."""
        names, purchases = self._account.names, self._purchases
        of_before = statement.get("doubts", ()) if statement else ()
        before = await purchases.spent(*names)
        if await self._moves():
            return None
        left = await self._balance()
        if await self._moves():
            return None
        doubts = await purchases.in_doubt(*names)
        cancelled = await purchases.cost_of(of_before)
        now = _Reading(left, before.amount, doubts, cancelled.amount)
        return None if await self._has_changed_since(now) else now

    async def _has_changed_since(self, then: _Reading) -> bool:
        """Whether our own sum is another by now."""
        return (await self._purchases.spent(*self._account.names)).amount != then.spent

    async def _moves(self) -> bool:
        """Whether there is a call that the balance may or may not know yet."""
        names = self._account.names
        if await self._purchases.is_under_way(*names):
            return True
        if is_prompt(self._account):
            return False
        lately = datetime.now(UTC) - timedelta(seconds=self.quiet)
        return await self._purchases.has_changed_after(lately, *names)

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
            "doubted": str(sum(one.cost.amount for _, one in now.doubts)),
            "names": self._account.names,
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
    """Of the accounts that tell their balance; where only a key is missing for it, that is said.

    quiet: s, as of a Reconciler; where a balance may be late, at least for so long (or for the
    longest job, if that is less).
    """
    found = []
    for account in accounts:
        if is_told(account):
            patient = max(quiet, min(lateness(account), purchases.longest_job))
            found.append(Reconciler(account, purchases, database, client, quiet=patient))
        elif setting := missing_setting(account):
            log.info("Calls in doubt of %s stay so: %s is not set", account.provider, setting)
    return found


def _was_unknown_to(statement: Document, one: Purchase) -> bool:
    """Whether it was in doubt at a statement of a version that took it for certain: as one that
    was refused, and may have been billed."""
    is_of_before = "doubted" not in statement
    return is_of_before and one.guessed and (one.changed or one.since) <= statement["at"]


def _amounts(one: Purchase) -> list[Decimal]:
    """US$ that a call has cost if it was billed, the likeliest first."""
    return price_book().amounts(one.provider, one.product, one.price, one.ceiling)
