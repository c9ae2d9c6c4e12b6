"""Lineage: what an asset was made from, and what was made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from services.library.terms import fact
from studio.metadata import Collection, Document

#: One answer holds no more assets than this in each direction; nearest first, so the far are cut.
MAX_RELATIVES = 1000

Generation = Callable[[list[Document]], Awaitable[list[Document]]]


async def ancestors(assets: Collection, row: Document, depth: int) -> list[Document]:
    """The assets that it was made from, generation by generation, at most `depth` of them.

    Parents that were deleted, or that belong to another workspace, are left out.
    """

    async def parents(children: list[Document]) -> list[Document]:
        ids = _distinct(parent for child in children for parent in child["parents"])
        rows = await assets.find({"_id": {"$in": ids}})
        return [one for one in rows if one["workspace"] == row["workspace"]]

    return await _generations(row, depth, parents)


async def descendants(assets: Collection, row: Document, depth: int) -> list[Document]:
    """The assets that were made from it, generation by generation, at most `depth` of them."""

    async def children(parents: list[Document]) -> list[Document]:
        wanted = [fact("parent", parent["_id"]) for parent in parents]
        return await assets.find({"workspace": row["workspace"], "terms": {"$in": wanted}})

    return await _generations(row, depth, children)


async def _generations(row: Document, depth: int, next_: Generation) -> list[Document]:
    """Breadth first. Outsiders name parents, so circles are possible; nobody is met twice."""
    met = {row["_id"]: row}
    generation = [row]
    for _ in range(depth):
        found = await next_(generation)
        generation = [one for one in found if one["_id"] not in met]
        generation.sort(key=lambda one: (one["created_at"], one["_id"]))
        met |= {one["_id"]: one for one in generation}
        if not generation or len(met) > MAX_RELATIVES:
            break
    return list(met.values())[1 : MAX_RELATIVES + 1]


def _distinct(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))
