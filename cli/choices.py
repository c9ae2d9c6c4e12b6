"""`studio templates`, `styles`, `placements`, `providers`, `collections`: what can be named."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from cli.options import add_json, client_of
from cli.table import price, show, size, table

One = Mapping[str, Any]


def add(commands: Any) -> None:
    """The commands of this module."""
    for name, says, head, row in (
        ("templates", "sizes and styles by purpose", ("template", "size", "what for"), _template),
        ("styles", "how pictures can look", ("style", "what it looks like"), _style),
        ("placements", "where pictures go", ("placement", "size", "where"), _placement),
        ("collections", "what assets are filed in", ("collection", "assets", ""), _collection),
        ("providers", "who does what, and whose key is missing", _PROVIDERS, _provider),
    ):
        command = commands.add_parser(name, help=says)
        add_json(command)
        command.set_defaults(run=_listing(f"/v1/{name}", head, row))


_PROVIDERS = ("provider", "key", "what it does, and for how much a picture")


def _listing(path: str, head: tuple[str, ...], row: Callable[[One], tuple[str, ...]]) -> Any:
    def tell(options: argparse.Namespace) -> int:
        with client_of(options) as client:
            found = client.get(path)
        if options.json:
            show(found)
        else:
            listed = found["placements"] if isinstance(found, dict) else found
            print(table(head, [row(one) for one in listed]))
        return 0

    return tell


def _template(one: One) -> tuple[str, ...]:
    return one["id"], size(one), f"{one['title']}: {one['description']}"


def _style(one: One) -> tuple[str, ...]:
    return one["id"], f"{one['title']}: {one['description']}"


def _placement(one: One) -> tuple[str, ...]:
    return one["id"], size(one), f"{one['platform']}: {one['name']}"


def _collection(one: One) -> tuple[str, ...]:
    return one["name"], f"{one['assets']:,}", one["description"]


def _provider(one: One) -> tuple[str, ...]:
    does = [
        part["operation"] + (f" ({price(part['unit_price'])})" if part["unit_price"] else "")
        for part in one["operations"]
        if not part["lacks"]
    ]
    would = [f"{part['name']} ({price(part['price'])})" for part in one["products"]]
    keyless = [
        part["operation"] for part in one["operations"] if "setting" in (part["lacks"] or ())
    ]
    key = one["key"]
    if key == "absent":
        key = f"give {one['setting']}"
    elif keyless:
        studios = sorted({name.partition(".")[0] for name in keyless})
        key += f", not in {', '.join(studios)}"
    return one["provider"], key, ", ".join(does or would or keyless)
