"""Options that several commands share: where the API is, which assets are meant, how many."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from cli.client import Client
from cli.values import Misused, read
from studio.naming import did_you_mean

DEFAULT_URL = "http://127.0.0.1:8080"

_SELECT = """\
Filters of --select: query, run, workflow, operation, provider, collection, tags, favourite, blob,
parent, media_type, label, created_from, created_to, and what else the API has. All that are given
must hold: --select collection=Spring --select favourite=yes.
"""


def add_api(parser: argparse.ArgumentParser) -> None:
    """--url and --workspace; the key is in STUDIO_API_KEY, where no list of processes shows it."""
    parser.add_argument("--url", default=os.environ.get("STUDIO_URL", DEFAULT_URL))
    parser.add_argument(
        "--workspace",
        default=os.environ.get("STUDIO_WORKSPACE"),
        help="where no API keys are asked for; a key has its own",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="the API's answer, for programs")


def add_limit(parser: argparse.ArgumentParser) -> None:
    """--limit, at least 1."""
    parser.add_argument("--limit", type=_count, metavar="N", help="no more than these, 1 at least")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return min(int(text), sys.maxsize)


def add_select(parser: argparse.ArgumentParser, says: str) -> None:
    """--select, once for each filter."""
    parser.add_argument(
        "-s", "--select", action="append", default=[], metavar="FILTER=VALUE", help=says
    )
    parser.epilog = _SELECT


def add_meant(parser: argparse.ArgumentParser) -> None:
    """Ids, or --select."""
    parser.add_argument("id", nargs="*", help="ids of assets, as `studio assets` lists them")
    add_select(parser, "instead of ids: every asset that matches")


def client_of(options: argparse.Namespace) -> Client:
    """A client of the API that is meant."""
    return Client(options.url, os.environ.get("STUDIO_API_KEY"), options.workspace)


def filters_of(client: Client, pairs: list[str]) -> dict[str, Any]:
    """The filters of --select as the API takes them. Misused if it has no such filter."""
    if not pairs:
        return {}
    schema = client.get("/openapi.json")["components"]["schemas"]["AssetFilters"]
    found = read(pairs, schema)
    for name, wanted in found.items():
        if name not in schema["properties"]:
            valid = ", ".join(sorted(schema["properties"]))
            fix = did_you_mean(name, schema["properties"], "")
            raise Misused(f"There is no filter {name!r}. {fix} Valid: {valid}".replace("  ", " "))
        if wanted is None or wanted == [] or not str(wanted).strip():
            raise Misused(f"--select {name}= has no value; it would mean every asset.")
    return found


def meant(client: Client, options: argparse.Namespace) -> dict[str, Any]:
    """The assets that are meant, as the API takes them: `ids`, or filters.

    Misused if neither or both are given.
    """
    if bool(options.id) == bool(options.select):
        raise Misused("Name assets by id, or choose them with --select FILTER=VALUE: one of both.")
    return {"ids": list(options.id)} if options.id else filters_of(client, options.select)


def ids_meant(client: Client, options: argparse.Namespace) -> list[str]:
    """The ids of all assets that are meant, as they were given, or the newest first."""
    which = meant(client, options)
    if "ids" in which:
        return list(dict.fromkeys(which["ids"]))
    return [one["id"] for one in client.assets(**which)]
