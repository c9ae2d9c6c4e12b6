"""Search: lists of assets, page by page.

Pages are by key, not by offset: a cursor names the last asset that was shown, so inserts and
deletions neither repeat nor skip any.

Every page is read along one declared index: the most telling term, or else the order itself.
The rest of the query is a second `$match`. MongoDB makes one of the two; on servers that use an
index only when it covers the whole of the first, this is what makes them use it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import Field, TypeAdapter, ValidationError

from services.library.terms import fact, words
from studio.metadata import Collection, Document, Index
from studio.problems import Refused
from studio.v1 import library_pb2

_Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]

#: What lists can be sorted by: the field, and what a cursor keeps of it: order, key, id.
_SORTS: dict[str, tuple[str, TypeAdapter[tuple[str, Any, str]]]] = {
    "created_at": ("created_at", TypeAdapter(tuple[str, datetime, str])),
    "updated_at": ("updated_at", TypeAdapter(tuple[str, datetime, str])),
    "bytes": ("bytes", TypeAdapter(tuple[str, _Int64, str])),
    "cost": ("cost_nano", TypeAdapter(tuple[str, _Int64, str])),
    "downloads": ("downloads", TypeAdapter(tuple[str, _Int64, str])),
    "shares": ("shares", TypeAdapter(tuple[str, _Int64, str])),
    "title": ("title_folded", TypeAdapter(tuple[str, str, str])),
}
_DEFAULT_SORT = "-created_at"
_DEFAULT_LIMIT, _MAX_LIMIT = 50, 200

#: The most telling facts first; words come after the first four, the rest are broad.
_TELLING = ("parent", "blob", "run", "label")
_BROAD = ("collection", "workflow", "operation", "provider", "media_type", "review")
_STATES = ("needs_review", "favourite", "reviewed")

INDEXES = tuple(
    Index("assets", (("workspace", 1), (key, 1), ("_id", 1))) for key, _ in _SORTS.values()
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A query in two parts: what the index serves, and what remains to be checked."""

    path: Document
    rest: Document
    sort: tuple[tuple[str, int], ...]

    def matching(self) -> list[Document]:
        """The stages of an aggregation that let pass what matches."""
        checks = [{"$match": self.rest}] if self.rest else []
        return [{"$match": self.path}, *checks]

    def pipeline(self, limit: int) -> list[Document]:
        """The aggregation that answers it; terms are for finding, not for showing."""
        order, shown = {"$sort": dict(self.sort)}, {"$project": {"terms": 0}}
        return [*self.matching(), order, {"$limit": limit}, shown]


async def page(
    assets: Collection, request: library_pb2.ListAssetsRequest
) -> tuple[list[Document], str]:
    """One page of rows, and the cursor of the next ("" if this was the last)."""
    sort = request.sort or _DEFAULT_SORT
    limit = min(request.limit or _DEFAULT_LIMIT, _MAX_LIMIT)
    rows: list[Document] = []
    for plan in plans(request):
        if len(rows) <= limit:  # one more than is shown tells whether there is another page
            rows += await assets.aggregate(plan.pipeline(limit + 1 - len(rows)))
    if len(rows) <= limit:
        return rows, ""
    return rows[:limit], _sealed(sort, rows[limit - 1])


def plans(request: library_pb2.ListAssetsRequest) -> list[Plan]:
    """The queries whose answers, one after the other, are the page.

    After a cursor there are two: the rest of those that share its key, then those beyond it.
    One query with `$or` would say the same, and no index would serve it.
    """
    sort = request.sort or _DEFAULT_SORT
    key, direction = _order(sort)
    if not request.cursor:
        return [_plan(request, key, direction, {})]
    value, id_ = _opened(request.cursor, sort)
    beyond = "$gt" if direction > 0 else "$lt"
    spans: tuple[Document, ...] = ({key: value, "_id": {beyond: id_}}, {key: {beyond: value}})
    return [_plan(request, key, direction, span) for span in spans]


def _plan(request: library_pb2.ListAssetsRequest, key: str, direction: int, span: Document) -> Plan:
    """The whole query is in `rest`; `path` repeats as much of it as one index covers."""
    terms, any_tag, created = _terms(request), _any_tag(request), _created(request)
    parts = ({"terms": {"$all": terms}} if terms else {}, any_tag, created, span)
    path: Document = {"workspace": request.workspace}
    if any_tag and not terms:
        path |= any_tag  # several places in the index: it cannot go on with another key
    else:
        path |= {"terms": terms[0]} if terms else {}
        next_key = "created_at" if terms else key
        if span and next_key == key:
            path |= span
        elif next_key == "created_at":
            path |= created
    rest = [part for part in parts if part]
    return Plan(path, {"$and": rest} if rest else {}, ((key, direction), ("_id", direction)))


def _terms(request: library_pb2.ListAssetsRequest) -> list[str]:
    """Every term that must be there, the most telling first. Refused (library.query)."""
    if request.query.strip() and not words([request.query]):
        raise Refused(
            rule="library.query",
            says="The query has neither a letter nor a digit.",
            fix="Search for words, or leave the query out.",
        )
    telling = [fact(name, getattr(request, name)) for name in _TELLING if getattr(request, name)]
    broad = [fact(name, getattr(request, name)) for name in _BROAD if getattr(request, name)]
    if len(request.tags) == 1:
        broad.append(fact("tag", request.tags[0]))
    broad += [fact(name, getattr(request, name)) for name in _STATES if request.HasField(name)]
    long_first = sorted(set(words([request.query])), key=lambda word: (-len(word), word))
    return [*telling, *long_first, *broad]


def _any_tag(request: library_pb2.ListAssetsRequest) -> Document:
    tags = [fact("tag", tag) for tag in request.tags]
    return {"terms": {"$in": tags}} if len(tags) > 1 else {}


def _created(request: library_pb2.ListAssetsRequest) -> Document:
    bounds: Document = {}
    if request.HasField("created_from"):
        bounds["$gte"] = _time(request.created_from)
    if request.HasField("created_to"):
        bounds["$lt"] = _time(request.created_to)
    return {"created_at": bounds} if bounds else {}


def _time(stamp: Timestamp) -> datetime:
    try:
        return stamp.ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise Refused(
            rule="library.time", says="A time is outside the years 1 to 9999.", fix="Correct it."
        ) from error


def _order(sort: str) -> tuple[str, int]:
    known = _SORTS.get(sort.removeprefix("-"))
    if known is None:
        raise Refused(
            rule="library.sort",
            says=f"Assets cannot be sorted by {sort[:40]!r}.",
            fix='Use one of the valid keys, with "-" before it for descending order.',
            valid=sorted(_SORTS),
        )
    return known[0], -1 if sort.startswith("-") else 1


def _sealed(sort: str, last: Document) -> str:
    """A cursor: where a list in this order stopped, as text that means nothing to others."""
    key, form = _SORTS[sort.removeprefix("-")]
    return base64.urlsafe_b64encode(form.dump_json((sort, last[key], last["_id"]))).decode()


def _opened(cursor: str, sort: str) -> tuple[Any, str]:
    """The key and the id of the last asset that was shown."""
    _, form = _SORTS[sort.removeprefix("-")]
    try:
        its_sort, value, id_ = form.validate_json(base64.urlsafe_b64decode(cursor), strict=True)
        if its_sort == sort:
            return value, id_
    except (ValueError, ValidationError):
        pass  # told below
    raise Refused(
        rule="library.cursor",
        says="The cursor is not one that this list gave, or the order was changed.",
        fix="Start again without a cursor.",
    )
