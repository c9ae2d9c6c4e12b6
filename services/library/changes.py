"""Changes: the same said of many assets at once, or many deleted.

Nothing is all or nothing here: every asset is changed by itself, as a change of one would, and the
answer tells of each what became of it. So a request that was cut off, or failed half-way, is simply
made again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.library.search import plans
from services.library.store import AssetStore
from studio.metadata import Document
from studio.problems import Refused, StoreAway, StudioError
from studio.v1 import library_pb2 as pb

#: Assets of one request.
MOST = 1000

_TOGETHER = 20  # assets changed side by side

#: Changes one asset, by id, and says what became of it.
Change = Callable[[str], Awaitable[str]]


async def each(ids: list[str], change: Change) -> pb.ChangeAssetsResponse:
    """Change every asset once. Unavailable if the store goes away: then ask again."""
    told: list[pb.AssetChange] = []
    for first in range(0, len(ids), _TOGETHER):
        some = (_changed(id_, change) for id_ in ids[first : first + _TOGETHER])
        told += await asyncio.gather(*some)
    return pb.ChangeAssetsResponse(assets=told)


async def chosen(assets: AssetStore, request: pb.ChangeAssetsRequest) -> list[str]:
    """The ids that a request means, each once: those it names, or those that match, the oldest
    first. Refused if it means none at all, both kinds, or more than MOST."""
    named = list(dict.fromkeys(request.ids))
    if bool(named) == _says_something(request.filters):
        raise Refused(
            rule="library.which_assets",
            says="Which assets are meant must be said by ids or by filters, and by one of them.",
            fix="Give ids, or at least one filter; no filter at all would mean the whole library.",
        )
    found = named or await _matching(assets, request)
    if len(found) > MOST:
        raise Refused(
            rule="library.too_many_assets",
            says=f"More than {MOST:,} assets are meant; one request changes no more.",
            fix="Ask for parts, such as one run, one collection or one day at a time.",
        )
    return found


async def _changed(id_: str, change: Change) -> pb.AssetChange:
    try:
        return pb.AssetChange(id=id_, outcome=await change(id_))
    except StoreAway:
        raise  # the others would fail alike
    except StudioError as error:
        problem = error.as_problem().model_dump_json()
        return pb.AssetChange(id=id_, outcome="failed", problem=problem)


async def _matching(assets: AssetStore, request: pb.ChangeAssetsRequest) -> list[str]:
    wanted = pb.ListAssetsRequest()
    wanted.CopyFrom(request.filters)
    wanted.workspace, wanted.cursor, wanted.sort = request.workspace, "", "created_at"
    [plan] = plans(wanted)
    only_ids: list[Document] = [*plan.pipeline(MOST + 1), {"$project": {"_id": 1}}]
    return [row["_id"] for row in await assets.rows.aggregate(only_ids)]


def _says_something(filters: pb.ListAssetsRequest) -> bool:
    """Whether they narrow the library at all."""
    wanted = pb.ListAssetsRequest()
    wanted.CopyFrom(filters)
    wanted.cursor, wanted.sort = "", ""
    return all(plan.rest for plan in plans(wanted))
