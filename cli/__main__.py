"""The `studio` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx

from cli import choices, compare, discovery, library, runs, sharing
from cli.client import ApiProblem
from cli.options import add_api, client_of
from cli.table import show
from cli.values import Misused
from studio.problems import StudioError
from studio.settings import Misconfigured, stop


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status.

    0: done; 1: refused, or an image failed; 2: wrong usage; 78: a wrong setting.
    """
    options = command_line().parse_args(arguments)
    try:
        status = int(options.run(options) or 0)
        sys.stdout.flush()
        return status
    except Misused as wrong:
        print(f"studio: {wrong}", file=sys.stderr)
        return 2
    except Misconfigured as wrong:
        stop(wrong.says)
    except StudioError as problem:
        print(f"studio: {' '.join(filter(None, (problem.says, problem.fix)))}", file=sys.stderr)
    except ApiProblem as problem:
        print(f"studio: {problem}", file=sys.stderr)
    except httpx.TransportError as error:
        print(f"studio: {options.url} does not answer ({error}). Is it up?", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read it has had enough: `studio assets | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the rest goes nowhere
        return 0
    return 1


def _up(options: argparse.Namespace) -> int:
    from cli.up import up

    return up(options.data, options.port)


def _demo(options: argparse.Namespace) -> int:
    from cli.demo import demo

    return demo(options.data, options.out, fresh=options.fresh)


def _dead_letters(options: argparse.Namespace) -> int:
    with client_of(options) as client:
        if options.replay:
            body = {"queue": options.queue, "ids": options.id or None}
            show(client.post("/v1/dead-letters/replay", body))
        else:
            show(client.get("/v1/dead-letters", queue=options.queue))
    return 0


def command_line() -> argparse.ArgumentParser:
    """What the command takes; every part of it adds its own."""
    parser = argparse.ArgumentParser(prog="studio", description="Image Studio from the shell.")
    add_api(parser)
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")

    up = commands.add_parser("up", help="run the whole platform in this process")
    up.add_argument("--data", type=Path, default=Path(".studio"), help="where everything is kept")
    up.add_argument("--port", type=int, default=8080)
    up.set_defaults(run=_up)

    demo = commands.add_parser("demo", help="a campaign from a prompt and one from a photo")
    demo.add_argument("--data", type=Path, default=Path(".studio"))
    demo.add_argument("--out", type=Path, default=Path("out"))
    demo.add_argument("--fresh", action="store_true", help="make it again even if it was made")
    demo.set_defaults(run=_demo)

    for module in (discovery, choices, runs, library, compare, sharing):
        module.add(commands)

    dead = commands.add_parser("dead-letters", help="messages that were given up")
    dead.add_argument("queue", help="create, edit, upscale, optimizer, library or tracker")
    dead.add_argument("--replay", action="store_true", help="put them back")
    dead.add_argument("--id", action="append", help="only this one (repeatable)")
    dead.set_defaults(run=_dead_letters)
    return parser


if __name__ == "__main__":
    sys.exit(main())
