"""Usage: what a workspace's library holds and what it cost, added up by the database.

Downloads are counted where files are handed out, shares as whoever published a picture tells
(POST /v1/assets/{asset}/shares): nothing here hears of them by itself.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from services.library.search import plans
from studio.metadata import Collection, Document
from studio.money import Money
from studio.rpc import money_to
from studio.v1 import library_pb2 as pb

#: What made an image that no studio made.
OUTSIDE = "outside"


async def usage(assets: Collection, request: pb.GetUsageRequest) -> pb.Usage:
    """Exact totals of the assets that match: costs are summed as whole billionths (`asset.nano`),
    currency by currency. An asset in several collections counts in each."""
    groups = await assets.aggregate(
        [
            *_matching(request),
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
                    "shares": {"$sum": "$shares"},
                    "favourites": {"$sum": {"$cond": ["$favourite", 1, 0]}},
                }
            },
        ]
    )
    told = pb.Usage(
        **{
            name: sum(one[name] for one in groups)
            for name in ("assets", "bytes", "favourites", "downloads", "shares")
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


def _matching(request: pb.GetUsageRequest) -> list[Document]:
    """The stages that let pass what the request names: those of the list with these filters."""
    given = {field.name: value for field, value in request.ListFields()}
    [plan] = plans(pb.ListAssetsRequest(**given))
    return plan.matching()


def _money(nano: int, currency: str) -> Money:
    return Money.of(Decimal(nano).scaleb(-9), currency)
