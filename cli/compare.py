"""`studio compare`: assets side by side on a sheet, and a table of what sets them apart."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cli.options import add_json, add_meant, client_of, ids_meant
from cli.table import money, show, size, table

Facts = Mapping[str, Any]

_MAKING = ("operation", "provider", "quality")


def add(commands: Any) -> None:
    """The command of this module."""
    compare = commands.add_parser("compare", help="assets side by side, and what sets them apart")
    add_meant(compare)
    compare.add_argument(
        "--out", type=Path, default=Path("comparison.png"), metavar="FILE", help="of the sheet, PNG"
    )
    compare.add_argument(
        "--scale",
        choices=("equal", "fit", "detail"),
        default="equal",
        help="equal: one scale for all; fit: each fills its cell; detail: their middle, 1:1",
    )
    add_json(compare)
    compare.set_defaults(run=_compare)


def _compare(options: argparse.Namespace) -> int:
    with client_of(options) as client:
        ids = ids_meant(client, options)
        found = client.get("/v1/assets/compare", ids=ids, scale=options.scale)
        client.save(found["sheet"], options.out)
    if options.json:
        show(found)
        return 0
    rows = [
        (
            f"{number}",
            id_,
            size(facts),
            f"{facts['bytes']:,}",
            money(facts["cost"]),
            ", ".join(str(facts[one]) for one in _MAKING if facts[one] is not None),
            facts["prompt"] or facts["label"] or facts["title"] or "",
        )
        for number, id_, facts in _columns(found)
    ]
    print(table(("", "id", "size", "bytes", "cost", "made by", "prompt"), rows, right=(2, 3)))
    print(f"Sheet: {options.out}")
    return 0


def _columns(comparison: Facts) -> Iterator[tuple[int, str, Facts]]:
    """Each asset with its number on the sheet, its id and all that is known of it."""
    for index, one in enumerate(comparison["assets"]):
        own = {name: values[index] for name, values in comparison["differing"].items()}
        yield one["number"], one["id"], {**comparison["same"], **own}
