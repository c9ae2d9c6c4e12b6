"""The bill: what the real providers would have charged, call by call.

Its prices (bill.yaml) are kept apart from the product's price book on purpose: a test holds
one against the other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from tests.simulator.clock import Clock

#: Stability: 1 credit = US$ 0.01 (providers.md §4.1).
CREDIT_USD = Decimal("0.01")
_MILLION = 1_000_000


class Price(BaseModel):
    """One entry of bill.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str
    item: str
    amount: Decimal
    unit: str
    """`credit` (Stability), `image`, `megapixel`, `gpu_second`, `call` or `million_tokens`; money
    in USD but for credits."""
    source: str
    checked_on: str
    assumed: bool = False
    """providers.md gives no number: this one only keeps the counting honest."""
    note: str = ""

    @property
    def usd(self) -> Decimal:
        """Per unit; of tokens, per token."""
        if self.unit == "million_tokens":
            return self.amount / _MILLION
        return self.amount * CREDIT_USD if self.unit == "credit" else self.amount


@cache
def prices() -> dict[tuple[str, str], Price]:
    """Every price, by provider and item."""
    text = (Path(__file__).parent / "bill.yaml").read_text()
    entries = [Price(**entry) for entry in yaml.safe_load(text)["entries"]]
    return {(one.provider, one.item): one for one in entries}


def usd(provider: str, item: str) -> Decimal:
    """The price of one unit of an item, in US dollars. KeyError if it has none."""
    return prices()[provider, item].usd


@dataclass(frozen=True)
class Charge:
    """One billed call."""

    provider: str
    account: str
    endpoint: str
    amount: Decimal
    client_id: str | None
    at: str
    currency: str = "USD"

    def to_json(self) -> dict[str, Any]:
        """Amounts as decimal strings."""
        return {**self.__dict__, "amount": _plain(self.amount)}


class Bill:
    """Every charge since the start or the last reset, in order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._charges: list[Charge] = []

    def add(
        self, provider: str, key: str, endpoint: str, amount: Decimal, client_id: str | None
    ) -> Charge:
        """Charge a call to the account that a key belongs to."""
        at = self._clock.stamp().isoformat()
        charge = Charge(provider, account_of(key), endpoint, amount, client_id, at)
        self._charges.append(charge)
        return charge

    def withdraw(self, charge: Charge) -> None:
        """A job was cancelled before it cost anything."""
        self._charges = [one for one in self._charges if one is not charge]

    def spent(self, provider: str, key: str) -> Decimal:
        """By one account at one provider, US dollars."""
        own = account_of(key)
        charges = (c for c in self._charges if (c.provider, c.account) == (provider, own))
        return sum((one.amount for one in charges), Decimal(0))

    def to_json(self) -> dict[str, Any]:
        """The calls and the total per currency."""
        total = sum((one.amount for one in self._charges), Decimal(0))
        calls = [one.to_json() for one in self._charges]
        return {"calls": calls, "total": {"USD": _plain(total)}}

    def clear(self) -> None:
        """Nothing was bought."""
        self._charges.clear()


def account_of(key: str) -> str:
    """An account's name on the bill: a hash, so that no key is ever printed."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def _plain(amount: Decimal) -> str:
    return format(amount.normalize(), "f")
