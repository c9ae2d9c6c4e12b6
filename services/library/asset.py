"""Assets as rows: what is kept of an image, and how it is told over gRPC."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.library.terms import TERMS_VERSION, folded, terms_of, to_review
from studio.events import Event, ImageRef, ItemData
from studio.metadata import Document
from studio.money import Money
from studio.problems import Refused
from studio.rpc import facts_to, money_to, struct
from studio.telemetry import trace_id
from studio.v1 import library_pb2

_INT64 = 2**63
_BLOB = re.compile(r"sha256:[0-9a-f]{64}")
_MAX_DEPTH = 16  # each level of a Struct is three messages, and protobuf stops at a hundred

#: What the row and the contract call the same.
_SAME = (
    "workspace", "blob", "bytes", "thumbnail", "event_type", "source", "run", "item", "workflow",
    "parents", "operation", "step_index", "provider", "label", "notes", "seconds", "trace_id",
    "prompt", "title", "description", "alt_text", "tags", "collections", "favourite", "downloads",
)  # fmt: skip


def row_of(event: Event, data: ItemData, image: ImageRef, thumbnail: str) -> Document:
    """The row of a newly catalogued asset; `image` is what was measured, not what was claimed.

    Refused (library.not_keepable) if no database or no answer could hold what the event says: one
    asset that cannot be told would break every list that it is in.
    """
    about, now = data.about, datetime.now(UTC)
    row: Document = {
        "_id": str(data.asset),
        "workspace": event.workspace,
        "revision": 0,
        **image.model_dump(),
        "thumbnail": thumbnail,
        "event_type": event.type,
        "source": event.source,
        "run": str(data.run),
        "item": str(data.item),
        "workflow": data.workflow or "",
        "parents": [str(parent) for parent in data.parents],
        **_history(data),
        "refers": blobs_named(data.step.params, data.step.details) if data.step else [],
        "trace_id": trace_id(event.traceparent) or "",
        "prompt": about.prompt or "",
        "title": about.title or "",
        "description": about.description or "",
        "alt_text": about.alt_text or "",
        "tags": sorted({tag.strip() for tag in about.tags} - {""}),
        "collections": sorted({(about.collection or "").strip()} - {""}),
        "favourite": False,
        "steps": [],
        "review": "",
        "reviewed_at": None,
        "downloads": 0,
        "recent_downloads": [],
        "shares": 0,
        "recent_shares": [],
        "created_at": now,
        "updated_at": now,
    }
    _check(row)
    return row | derived_fields(row)


def derived_fields(row: Document) -> Document:
    """What follows from the rest of the row, to find and to sort it by, and by which rules."""
    return {
        "terms": terms_of(row),
        "title_folded": folded(row["title"]),
        "terms_version": TERMS_VERSION,
    }


def image_of(row: Document) -> ImageRef:
    """The image of a row."""
    return ImageRef.model_validate({name: row[name] for name in ImageRef.model_fields})


def message_of(row: Document) -> library_pb2.Asset:
    """The row as the contract has it."""
    return library_pb2.Asset(
        id=row["_id"],
        image=facts_to(image_of(row).facts),
        params=struct(row["params"]),
        details=struct(row["details"]),
        quoted=money_to(Money.model_validate(row["quoted"])),
        cost=money_to(Money.model_validate(row["cost"])),
        created_at=moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
        last_downloaded_at=moment(row.get("last_downloaded_at")),
        needs_review=to_review(row),
        review=row.get("review", ""),  # rows of a former release have none, and no shares
        reviewed_at=moment(row.get("reviewed_at")),
        shares=row.get("shares", 0),
        last_shared_at=moment(row.get("last_shared_at")),
        **{name: row[name] for name in _SAME},
    )


def moment(when: datetime | None) -> Timestamp | None:
    """A time for the wire."""
    if when is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(when)
    return stamp


def nano(money: Money) -> int:
    """Billionths of the currency's unit.

    Money has nine decimals at most, so this is exact; databases add integers exactly, decimal
    strings not at all. Below 9.2 billion a currency even the sum fits 64 bits.
    """
    return int(money.amount.scaleb(9))


def blobs_named(*values: Any) -> list[str]:
    """The blobs that a step's parameters and details name: masks, references, logos."""
    found: set[str] = set()
    for value in values:
        if isinstance(value, str) and _BLOB.fullmatch(value):
            found.add(value)
        elif isinstance(value, Mapping):
            found.update(blobs_named(*value.values()))
        elif isinstance(value, list | tuple):
            found.update(blobs_named(*value))
    return sorted(found)


def _history(data: ItemData) -> Document:
    """How the image came to be; empty for what was not made by a studio."""
    step = data.step
    quoted, cost = (step.quoted, step.cost) if step else (Money.zero(), Money.zero())
    return {
        "operation": step.operation if step else "",
        "step_index": step.index if step else 0,
        "params": step.params if step else {},
        "provider": step.provider if step else "",
        "label": step.label if step else "",
        "details": step.details if step else {},
        "notes": step.notes if step else [],
        "seconds": step.seconds if step else 0.0,
        "quoted": quoted.model_dump(mode="json"),
        "cost": cost.model_dump(mode="json"),
        "cost_nano": nano(cost),
        "currency": cost.currency,
    }


def _check(row: Document) -> None:
    fields = (row["params"], row["details"], row["cost_nano"], row["seconds"])
    if row["step_index"] < 2**31 and all(_is_plain(one) for one in fields):
        return
    raise Refused(
        rule="library.not_keepable",
        says="The image's history cannot be kept: it has a number that is not finite or beyond "
        f"64 bits, a key with a null character, or more than {_MAX_DEPTH} levels.",
        fix="Correct `data.step` of the event, then publish it again.",
    )


def _is_plain(value: Any, depth: int = 0) -> bool:
    match value:
        case dict():
            keys_fit = depth < _MAX_DEPTH and not any("\0" in key for key in value)
            return keys_fit and all(_is_plain(one, depth + 1) for one in value.values())
        case list():
            return depth < _MAX_DEPTH and all(_is_plain(one, depth + 1) for one in value)
        case int():
            return -_INT64 <= value < _INT64
        case float():
            return math.isfinite(value)
        case _:
            return True
