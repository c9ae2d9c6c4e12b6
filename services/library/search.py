"""Search: lists of assets, page by page.

Pages are by key, not by offset: a cursor names the last asset that was shown, so inserts and
deletions neither repeat nor skip any.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from services.library.asset import words
from studio.metadata import Collection, Document
from studio.problems import Refused
from studio.v1 import library_pb2

_SORTS = {
    "created_at": "created_at",
    "updated_at": "updated_at",
    "bytes": "bytes",
    "cost": "cost_nano",
    "title": "title",
}
_DEFAULT_SORT = "-created_at"
_DEFAULT_LIMIT, _MAX_LIMIT = 50, 200


async def page(
    assets: Collection, request: library_pb2.ListAssetsRequest
) -> tuple[list[Document], str]:
    """One page of rows, and the cursor of the next ("" if this was the last)."""
    sort = request.sort or _DEFAULT_SORT
    key, direction = _order(sort)
    limit = min(request.limit or _DEFAULT_LIMIT, _MAX_LIMIT)
    filter_ = filter_of(request)
    if request.cursor:
        after, id_ = _opened(request.cursor, sort)
        beyond = "$gt" if direction > 0 else "$lt"
        filter_ = {
            "$and": [
                filter_,
                {"$or": [{key: {beyond: after}}, {key: after, "_id": {beyond: id_}}]},
            ]
        }
    rows = await assets.find(filter_, sort=[(key, direction), ("_id", direction)], limit=limit + 1)
    if len(rows) <= limit:
        return rows, ""
    last = rows[limit - 1]
    return rows[:limit], _sealed(last[key], last["_id"], sort)


def filter_of(request: library_pb2.ListAssetsRequest) -> Document:
    """What a request asks for, as a query; always within one workspace."""
    filter_: Document = {"workspace": request.workspace}
    for name in ("run", "workflow", "operation", "provider", "blob", "media_type", "label"):
        if getattr(request, name):
            filter_[name] = getattr(request, name)
    if request.collection:
        filter_["collections"] = request.collection
    if request.parent:
        filter_["parents"] = request.parent
    if request.tags:
        filter_["tags"] = {"$in": list(request.tags)}
    if request.HasField("favourite"):
        filter_["favourite"] = request.favourite
    if wanted := words([request.query]):
        filter_["words"] = {"$all": wanted}
    created: Document = {}
    if request.HasField("created_from"):
        created["$gte"] = request.created_from.ToDatetime(UTC)
    if request.HasField("created_to"):
        created["$lt"] = request.created_to.ToDatetime(UTC)
    return filter_ | ({"created_at": created} if created else {})


def _order(sort: str) -> tuple[str, int]:
    key = _SORTS.get(sort.removeprefix("-"))
    if key is None:
        raise Refused(
            rule="library.sort",
            says=f"Assets cannot be sorted by {sort!r}.",
            fix='Use one of the valid keys, with "-" before it for descending order.',
            valid=sorted(_SORTS),
        )
    return key, -1 if sort.startswith("-") else 1


def _sealed(value: Any, id_: str, sort: str) -> str:
    shown = {"at": value.isoformat()} if isinstance(value, datetime) else {"value": value}
    text = json.dumps({**shown, "id": id_, "sort": sort}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def _opened(cursor: str, sort: str) -> tuple[Any, str]:
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if told["sort"] != sort:
            raise ValueError("another order")
        value = datetime.fromisoformat(told["at"]) if "at" in told else told["value"]
        return value, str(told["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(
            rule="library.cursor",
            says="The cursor is not one that this list gave, or the order was changed.",
            fix="Start again without a cursor.",
        ) from error
