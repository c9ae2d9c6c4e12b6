"""`studio demo`: two campaigns, one from a prompt and one from a photo, on the whole platform.

What it made is left in the output folder with a contact sheet. Running it again finds that the
campaigns were made before (same Idempotency-Key): nothing is made or paid twice.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvloop

import embedded
from cli.client import Client
from cli.contact_sheet import contact_sheet
from cli.progress import watch
from cli.saving import save
from cli.told import failed_items, tell_failed, tell_quote
from embedded.platform import Platform, platform
from studio import telemetry
from studio.settings import Settings
from studio.slip import derived

PHOTO = Path(embedded.__file__).parent / "photos" / "astronaut.jpg"


@dataclass(frozen=True, slots=True)
class Campaign:
    """What the demo asks for, and what became of it."""

    title: str
    folder: str
    parameters: dict[str, Any]
    photo: Path | None = None


CAMPAIGNS = (
    Campaign(
        "From a prompt",
        "from-a-prompt",
        {
            "campaign": "Morning Roast",
            "prompt": "premium coffee cup on marble, cream and terracotta, calm morning light",
            "variations": 3,
            "seed": 7,
            "alt_text": "A cup of coffee on a round plinth",
        },
    ),
    Campaign(
        "From a photo",
        "from-a-photo",
        {
            "campaign": "Women in Space",
            "adjust": {"brightness": 0.03, "saturation": 0.08},
            "upscale_to": 2048,
            "alt_text": "Eileen Collins in her flight suit, in front of a Shuttle model",
        },
        PHOTO,
    ),
)


def demo(data: Path, out: Path, *, fresh: bool = False) -> int:
    """Run both campaigns; 0 if every rendition was made."""
    tracing = telemetry.configure("demo", Settings(log_level="ERROR", log_format="text"))
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    try:
        with _in_background(data) as running, Client(running.url) as client:
            print(f"Image Studio is up at {running.url}; its data is in {data}/", flush=True)
            made = [_campaign(client, one, out, fresh=fresh) for one in CAMPAIGNS]
            sheet = contact_sheet(out, [shown for shown, _ in made])
            _totals(client)
    finally:
        tracing.shutdown()
    print(f"\nContact sheet: {sheet}")
    return 0 if all(is_whole for _, is_whole in made) else 1


def _campaign(
    client: Client, campaign: Campaign, out: Path, *, fresh: bool
) -> tuple[dict[str, Any], bool]:
    parameters = dict(campaign.parameters)
    if campaign.photo:
        parameters["photo"] = client.upload(campaign.photo)
    body = {"workflow": "social-media-campaign", "parameters": parameters}
    print()
    tell_quote(campaign.title, client.post("/v1/quotes", body))
    began = time.monotonic()
    key = derived("demo", uuid4() if fresh else "once", json.dumps(parameters, sort_keys=True))
    run = client.start(body, str(key))
    state = watch(client, run["id"], campaign.title)
    print(f"{state['status']} in {time.monotonic() - began:.1f} s, trace {run['trace_id']}")
    assets = sorted(client.assets(run=run["id"]), key=lambda one: (one["step_index"], one["label"]))
    _table(assets)
    folder = out / campaign.folder
    manifest = save(client, {"run": run["id"], "name": "{operation}/{label}.{ext}"}, folder)
    failed = failed_items(client, run["id"])
    tell_failed(failed)
    shown = {"campaign": campaign, "run": state, "assets": manifest}
    return shown, state["status"] == "completed" and not failed


def _table(assets: list[dict[str, Any]]) -> None:
    print(f"  {'made':<22} {'by':<22} {'size':>11} {'bytes':>10} {'cost':>8}  trace")
    for one in assets:
        image, cost = one["image"], one["cost"]
        name = one["label"] or one["title"] or "image"
        print(
            f"  {name[:22]:<22} {one['operation']:<22} {image['width']:>5}×{image['height']:<5} "
            f"{one['bytes']:>10,} {cost['amount']:>4} {cost['currency']}  {one['trace_id'][:16]}"
        )


def _totals(client: Client) -> None:
    usage = client.get("/v1/usage")
    cost = usage["cost"]
    print(
        f"\nThe library has {usage['assets']} assets ({usage['bytes'] / 1e6:.1f} MB) that cost "
        f"{cost['amount']} {cost['currency']}; {usage['downloads']} downloads were counted."
    )


@contextmanager
def _in_background(data: Path) -> Iterator[Platform]:
    """The platform on an event loop of its own, so that a plain client can talk to it."""
    ready, stop = threading.Event(), asyncio.Event()
    found: list[Platform] = []
    trouble: list[BaseException] = []
    loop: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loop.append(asyncio.get_running_loop())
        async with platform(data) as running:
            found.append(running)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=_guarded, args=(serve, trouble, ready), daemon=True)
    thread.start()
    ready.wait()
    if trouble:
        raise trouble[0]
    try:
        yield found[0]
    finally:
        loop[0].call_soon_threadsafe(stop.set)
        thread.join(60)


def _guarded(
    serve: Callable[[], Any], trouble: list[BaseException], ready: threading.Event
) -> None:
    try:
        uvloop.run(serve())
    except BaseException as error:  # the thread that waits must learn of it
        trouble.append(error)
        ready.set()
