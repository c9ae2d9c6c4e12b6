"""What a person is told of a run: before it begins, and of what it did not make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from cli.client import Client
from cli.table import counted, price, table

Quote = Mapping[str, Any]


def tell_quote(title: str, quote: Quote) -> None:
    """The price, the steps, what the planner changed, and what will not be made."""
    print(f"{title}: {counted(quote['images'], 'image')} for {price(quote['price'])}")
    rows = [
        (
            f"{number}",
            step["operation"],
            step["provider"],
            counted(step["images_out"], "image"),
            price(step["price"]),
            ", ".join(step["sizes"][:4]) + (" …" if len(step["sizes"]) > 4 else ""),
        )
        for number, step in enumerate(quote["steps"], start=1)
    ]
    print(table(("step", "operation", "by", "makes", "for", "sizes"), rows))
    for change in quote["changes"]:
        print(f"  changed, step {change['step']}: {change['says']}")
    for step in quote["steps"]:
        for note in step["notes"]:
            print(f"  note, {step['operation']}: {note}")
    foreseen = Counter[str]()
    for step in quote["steps"]:
        for one in step["failures"]:
            which = f"{one['label'] or 'image'} ({step['operation']})"
            foreseen[_why(which, one["problem"])] += one["images"]
    _tell("will not be made", foreseen)


def failed_items(client: Client, run: str) -> list[dict[str, Any]]:
    """Every item of a run that failed, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.get(f"/v1/runs/{run}/items", state="failed", cursor=cursor)
        found += page["items"]
        cursor = page.get("next_cursor")
        if not cursor:
            return found


def tell_failed(items: Iterable[Mapping[str, Any]]) -> None:
    """Each failure with what happened and what to do; the same one of several images once."""
    failed = Counter(
        _why(one["label"] or one["done"] or "image", one["problem"] or {}) for one in items
    )
    _tell("not made", failed)


def _tell(what: str, reasons: Counter[str]) -> None:
    for why, images in reasons.items():
        print(f"  {what}: {f'{images} × ' if images > 1 else ''}{why}")


def _why(which: str, problem: Mapping[str, Any]) -> str:
    says = problem.get("says") or "No reason was given."
    return " ".join([f"{which}: {says}", *([problem["fix"]] if problem.get("fix") else [])])
