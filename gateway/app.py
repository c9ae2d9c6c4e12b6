"""The HTTP application."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Depends, FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

from gateway.http import add_problems
from gateway.observed import measured
from gateway.routes import (
    assets,
    changes,
    choices,
    compare,
    dead_letters,
    discovery,
    placements,
    providers,
    runs,
    uploads,
)
from gateway.routes.parameters import known_parameters
from gateway.runs import Runs
from gateway.settings import GatewaySettings
from gateway.store import RunStore
from gateway.studios import Studios
from studio.blobs.base import BlobStore
from studio.bus.base import Bus
from studio.probes import PATHS

_DESCRIPTION = """
Prompts and photos into finished, catalogued images: Create → Edit → Upscale → Optimize → Organize.

Start a run with `POST /v1/runs`, follow it under `/v1/runs/{run}/events`, and find what it made
under `/v1/assets`. Errors are RFC 9457 problem documents that say which rule, and what to do.
"""

_TAGS = [
    {"name": "uploads", "description": "Bring pictures in."},
    {"name": "quotes", "description": "Know the price before."},
    {"name": "runs", "description": "Start, follow and call off."},
    {"name": "discovery", "description": "What can be run, by whom, and what can be named."},
    {"name": "placements", "description": "What each platform takes and covers, by version."},
    {"name": "assets", "description": "The library: find, compare, review, organise, download."},
    {"name": "operations", "description": "For those who are paged."},
]

#: Literal paths before those with an id in the same place: /assets/compare, then /assets/{asset}.
MODULES = (
    uploads,
    runs,
    discovery,
    choices,
    providers,
    placements,
    compare,
    changes,
    assets,
    dead_letters,
)

_UNTRACED = ",".join(path.strip("/") for path in PATHS)


def create_app() -> FastAPI:
    """The application without its parts; its description is complete."""
    app = FastAPI(title="Image Studio", version="1", description=_DESCRIPTION, openapi_tags=_TAGS)
    for module in MODULES:
        app.include_router(module.router, dependencies=[Depends(known_parameters)])
    return app


def wired(
    bus: Bus,
    blobs: BlobStore,
    store: RunStore,
    runs_: Runs,
    studios: Studios,
    settings: GatewaySettings,
    leaving: asyncio.Event | None = None,
) -> FastAPI:
    """The application with everything that its routes need in its state.

    leaving: set when the gateway is about to end, so that streams do.
    """
    app = create_app()
    app.state.bus, app.state.blobs, app.state.store = bus, blobs, store
    app.state.runs, app.state.studios, app.state.settings = runs_, studios, settings
    app.state.leaving = leaving or asyncio.Event()
    add_problems(app, settings.max_body_bytes)
    FastAPIInstrumentor.instrument_app(
        app, excluded_urls=_UNTRACED, exclude_spans=["send", "receive"]
    )
    return measured(app)


def openapi() -> dict[str, Any]:
    """The OpenAPI document."""
    return create_app().openapi()
