"""Progress: a run as a person watches it."""

from __future__ import annotations

import sys
import time
from typing import Any

from cli.client import Client

_WIDTH = 30


def watch(client: Client, run: str, title: str) -> dict[str, Any]:
    """Show a run until it is over; returns its last state."""
    started, shown = time.monotonic(), ""
    for event in client.events(run):
        state = client.get(f"/v1/runs/{run}")
        share = state["progress"]["share"]
        if sys.stdout.isatty() or share != shown:  # a log needs a line for each change only
            _show(title, state, event["type"], time.monotonic() - started)
        shown = share
    last: dict[str, Any] = client.get(f"/v1/runs/{run}")
    _show(title, last, last["status"], time.monotonic() - started)
    if sys.stdout.isatty():
        print()
    return last


def _show(title: str, state: dict[str, Any], what: str, seconds: float) -> None:
    done = float(state["progress"]["fraction"])
    bar = "█" * round(done * _WIDTH) + "░" * (_WIDTH - round(done * _WIDTH))
    share = state["progress"]["share"]
    line = f"{title:<16} {bar} {share:>7} of the run is back  {seconds:5.1f} s  {what}"
    is_live = sys.stdout.isatty()
    print(f"\r\033[K{line}" if is_live else line, end="" if is_live else "\n", flush=True)
