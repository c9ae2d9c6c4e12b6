"""Balances: what providers tell of the money that is left on an account.

A row for each provider that tells; of the others nobody knows. What they tell settles calls in
doubt (`studio.providers.reconcile`) and decides nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from studio.providers.accounts import Account
from studio.providers.call import ProviderAway
from studio.settings import PREFIX

_CREDIT = Decimal("0.01")  # US$ (providers.md, 4.1)
#: Balances are JSON numbers, and floats to those who sum them up (24.500000001): a difference of
#: two means no more than this, US$. Prices are not finer.
_MEANT = Decimal("0.000001")
_UNAUTHORIZED, _FORBIDDEN = 401, 403


class BalanceRefused(ProviderAway):
    """The key may not read it: somebody has to mend a setting."""


@dataclass(frozen=True, slots=True)
class _Telling:
    """How a provider tells."""

    path: str
    scheme: str  # of the Authorization header
    dollars: Callable[[Any], Decimal]  # of the reply's JSON; raises what `balance` catches
    is_admins: bool = False  # another key is asked with, at another address
    lateness: float = 0  # s until what was bought is in it; 0: at once
    has_queue: bool = False  # what was sent may be done, and billed, much later
    is_prepaid: bool = True  # it falls with every purchase; accounts with an invoice need not


def _of_stability(told: Any) -> Decimal:
    """{"credits": 12.5}"""
    return _number(told["credits"]) * _CREDIT


def _of_fal(told: Any) -> Decimal:
    """{"username": "…", "credits": {"current_balance": 24.5, "currency": "USD"}}"""
    if told["credits"]["currency"] != "USD":
        raise ValueError("not in dollars, and what was bought is")
    return _number(told["credits"]["current_balance"])


_TELLING: Mapping[str, _Telling] = {
    "stability": _Telling("/v1/user/balance", "Bearer", _of_stability),
    # fal.ai/docs/platform-apis/v1/account/billing (2026-11-26), which does not say how soon a call
    # is in it: ten minutes are assumed. Requests wait in a queue beyond the account's concurrency,
    # and only what has run is billed (fal.ai/docs/model-apis/faq).
    "fal": _Telling(
        "/account/billing?expand=credits",
        "Key",
        _of_fal,
        is_admins=True,
        lateness=600,
        has_queue=True,
        is_prepaid=False,
    ),
}


def is_told(account: Account) -> bool:
    """Whether its balance can be asked for."""
    telling = _TELLING.get(account.provider)
    return telling is not None and (account.admin is not None or not telling.is_admins)


def is_prompt(account: Account) -> bool:
    """Whether a call is in the balance as soon as it is done. Of an account that tells one."""
    return not lateness(account)


def lateness(account: Account) -> float:
    """s until a call that is done is in the balance, at most. Of an account that tells one."""
    return _TELLING[account.provider].lateness


def has_queue(account: Account) -> bool:
    """Whether a call that was sent may be done, and billed, much later. Of an account that tells
    its balance."""
    return _TELLING[account.provider].has_queue


def is_prepaid(account: Account) -> bool:
    """Whether its balance surely falls with every purchase. Of an account that tells one."""
    return _TELLING[account.provider].is_prepaid


def balance_setting(provider: str) -> str | None:
    """The setting with the key that may read a provider's balance; None if it tells none."""
    telling = _TELLING.get(provider)
    if telling is None:
        return None
    return f"{PREFIX}{provider}_{'admin_' if telling.is_admins else ''}api_key".upper()


def missing_setting(account: Account) -> str | None:
    """What has to be set for its balance to be told; None if it is told, or cannot be."""
    return None if is_told(account) else balance_setting(account.provider)


async def balance(account: Account, client: httpx.AsyncClient) -> Decimal:
    """US$ that are left; less than 0 if more was bought. Of an account that tells it.

    Raises BalanceRefused for a key that may not read it, and ProviderAway.
    """
    telling = _TELLING[account.provider]
    asked = account.admin if telling.is_admins and account.admin else account
    headers = {"authorization": f"{telling.scheme} {asked.key.get_secret_value()}"}
    try:
        response = await client.get(f"{asked.url}{telling.path}", headers=headers, timeout=10)
        if response.status_code in (_UNAUTHORIZED, _FORBIDDEN):
            raise _refused(account, response.status_code)
        response.raise_for_status()
        return telling.dollars(response.json(parse_float=Decimal))
    except (
        httpx.HTTPError,
        httpx.InvalidURL,
        ValueError,
        LookupError,
        TypeError,
        ArithmeticError,
    ) as error:
        # not `from error`: of a header that cannot be sent, it tells the value
        raise ProviderAway(
            rule="provider.balance",
            says=f"{account.provider} did not tell its balance ({type(error).__name__}).",
        ) from None


def meant(difference: Decimal) -> Decimal:
    """The difference of two balances, without what is only the inexactness of floats."""
    return difference.quantize(_MEANT)


def _refused(account: Account, status: int) -> BalanceRefused:
    setting = balance_setting(account.provider)
    scope = " with admin scope" if _TELLING[account.provider].is_admins else ""
    return BalanceRefused(
        rule="provider.balance_key",
        says=f"{account.provider} does not tell its balance to the key in {setting} "
        f"(HTTP {status}); that must be a valid key of the account{scope}.",
        fix=f"Mend {setting}, and start this service again.",
    )


def _number(told: Any) -> Decimal:
    """Of a JSON number, or of one that was sent as a string. ArithmeticError if it is none."""
    number = Decimal(str(told))
    if not number.is_finite():
        raise ArithmeticError("not a number")
    return number
