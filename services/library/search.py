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
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel, ConfigDict, ValidationError

from services.library.terms import fact, words
from studio.metadata import Collection, Document, Index
from studio.problems import Refused
from studio.v1 import library_pb2

_SORTS = {
    "created_at": ("created_at", datetime),
    "updated_at": ("updated_at", datetime),
    "bytes": ("bytes", int),
    "cost": ("cost_nano", int),
    "title": ("title_folded", str),
}
_DEFAULT_SORT = "-created_at"
_DEFAULT_LIMIT, _MAX_LIMIT = 50, 200

#: The most telling facts first; words come after the first four, the rest are broad.
_TELLING = ("parent", "blob", "run", "label")
_BROAD = ("collection", "workflow", "operation", "provider", "media_type")

INDEXES = tuple(
    Index("assets", (("workspace", 1), (key, 1), ("_id", 1))) for key, _ in _SORTS.values()
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A query in two parts: what the index serves, and what remains to be checked."""

    path: Document
    rest: Document
    sort: tuple[tuple[str, int], ...]

    def pipeline(self, limit: int) -> list[Document]:
        """The aggregation that answers it; terms are for finding, not for showing."""
        checks = [{"$match": self.rest}] if self.rest else []
        order, shown = {"$sort": dict(self.sort)}, {"$project": {"terms": 0}}
        return [{"$match": self.path}, *checks, order, {"$limit": limit}, shown]


class Cursor(BaseModel):
    """The last asset that was shown, and in which order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sort: str
    value: datetime | int | str
    id: str

    def sealed(self) -> str:
        """As text that means nothing to anybody else."""
        return base64.urlsafe_b64encode(self.model_dump_json().encode()).decode()

    @classmethod
    def opened(cls, text: str, sort: str) -> Cursor:
        """Refused unless it is a cursor of a list in this order."""
        kind = _SORTS[sort.removeprefix("-")][1]
        try:
            cursor = cls.model_validate_json(base64.urlsafe_b64decode(text.encode()))
            if cursor.sort == sort and isinstance(cursor.value, kind) and _fits(cursor.value):
                return cursor
        except (ValueError, ValidationError):
            pass  # told below
        raise Refused(
            rule="library.cursor",
            says="The cursor is not one that this list gave, or the order was changed.",
            fix="Start again without a cursor.",
        )


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
    last = rows[limit - 1]
    key, _ = _order(sort)
    return rows[:limit], Cursor(sort=sort, value=last[key], id=last["_id"]).sealed()


def plans(request: library_pb2.ListAssetsRequest) -> list[Plan]:
    """The queries whose answers, one after the other, are the page.

    After a cursor there are two: the rest of those that share its key, then those beyond it.
    One query with `$or` would say the same, and no index would serve it.
    """
    sort = request.sort or _DEFAULT_SORT
    key, direction = _order(sort)
    if not request.cursor:
        return [_plan(request, key, direction, {})]
    cursor = Cursor.opened(request.cursor, sort)
    beyond = "$gt" if direction > 0 else "$lt"
    same = {key: cursor.value, "_id": {beyond: cursor.id}}
    spans: tuple[Document, ...] = (same, {key: {beyond: cursor.value}})
    return [_plan(request, key, direction, span) for span in spans]


def _plan(
    request: library_pb2.ListAssetsRequest, key: str, direction: int, span: Document
) -> Plan:
    terms, any_tag, created = _terms(request), _any_tag(request), _created(request)
    path: Document = {"workspace": request.workspace}
    rest: list[Document] = []
    if terms or any_tag:
        path["terms"] = terms[0] if terms else any_tag
        rest += [{"terms": {"$all": terms[1:]}}] if terms[1:] else []
        rest += [{"terms": any_tag}] if terms and any_tag else []
    # Behind the path's first keys the index goes on with one more: the order's, or the time.
    if key == "created_at":
        path |= _narrowed(created, span)
        rest += [{"created_at": created}] if created and span else []
    elif "terms" in path:
        path |= {"created_at": created} if created else {}
        rest += [span] if span else []
    else:
        path |= span
        rest += [{"created_at": created}] if created else []
    sort = ((key, direction), ("_id", direction))
    return Plan(path, {"$and": rest} if rest else {}, sort)


def _narrowed(created: Document, span: Document) -> Document:
    """The span of a cursor within the asked time; the same bound twice would be none at all."""
    beyond = span.get("created_at")
    if not created or (span and not isinstance(beyond, dict)):
        return span
    if not span:
        return {"created_at": created}
    other = "$gte" if "$lt" in beyond else "$lt"
    return {"created_at": {**beyond, **{op: at for op, at in created.items() if op == other}}}


def _terms(request: library_pb2.ListAssetsRequest) -> list[str]:
    """Every term that must be there, the most telling first."""
    telling = [fact(name, getattr(request, name)) for name in _TELLING if getattr(request, name)]
    broad = [fact(name, getattr(request, name)) for name in _BROAD if getattr(request, name)]
    if request.HasField("favourite"):
        broad.append(fact("favourite", request.favourite))
    long_first = sorted(set(words([request.query])), key=lambda word: (-len(word), word))
    return [*telling, *long_first, *broad]


def _any_tag(request: library_pb2.ListAssetsRequest) -> Document:
    return {"$in": [fact("tag", tag) for tag in request.tags]} if request.tags else {}


def _created(request: library_pb2.ListAssetsRequest) -> Document:
    bounds: Document = {}
    if request.HasField("created_from"):
        bounds["$gte"] = _time(request.created_from)
    if request.HasField("created_to"):
        bounds["$lt"] = _time(request.created_to)
    return bounds


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


def _fits(value: Any) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63
