"""`studio run`, `follow`, `cancel`, `runs`: from what a run will cost to what of it failed."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.client import ApiProblem, Client
from cli.discovery import begins_with_assets
from cli.options import add_json, add_select, client_of, filters_of
from cli.progress import watch
from cli.saving import save
from cli.steps import OwnSteps, read_steps
from cli.table import counted, money, show, table
from cli.told import failed_items, tell_failed, tell_quote
from cli.values import Misused, read


def add(commands: Any) -> None:
    """The commands of this module."""
    _add_run(commands)
    follow = commands.add_parser("follow", help="watch a run that goes on, to its end")
    follow.add_argument("run_id", metavar="RUN")
    follow.add_argument("--out", type=Path, help="save its images into FOLDER/<run>/")
    follow.set_defaults(run=_follow)

    cancel = commands.add_parser("cancel", help="call a run off; what was made stays")
    cancel.add_argument("run_id", metavar="RUN")
    cancel.set_defaults(run=_cancel)

    latest = commands.add_parser("runs", help="the latest runs")
    latest.add_argument("--status", help="running, completed, failed, cancelling or cancelled")
    add_json(latest)
    latest.set_defaults(run=_runs)


def _add_run(commands: Any) -> None:
    run = commands.add_parser(
        "run", help="start a workflow, or steps of your own, and watch it; 1 if an image failed"
    )
    run.add_argument("workflow", nargs="?", help="its name; `studio workflows` lists them")
    run.add_argument(
        "--steps",
        metavar="FILE",
        help="steps of your own instead, in YAML or JSON; - is standard input",
    )
    run.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="`studio workflows NAME` lists them; a list: one -p for each of its values",
    )
    run.add_argument("--photo", type=Path, help="begin with this file")
    run.add_argument(
        "--asset", action="append", default=[], metavar="ID", help="begin with this asset"
    )
    add_select(run, "begin with every asset that matches")
    run.add_argument(
        "--providers", metavar="NAME[,NAME…]", help="who is asked, in this order: stability,local"
    )
    run.add_argument("--budget", metavar="AMOUNT", help="spend no more: 2.50, or 2.50EUR")
    run.add_argument("--bulk", action="store_true", help="let interactive work go first")
    run.add_argument("--quote", action="store_true", help="say what it would do; start nothing")
    run.add_argument("--detach", action="store_true", help="start it, print its id and return")
    run.add_argument("--out", type=Path, help="save its images into FOLDER/<run>/")
    run.add_argument("--idempotency-key", help="the same key starts the run once")
    run.add_argument("--json", action="store_true", help="of --quote, the API's answer")
    run.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.json and not options.quote:
        raise Misused(
            "--json is for --quote: it starts nothing, so there is one document to print."
        )
    own = _own_steps(options)
    title = Path(own.source).name if own else options.workflow
    with client_of(options) as client:
        common = _common(client, options)
        if own and options.photo:
            own = own.after(_import(client, options.photo))
        what = {"steps": list(own.steps)} if own else _of_workflow(client, options)
        body = what | common
        try:
            quote = client.post("/v1/quotes", body)
        except ApiProblem as problem:
            raise (own.located(problem) if own else problem) from None
        if options.quote and options.json:
            show(quote)
            return 0
        tell_quote(title, quote)
        if not quote["images"]:
            print("No image would be made, so nothing was started.")
            return 1
        if options.quote:
            return 0
        run = client.start(body, options.idempotency_key)
        print(f"run {run['id']}", flush=True)
        if options.detach:
            return 0
        return _watched(client, run["id"], title, options.out)


def _own_steps(options: argparse.Namespace) -> OwnSteps | None:
    """Those of --steps, read and checked. Misused if a run is not of one thing."""
    if bool(options.workflow) == bool(options.steps):
        raise Misused(
            "Name a workflow, such as quick-social-post, or give --steps FILE with steps of your "
            "own: one of both."
        )
    if not options.steps:
        return None
    if options.parameter:
        raise Misused("-p is for the parameters of a workflow; a step has its own under `params`.")
    own = read_steps(options.steps)
    if options.photo:
        own.check_takes_photo()  # before it is uploaded
    return own


def _import(client: Client, photo: Path) -> dict[str, Any]:
    """The step that begins with a file."""
    return {"operation": "create.import", "params": {"blob": _uploaded(client, photo)}}


def _of_workflow(client: Client, options: argparse.Namespace) -> dict[str, Any]:
    """A workflow and its parameters as the API takes them; a photo is uploaded."""
    workflow = client.get(f"/v1/workflows/{options.workflow}")
    if begins_with_assets(workflow) and not (options.asset or options.select):
        raise Misused(
            f"{options.workflow} begins with assets of the library: --asset ID, once for each, or "
            "--select FILTER=VALUE, such as --select favourite=yes."
        )
    parameters = read(options.parameter, workflow["parameters"])
    if options.photo:
        parameters["photo"] = _uploaded(client, options.photo)
    return {"workflow": options.workflow, "parameters": parameters}


def _uploaded(client: Client, photo: Path) -> str:
    if not photo.is_file():
        raise Misused(f"--photo: there is no file {photo}.")
    return client.upload(photo)


def _common(client: Client, options: argparse.Namespace) -> dict[str, Any]:
    """What a run begins with, who is asked, and what it may cost, as the API takes it."""
    body: dict[str, Any] = {}
    if options.asset:
        body["assets"] = options.asset
    if options.select:
        body["selection"] = filters_of(client, options.select)
    if options.providers:
        body["providers"] = [one.strip() for one in options.providers.split(",") if one.strip()]
    if options.budget:
        body["budget"] = _money(options.budget)
    return body | ({"lane": "bulk"} if options.bulk else {})


def _money(text: str) -> dict[str, str]:
    """`2.50` or `2.50 EUR` as the API takes it; without a currency its own holds."""
    amount = text.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    currency = text.removeprefix(amount)
    return {"amount": amount.strip(), **({"currency": currency} if currency else {})}


def _watched(client: Client, run: str, title: str, out: Path | None) -> int:
    """Follow a run to its end and tell what became of it; 0 if every image was made."""
    try:
        state = watch(client, run, title)
    except KeyboardInterrupt:
        print(
            f"\nThe run goes on: `studio follow {run}` watches it, `studio cancel {run}` ends it."
        )
        raise
    failed = failed_items(client, run)
    tell_failed(failed)
    print(_summary(state, len(failed)))
    if out and state["counts"].get("catalogued"):
        folder = out / run
        print(f"Saved {counted(len(save(client, {'run': run}, folder)), 'image')} in {folder}")
    return 0 if state["status"] == "completed" and not failed else 1


def _summary(state: Mapping[str, Any], failed: int) -> str:
    made = state["counts"].get("catalogued", 0)
    lost = f", {failed:,} not made" if failed else ""
    return (
        f"{state['status']}: {counted(made, 'image')} for {money(state['cost'])}{lost}; "
        f"`studio assets -s run={state['id']}` lists them"
    )


def _follow(options: argparse.Namespace) -> int:
    with client_of(options) as client:
        state = client.get(f"/v1/runs/{options.run_id}")
        title = state["workflow"] or "run"
        return _watched(client, options.run_id, title, options.out)


def _cancel(options: argparse.Namespace) -> int:
    with client_of(options) as client:
        state = client.post(f"/v1/runs/{options.run_id}/cancel", {})
        print(f"run {state['id']}: {state['status']}")
    return 0


def _runs(options: argparse.Namespace) -> int:
    with client_of(options) as client:
        found = client.get("/v1/runs", status=options.status)
    if options.json:
        show(found)
        return 0
    rows = [
        (one["id"], one["status"], one["created_at"][:16], one["workflow"] or "steps of its own")
        for one in found["runs"]
    ]
    print(table(("run", "status", "began", "workflow"), rows))
    return 0
