"""The `studio` command."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from cli.client import ApiProblem, Client
from cli.progress import watch

DEFAULT_URL = "http://127.0.0.1:8080"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (1: refused, 2: wrong usage)."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except ApiProblem as problem:
        print(f"studio: {problem}", file=sys.stderr)
    except httpx.TransportError as error:
        print(f"studio: {options.url} does not answer ({error}). Is it up?", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def _up(options: argparse.Namespace) -> int:
    from cli.up import up

    return up(options.data, options.port)


def _demo(options: argparse.Namespace) -> int:
    from cli.demo import demo

    return demo(options.data, options.out, fresh=options.fresh)


def _run(options: argparse.Namespace) -> int:
    with _client(options) as client:
        parameters = dict(_parameter(one) for one in options.parameter)
        if options.photo:
            parameters["photo"] = client.upload(options.photo)
        body = {"workflow": options.workflow, "parameters": parameters}
        if options.quote:
            _show(client.post("/v1/quotes", body))
            return 0
        run = client.start(body, options.idempotency_key)
        print(run["id"])
        if options.detach:
            return 0
        state = watch(client, run["id"], options.workflow)
        if options.out:
            archive = options.out / f"{run['id']}.zip"
            client.save("/v1/assets/download", archive, {"run": run["id"]})
            print(f"Saved {archive}")
        return 0 if state["status"] == "completed" else 1


def _get(path: str) -> Any:
    def get(options: argparse.Namespace) -> int:
        with _client(options) as client:
            _show(client.get(path))
        return 0

    return get


def _assets(options: argparse.Namespace) -> int:
    with _client(options) as client:
        for asset in client.assets(query=options.query, run=options.run_id):
            image = asset["image"]
            print(
                f"{asset['id']}  {image['width']}×{image['height']}  "
                f"{asset.get('operation') or asset['event_type']:<22} "
                f"{asset.get('label') or asset.get('title') or ''}"
            )
    return 0


def _dead_letters(options: argparse.Namespace) -> int:
    with _client(options) as client:
        if options.replay:
            body = {"queue": options.queue, "ids": options.id or None}
            _show(client.post("/v1/dead-letters/replay", body))
        else:
            _show(client.get("/v1/dead-letters", queue=options.queue))
    return 0


def _client(options: argparse.Namespace) -> Client:
    return Client(options.url, os.environ.get("STUDIO_API_KEY"))


def _show(document: Any) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _parameter(text: str) -> tuple[str, Any]:
    """`variations=4` → ("variations", 4): JSON where it is JSON, text otherwise."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="studio", description="Image Studio from the shell.")
    parser.add_argument("--url", default=os.environ.get("STUDIO_URL", DEFAULT_URL))
    commands = parser.add_subparsers(required=True, metavar="command")

    up = commands.add_parser("up", help="run the whole platform in this process")
    up.add_argument("--data", type=Path, default=Path(".studio"), help="where everything is kept")
    up.add_argument("--port", type=int, default=8080)
    up.set_defaults(run=_up)

    demo = commands.add_parser("demo", help="a campaign from a prompt and one from a photo")
    demo.add_argument("--data", type=Path, default=Path(".studio"))
    demo.add_argument("--out", type=Path, default=Path("out"))
    demo.add_argument("--fresh", action="store_true", help="make it again even if it was made")
    demo.set_defaults(run=_demo)

    run = commands.add_parser("run", help="start a workflow and watch it")
    run.add_argument("workflow")
    run.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE")
    run.add_argument("--photo", type=Path, help="start from this photo")
    run.add_argument("--quote", action="store_true", help="say what it would cost; start nothing")
    run.add_argument("--detach", action="store_true", help="print the run's id and return")
    run.add_argument("--out", type=Path, help="save the run's images as a ZIP here")
    run.add_argument("--idempotency-key", help="the same key starts the run once")
    run.set_defaults(run=_run)

    for name, path, says in (
        ("workflows", "/v1/workflows", "the workflows that there are"),
        ("operations", "/v1/operations", "every operation with its parameters"),
        ("runs", "/v1/runs", "the latest runs"),
        ("usage", "/v1/usage", "totals of the library"),
    ):
        commands.add_parser(name, help=says).set_defaults(run=_get(path))

    assets = commands.add_parser("assets", help="search the library")
    assets.add_argument("query", nargs="?")
    assets.add_argument("--run", dest="run_id")
    assets.set_defaults(run=_assets)

    dead = commands.add_parser("dead-letters", help="messages that were given up")
    dead.add_argument("queue", help="create, edit, upscale, optimizer, library or tracker")
    dead.add_argument("--replay", action="store_true", help="put them back")
    dead.add_argument("--id", action="append", help="only this one (repeatable)")
    dead.set_defaults(run=_dead_letters)
    return parser


if __name__ == "__main__":
    sys.exit(main())
