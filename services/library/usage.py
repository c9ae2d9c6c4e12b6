"""Usage: what a workspace's library holds and what it cost, added up by the database."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from studio.metadata import Collection
from studio.money import Money
from studio.rpc import money_to
from studio.v1 import library_pb2 as pb

#: What made an image that no studio made.
OUTSIDE = "outside"


async def usage(assets: Collection, workspace: str) -> pb.Usage:
    """Exact totals: costs are summed as whole billionths (`asset.nano`), currency by currency."""
    groups = await assets.aggregate(
        [
            {"$match": {"workspace": workspace}},
            {
                "$group": {
                    "_id": {
                        "operation": "$operation",
                        "provider": "$provider",
                        "currency": "$currency",
                    },
                    "assets": {"$sum": 1},
                    "bytes": {"$sum": "$bytes"},
                    "cost": {"$sum": "$cost_nano"},
                    "downloads": {"$sum": "$downloads"},
                    "favourites": {"$sum": {"$cond": ["$favourite", 1, 0]}},
                }
            },
        ]
    )
    told = pb.Usage(
        **{
            name: sum(one[name] for one in groups)
            for name in ("assets", "bytes", "favourites", "downloads")
        }
    )
    costs: dict[str, int] = defaultdict(int)
    by_operation: dict[str, int] = defaultdict(int)
    main = Money.zero().currency
    for one in groups:
        operation = one["_id"]["operation"] or OUTSIDE
        currency = one["_id"]["currency"]
        told.assets_by_operation[operation] += one["assets"]
        told.assets_by_provider[one["_id"]["provider"] or OUTSIDE] += one["assets"]
        costs[currency] += one["cost"]
        by_operation[operation] += one["cost"] if currency == main else 0
    told.cost.CopyFrom(money_to(_money(costs[main], main)))
    told.costs.extend(money_to(_money(costs[one], one)) for one in sorted(costs))
    for operation, cost in by_operation.items():
        told.cost_by_operation[operation] = str(_money(cost, main).model_dump()["amount"])
    return told


def _money(nano: int, currency: str) -> Money:
    return Money.of(Decimal(nano).scaleb(-9), currency)
