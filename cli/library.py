"""`studio assets`, `mark`, `delete`, `download` and `usage`: the library."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.client import Client
from cli.options import (
    add_json,
    add_limit,
    add_meant,
    add_select,
    client_of,
    filters_of,
    ids_meant,
    meant,
)
from cli.saving import save
from cli.table import counted, money, show, size, table
from cli.values import Misused

_AT_ONCE = 1000  # assets that the API changes in one request


def add(commands: Any) -> None:
    """The commands of this module."""
    assets = commands.add_parser("assets", help="search the library")
    assets.add_argument("word", nargs="*", help="words that must all occur")
    add_select(assets, "only those that match")
    assets.add_argument("--sort", metavar="BY", help="created_at, bytes, cost, downloads, title …")
    assets.add_argument("--descending", action="store_true", help="the greatest first")
    add_limit(assets)
    add_json(assets)
    assets.set_defaults(run=_assets)
    _add_mark(commands)

    delete = commands.add_parser("delete", help="delete assets")
    add_meant(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.set_defaults(run=_delete)

    download = commands.add_parser("download", help="save assets as files in a folder")
    add_meant(download)
    download.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    download.add_argument("--name", help="of files: {campaign}/{platform}/{placement}-{n}.{ext}")
    download.add_argument("--campaign", help="what {campaign} stands for")
    download.add_argument("--overwrite", action="store_true", help="replace files of that name")
    download.set_defaults(run=_download)

    usage = commands.add_parser("usage", help="totals of the library, or of a part of it")
    add_select(usage, "of those that match: collection, run, workflow, created_from, created_to")
    add_json(usage)
    usage.set_defaults(run=_usage)


def _add_mark(commands: Any) -> None:
    mark = commands.add_parser("mark", help="favourites, reviews, tags, collections and texts")
    add_meant(mark)
    mark.add_argument("--favourite", action=argparse.BooleanOptionalAction)
    mark.add_argument("--review", choices=("approved", "rejected", "none"))
    for name, says in (
        ("--tag", "add this tag"),
        ("--remove-tag", "take this tag away"),
        ("--collection", "add to this collection"),
        ("--remove-collection", "take out of this collection"),
    ):
        mark.add_argument(name, action="append", default=[], metavar="NAME", help=says)
    for name in ("--title", "--description", "--alt-text"):
        mark.add_argument(name, metavar="TEXT")
    mark.set_defaults(run=_mark)


def _assets(options: argparse.Namespace) -> int:
    with client_of(options) as client:
        filters = filters_of(client, options.select)
        if options.word:
            filters["query"] = " ".join(options.word)
        matching = client.assets(**filters, sort=_order(options))
        found = list(itertools.islice(matching, options.limit))
    if options.json:
        show(found)
        return 0
    rows = [
        (
            one["id"],
            "★" if one["favourite"] else " ",
            size(one["image"]),
            one["operation"] or one["event_type"],
            ", ".join(one["collections"]),
            _what(one),
        )
        for one in found
    ]
    print(table(("id", "", "size", "made by", "collections", "what"), rows, right=(2,)))
    print(counted(len(found), "asset"))
    return 0


def _what(asset: Mapping[str, Any]) -> str:
    told = asset["title"] or asset["label"] or asset["prompt"]
    looked_at = asset["review"] or (asset["needs_review"] and f"to review: {asset['needs_review']}")
    return "; ".join(filter(None, (told, looked_at)))


def _order(options: argparse.Namespace) -> str | None:
    if not options.sort:
        return None  # the newest first
    return ("-" if options.descending else "") + str(options.sort)


def _mark(options: argparse.Namespace) -> int:
    change: dict[str, Any] = {
        "favourite": options.favourite,
        "review": "" if options.review == "none" else options.review,
        "add_tags": options.tag,
        "remove_tags": options.remove_tag,
        "add_collections": options.collection,
        "remove_collections": options.remove_collection,
        "title": options.title,
        "description": options.description,
        "alt_text": options.alt_text,
    }
    change = {name: one for name, one in change.items() if one not in (None, [])}
    if not change:
        raise Misused("Say what to mark them with: --favourite, --tag, --collection, --title …")
    with client_of(options) as client:
        return _changed(client, ids_meant(client, options), {"change": change})


def _delete(options: argparse.Namespace) -> int:
    with client_of(options) as client:
        ids = ids_meant(client, options)
        if ids and not options.yes and not _is_confirmed(len(ids)):
            print("Nothing was deleted.")
            return 1
        return _changed(client, ids, {"delete": True})


def _changed(client: Client, ids: Sequence[str], what: dict[str, Any]) -> int:
    """Change or delete them, tell what became of them; 0 if that was done to each."""
    counts, failed = Counter[str](), 0
    for first in range(0, len(ids), _AT_ONCE):
        answer = client.post("/v1/assets/changes", {"ids": ids[first : first + _AT_ONCE], **what})
        counts += Counter(answer["counts"])
        for one in answer["assets"]:
            if problem := one["problem"]:
                failed += 1
                print(" ".join(filter(None, (problem["detail"], problem.get("fix")))))
    told = ", ".join(f"{number:,} {outcome}" for outcome, number in counts.items())
    print(f"{counted(len(ids), 'asset')}{': ' if told else ''}{told}")
    return 1 if failed or not ids else 0


def _is_confirmed(number: int) -> bool:
    if not sys.stdin.isatty():
        raise Misused(f"{counted(number, 'asset')} would be deleted for good; say --yes.")
    return input(f"Delete {counted(number, 'asset')} for good? [y/N] ").strip().casefold() == "y"


def _download(options: argparse.Namespace) -> int:
    with client_of(options) as client:
        asked = meant(client, options)
        asked |= {"name": options.name} if options.name else {}
        asked |= {"campaign": options.campaign} if options.campaign else {}
        saved = save(client, asked, options.out, overwrite=options.overwrite)
    for one in saved:
        print(options.out / one["file"])
    print(f"{counted(len(saved), 'image')} saved in {options.out}")
    return 0 if saved else 1


def _usage(options: argparse.Namespace) -> int:
    with client_of(options) as client:
        found = client.get("/v1/usage", **filters_of(client, options.select))
    if options.json:
        show(found)
        return 0
    print(
        f"{counted(found['assets'], 'asset')}, {found['bytes'] / 1e6:.1f} MB, "
        f"{counted(found['favourites'], 'favourite')}, {counted(found['downloads'], 'download')}, "
        f"{counted(found['shares'], 'share')}, {money(found['cost'])}\n"
    )
    costs, currency = found["cost_by_operation"], found["cost"]["currency"]
    rows = [
        (name, f"{number:,}", f"{costs.get(name, '0')} {currency}")
        for name, number in sorted(found["assets_by_operation"].items())
    ]
    print(table(("operation", "assets", "cost"), rows, right=(1,)))
    return 0
