"""Explaining: which of the calls in doubt were billed, if so much is missing from the balance.

A sum over subsets. It is kept exact, in whole steps: the greatest amount that divides all that may
have been billed, of millionths of a dollar. Each set of sums is the bits of one integer, so that
a call more is a shift and an "or" for each amount that it may have cost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

_MILLION = 1_000_000
#: Calls times steps that are looked through: 12 MB of bits. Forty calls whose amounts are whole
#: thousandths of a dollar may have cost 2,500 dollars together.
_MOST = 100_000_000


def explaining(missing: Decimal, calls: Sequence[Sequence[Decimal]]) -> list[Decimal] | None:
    """What each call was billed, 0 or one of its amounts, so that all together are what is missing;
    None if nothing explains it, or the sums are too many to look through.

    missing: US$. calls: of each, the US$ that it may have cost, the likeliest first; of several
    answers, the calls that come first were billed, and with the amount that comes first.
    """
    wanted = _units(missing)
    units = [[unit for one in amounts if 0 < (unit := _units(one)) <= wanted] for amounts in calls]
    step = math.gcd(*(unit for amounts in units for unit in amounts)) or 1
    dearest = sum(max(amounts, default=0) for amounts in units)
    if wanted % step or not 0 <= wanted <= dearest or len(calls) * (wanted // step) > _MOST:
        return None
    steps, left = [[unit // step for unit in amounts] for amounts in units], wanted // step
    reached = _sums(steps, left)
    if not _has(reached[-1], left):
        return None
    billed = []
    for amounts, before in zip(reversed(steps), reversed(reached[:-1]), strict=True):
        amount = next(one for one in (0, *amounts) if _has(before, left - one))
        billed.append(Decimal(amount * step) / _MILLION)
        left -= amount
    return billed[::-1]


def _sums(calls: Sequence[Sequence[int]], most: int) -> list[int]:
    """The sums up to `most` that are reached with no call, the first one, the first two …; bit n of
    each is set if n is among them."""
    reached, known = [1], (1 << (most + 1)) - 1
    for amounts in calls:
        before = now = reached[-1]
        for one in amounts:
            now |= before << one
        reached.append(now & known)
    return reached


def _has(sums: int, one: int) -> bool:
    return one >= 0 and bool(sums >> one & 1)


def _units(dollars: Decimal) -> int:
    return round(dollars * _MILLION)
