"""Assets as rows: what is kept of an image, and how it is found again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from studio.events import Event, ImageCreated, ImageRef
from studio.metadata import Document, Index
from studio.money import Money
from studio.rpc import facts_to, money_to, struct
from studio.telemetry import trace_id
from studio.v1 import library_pb2

#: What a word of a search may be found in.
_SEARCHED = ("id", "title", "prompt", "description", "alt_text", "label", "operation", "provider")

_WORD = re.compile(r"[^\W_]+")

#: Every list begins with the workspace; `_id` last makes the order of a page total.
INDEXES = (
    *(
        Index("assets", (("workspace", 1), (key, 1), ("_id", 1)))
        for key in ("created_at", "updated_at", "bytes", "cost_nano", "title")
    ),
    *(
        Index("assets", (("workspace", 1), (key, 1), ("created_at", 1), ("_id", 1)))
        for key in ("words", "run", "workflow", "collections", "tags", "parents", "favourite")
    ),
    Index("assets", (("blob", 1),)),
    Index("assets", (("thumbnail", 1),)),
    Index("collections", (("workspace", 1), ("name", 1)), unique=True),
    Index("downloads", (("at", 1),), expire_after=30 * 24 * 3600),
)


def row_of(event: Event, image: ImageRef, thumbnail: str) -> Document:
    """The row of a newly catalogued asset; `image` is what was measured, not what was claimed."""
    data: ImageCreated = event.data
    step, about, now = data.step, data.about, datetime.now(UTC)
    row: Document = {
        "_id": str(data.asset),
        "workspace": event.workspace,
        **image.model_dump(),
        "thumbnail": thumbnail,
        "event_type": event.type,
        "source": event.source,
        "run": str(data.run),
        "item": str(data.item),
        "workflow": data.workflow or "",
        "parents": [str(parent) for parent in data.parents],
        "operation": step.operation if step else "",
        "step_index": step.index if step else 0,
        "params": step.params if step else {},
        "provider": step.provider if step else "",
        "label": step.label if step else "",
        "details": step.details if step else {},
        "notes": step.notes if step else [],
        "seconds": step.seconds if step else 0.0,
        "quoted": (step.quoted if step else Money.zero()).model_dump(mode="json"),
        "cost": (step.cost if step else Money.zero()).model_dump(mode="json"),
        "cost_nano": nano(step.cost if step else Money.zero()),
        "trace_id": trace_id(event.traceparent) if event.traceparent else "",
        "prompt": about.prompt or "",
        "title": about.title or "",
        "description": about.description or "",
        "alt_text": about.alt_text or "",
        "tags": sorted(set(about.tags)),
        "collections": [about.collection] if about.collection else [],
        "favourite": False,
        "downloads": 0,
        "created_at": now,
        "updated_at": now,
    }
    return row | {"words": words_of(row)}


def nano(money: Money) -> int:
    """Billionths of the currency's unit: an integer that a database can add exactly."""
    return int(money.amount.scaleb(9))


def words_of(row: Document) -> list[str]:
    """Every word that the asset is found by."""
    texts = [str(row.get("_id" if key == "id" else key, "")) for key in _SEARCHED]
    details = row.get("details", {})
    texts += [str(details.get(key, "")) for key in ("placement", "filename", "style", "model")]
    return sorted(set(words([*texts, *row.get("tags", ()), *row.get("collections", ())])))


def words(texts: Iterable[str]) -> list[str]:
    """Lower-case words without accents; ids are found whole and in parts."""
    found = []
    for text in texts:
        plain = unicodedata.normalize("NFKD", text.casefold())
        plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
        found += _WORD.findall(plain)
    return found


def message_of(row: Document) -> library_pb2.Asset:
    """The row as the contract has it."""
    image = ImageRef.model_validate({name: row[name] for name in ImageRef.model_fields})
    same = (
        "workspace", "blob", "bytes", "thumbnail", "event_type", "source", "run", "item",
        "workflow", "parents", "operation", "step_index", "provider", "label", "notes", "seconds",
        "trace_id", "prompt", "title", "description", "alt_text", "tags", "collections",
        "favourite", "downloads",
    )  # fmt: skip
    return library_pb2.Asset(
        id=row["_id"],
        image=facts_to(image.facts),
        params=struct(row["params"]),
        details=struct(row["details"]),
        quoted=money_to(Money.model_validate(row["quoted"])),
        cost=money_to(Money.model_validate(row["cost"])),
        created_at=moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
        last_downloaded_at=moment(row.get("last_downloaded_at")),
        **{name: row[name] for name in same},
    )


def moment(when: Any) -> Timestamp | None:
    """A time for the wire."""
    if when is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(when)
    return stamp
