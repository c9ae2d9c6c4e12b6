"""Progress: a run as a person watches it."""

from __future__ import annotations

import sys
import time
from typing import Any

from cli.client import Client

_WIDTH = 30


def watch(client: Client, run: str, title: str) -> dict[str, Any]:
    """Show a run until it is over; returns its last state."""
    started = time.monotonic()
    for event in client.events(run):
        _show(title, client.get(f"/v1/runs/{run}"), event, time.monotonic() - started)
    state: dict[str, Any] = client.get(f"/v1/runs/{run}")
    _show(title, state, {}, time.monotonic() - started)
    if sys.stdout.isatty():
        print()
    return state


def _show(title: str, state: dict[str, Any], event: dict[str, Any], seconds: float) -> None:
    done = float(state["progress"]["fraction"])
    bar = "█" * round(done * _WIDTH) + "░" * (_WIDTH - round(done * _WIDTH))
    line = (
        f"{title:<22} {bar} {state['progress']['share']:>7} of the run back  "
        f"{seconds:5.1f} s  {event.get('type', state['status'])}"
    )
    print(f"\r\033[K{line}" if sys.stdout.isatty() else line, end=_end(), flush=True)


def _end() -> str:
    return "" if sys.stdout.isatty() else "\n"
