"""Metadata: documents in MongoDB, one database per service.

The one module that knows motor. What services use is small on purpose: documents by id,
compare-and-set, and queries that a declared index serves. Works on MongoDB and on servers that
speak its wire protocol.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import IndexModel
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    ServerSelectionTimeoutError,
)

from studio.problems import Conflict, StoreAway
from studio.settings import Misconfigured

Document = dict[str, Any]
Filter = Mapping[str, Any]
Sort = Sequence[tuple[str, int]]

#: Long enough for a fail-over's election to begin, short enough that callers learn of trouble.
_SELECTION_MS = 5_000


class AlreadyThere(Conflict):
    """A document with this id, or with these unique values, exists."""


_DUPLICATE = 11000  # MongoDB's error code for a key that is taken
_NOT_LET_IN = {13, 18}  # Unauthorized, AuthenticationFailed


@dataclass(frozen=True, slots=True)
class Index:
    """An index, declared beside the queries that need it."""

    collection: str
    keys: tuple[tuple[str, int], ...]
    unique: bool = False
    expire_after: int | None = None  # s after the (date) key


@contextmanager
def _explained() -> Iterator[None]:
    """Driver errors become ours."""
    try:
        yield
    except DuplicateKeyError as error:
        raise AlreadyThere(rule="metadata.duplicate", says="It is already there.") from error
    except (
        ServerSelectionTimeoutError,
        NetworkTimeout,
        AutoReconnect,
        ConnectionFailure,
        ExecutionTimeout,
    ) as error:
        raise StoreAway(
            rule="metadata.unavailable",
            says="The metadata store (MongoDB) does not answer.",
            fix="Nothing, if it is restarting; the work goes on when it is back.",
            retry_after=2,
        ) from error
    except OperationFailure as error:
        if error.code not in _NOT_LET_IN:
            raise
        raise StoreAway(
            rule="metadata.credentials",
            says="The metadata store (MongoDB) refuses the user, the password or the rights of "
            "STUDIO_MONGO_URL.",
            fix="Correct the secret and restart, or create that user with these rights.",
            retry_after=5,
        ) from error


class Collection:
    """Documents of one kind. Every method may raise Unavailable."""

    def __init__(self, motor_collection: Any) -> None:
        self._collection = motor_collection

    async def insert(self, document: Document) -> None:
        """Insert; AlreadyThere if the id or a unique value is taken."""
        with _explained():
            await self._collection.insert_one(document)

    async def insert_many(self, documents: Sequence[Document]) -> int:
        """Insert what is not there yet; returns how many were."""
        if not documents:
            return 0
        with _explained():
            try:
                result = await self._collection.insert_many(list(documents), ordered=False)
            except BulkWriteError as error:
                told = error.details or {}
                if any(one["code"] != _DUPLICATE for one in told["writeErrors"]):
                    raise
                return int(told["nInserted"])
            return len(result.inserted_ids)

    async def get(self, id_: str) -> Document | None:
        """The document with this id."""
        with _explained():
            found: Document | None = await self._collection.find_one({"_id": id_})
            return found

    async def find(
        self,
        filter_: Filter,
        *,
        sort: Sort = (),
        limit: int = 0,
        projection: Sequence[str] | None = None,
    ) -> list[Document]:
        """The documents that match, at most `limit` (0: all)."""
        with _explained():
            cursor = self._collection.find(dict(filter_), projection=projection, limit=limit)
            if sort:
                cursor = cursor.sort(list(sort))
            found: list[Document] = await cursor.to_list(length=None)
            return found

    async def each(self, filter_: Filter, *, sort: Sort = ()) -> AsyncIterator[Document]:
        """Every document that matches, fetched in batches."""
        with _explained():
            cursor = self._collection.find(dict(filter_))
            async for document in cursor.sort(list(sort)) if sort else cursor:
                yield document

    async def update_one(self, filter_: Filter, update: Filter) -> bool:
        """Change the one document that matches; False if none did. With conditions beside the
        id this is a compare-and-set."""
        with _explained():
            result = await self._collection.update_one(dict(filter_), dict(update))
            return bool(result.matched_count)

    async def update_many(self, filter_: Filter, update: Filter) -> int:
        """Change all that match; returns how many did."""
        with _explained():
            result = await self._collection.update_many(dict(filter_), dict(update))
            return int(result.matched_count)

    async def find_and_update(self, id_: str, update: Filter, **conditions: Any) -> Document | None:
        """Change the document with this id and return it as it is then; None if not there, or
        if a condition does not hold."""
        with _explained():
            found: Document | None = await self._collection.find_one_and_update(
                {"_id": id_, **conditions}, dict(update), return_document=True
            )
            return found

    async def upsert(self, id_: str, fields: Filter, *, on_insert: Filter | None = None) -> bool:
        """Set fields, creating the document if needed (then also `on_insert`); True if created."""
        update: Document = {}
        if fields:
            update["$set"] = dict(fields)
        if on_insert:
            update["$setOnInsert"] = dict(on_insert)
        with _explained():
            result = await self._collection.update_one({"_id": id_}, update, upsert=True)
            return result.upserted_id is not None

    async def delete_one(self, filter_: Filter) -> bool:
        """Delete the one document that matches; False if none did."""
        with _explained():
            return bool((await self._collection.delete_one(dict(filter_))).deleted_count)

    async def delete_many(self, filter_: Filter) -> int:
        """Delete all that match; returns how many."""
        with _explained():
            return int((await self._collection.delete_many(dict(filter_))).deleted_count)

    async def count(self, filter_: Filter, *, limit: int = 0) -> int:
        """How many match (counting stops at `limit`, if one is given)."""
        with _explained():
            options = {"limit": limit} if limit else {}
            return int(await self._collection.count_documents(dict(filter_), **options))

    async def aggregate(self, pipeline: Sequence[Filter]) -> list[Document]:
        """Run an aggregation."""
        with _explained():
            cursor = self._collection.aggregate([dict(stage) for stage in pipeline])
            found: list[Document] = await cursor.to_list(length=None)
            return found

    async def explain(self, filter_: Filter, *, sort: Sort = ()) -> Document:
        """The winning plan of a query; tests prove with it that an index is used."""
        with _explained():
            cursor = self._collection.find(dict(filter_))
            plan: Document = await (cursor.sort(list(sort)) if sort else cursor).explain()
            return plan


class Database:
    """One service's documents."""

    def __init__(self, motor_database: Any) -> None:
        self._database = motor_database

    @property
    def name(self) -> str:
        """The database's name."""
        return str(self._database.name)

    def collection(self, name: str) -> Collection:
        """A collection; it exists once something is in it."""
        return Collection(self._database[name])

    async def ensure_indexes(self, indexes: Iterable[Index]) -> None:
        """Create the declared indexes that are missing."""
        for index in indexes:
            options: Document = {"unique": True} if index.unique else {}
            if index.expire_after is not None:
                options["expireAfterSeconds"] = index.expire_after
            with _explained():
                model = IndexModel(list(index.keys), **options)
                await self._database[index.collection].create_indexes([model])

    async def drop(self) -> None:
        """Delete the database with all that is in it."""
        with _explained():
            await self._database.client.drop_database(self._database.name)

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers now."""
        with _explained():
            await self._database.command("ping")


class Metadata:
    """A connection to the server; hands out databases."""

    def __init__(self, url: str) -> None:
        """Misconfigured if the URL is none; nothing is connected before it is needed."""
        try:
            self._client: Any = AsyncIOMotorClient(
                url,
                tz_aware=True,
                uuidRepresentation="standard",
                serverSelectionTimeoutMS=_SELECTION_MS,
                connectTimeoutMS=_SELECTION_MS,
                socketTimeoutMS=30_000,
                appname="image-studio",
            )
        except (ConfigurationError, ValueError) as error:  # its text may repeat the password
            raise Misconfigured(
                "STUDIO_MONGO_URL",
                f"it is no address of a MongoDB ({type(error).__name__}); what is special in a "
                "password must be percent-encoded.",
            ) from None

    def database(self, name: str) -> Database:
        """The database of that name."""
        return Database(self._client[name])

    async def close(self) -> None:
        """Close all connections."""
        self._client.close()
