"""Collections: named sets of assets; an asset can be in any number of them."""

from __future__ import annotations

from datetime import UTC, datetime

from studio.metadata import Database, Document, Index
from studio.slip import derived


class Collections:
    """The names and descriptions; which assets are in one, the assets themselves know."""

    indexes = (Index("collections", (("workspace", 1), ("name", 1)), unique=True),)

    def __init__(self, database: Database) -> None:
        self._rows = database.collection("collections")

    async def ensure(self, workspace: str, name: str) -> None:
        """Make it unless it is there."""
        await self._rows.upsert(
            _id(workspace, name), {}, on_insert={**_new(workspace, name), "description": ""}
        )

    async def put(self, workspace: str, name: str, description: str) -> Document:
        """Make it, or describe it anew."""
        id_, new = _id(workspace, name), _new(workspace, name)
        await self._rows.upsert(id_, {"description": description}, on_insert=new)
        return await self._rows.get(id_) or {**new, "description": description}

    async def all(self, workspace: str) -> list[Document]:
        """All of a workspace, by name."""
        return await self._rows.find({"workspace": workspace}, sort=[("name", 1)])

    async def delete(self, workspace: str, name: str) -> bool:
        """Forget the collection; False if there was none."""
        return await self._rows.delete_one({"_id": _id(workspace, name)})


def _id(workspace: str, name: str) -> str:
    return str(derived("collection", workspace, name))


def _new(workspace: str, name: str) -> Document:
    return {"workspace": workspace, "name": name, "created_at": datetime.now(UTC)}
