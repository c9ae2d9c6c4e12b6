"""`studio share` and `shares`: what was posted elsewhere, as whoever posted it tells."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from cli.client import ApiProblem
from cli.options import (
    add_json,
    add_limit,
    add_meant,
    add_select,
    client_of,
    filters_of,
    ids_meant,
)
from cli.table import counted, show, table

Asset = Mapping[str, Any]


def add(commands: Any) -> None:
    """The commands of this module."""
    share = commands.add_parser("share", help="tell that assets were shared: they count it")
    add_meant(share)
    share.add_argument("--idempotency-key", help="the same key is counted once for each asset")
    add_json(share)
    share.set_defaults(run=_share)

    shares = commands.add_parser(
        "shares", help="the assets that were shared, the most shared first"
    )
    add_select(shares, "only those that match")
    add_limit(shares)
    add_json(shares)
    shares.set_defaults(run=_shares)


def _share(options: argparse.Namespace) -> int:
    """Tell it of each; 0 if that was done."""
    key = options.idempotency_key
    headers = {"Idempotency-Key": key} if key else None
    told, failed = list[Asset](), 0
    with client_of(options) as client:
        for id_ in ids_meant(client, options):
            try:
                told.append(client.post(f"/v1/assets/{id_}/shares", {}, headers))
            except ApiProblem as problem:
                failed += 1
                print(f"studio: not told of {id_}: {problem}", file=sys.stderr)
    _tell(told, as_json=options.json)
    if not options.json:
        print(f"Told of {counted(len(told), 'asset')}")
    return 0 if told and not failed else 1


def _shares(options: argparse.Namespace) -> int:
    with client_of(options) as client:
        filters = filters_of(client, options.select)
        listed = client.assets(**filters, sort="-shares")
        shared = itertools.takewhile(lambda one: one["shares"], listed)
        found = list(itertools.islice(shared, options.limit))
    _tell(found, as_json=options.json)
    if not options.json:
        times = counted(sum(one["shares"] for one in found), "share")
        print(f"{times} of {counted(len(found), 'asset')}")
    return 0


def _tell(assets: Iterable[Asset], *, as_json: bool) -> None:
    if as_json:
        show(list(assets))
        return
    rows = [
        (
            one["id"],
            f"{one['shares']:,}",
            one.get("last_shared_at", "")[:16],
            one["title"] or one["label"] or one["prompt"],
        )
        for one in assets
    ]
    print(table(("id", "shares", "last", "what"), rows, right=(1,)))
