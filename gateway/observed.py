"""What is measured of the gateway: its requests, and the runs that are open.

Requests are counted by their route's template (`/v1/runs/{run}`), never by the path itself: paths
carry ids, and a metric with ids as labels grows without end.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from fastapi import FastAPI

from gateway.store import RunStore
from studio import metrics
from studio.probes import PATHS

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Requests:
    """ASGI middleware that counts and times requests; probes are not counted."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Measure until the answer begins: a stream goes on for as long as its run."""
        if scope["type"] != "http" or scope["path"] in PATHS:
            await self._app(scope, receive, send)
            return
        begun, is_answered = perf_counter(), False

        async def watched(message: Any) -> None:
            nonlocal is_answered
            if message["type"] == "http.response.start":
                is_answered = True
                _count(scope, message["status"], perf_counter() - begun)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if not is_answered:  # it is answered outside of us, by the handler of last resort
                _count(scope, 500, perf_counter() - begun)
            raise


def measured(app: FastAPI) -> FastAPI:
    """The application, with its requests counted and timed."""
    app.add_middleware(Requests)
    return app


class OpenRuns:
    """How much of all runs is still to be done."""

    def __init__(self, store: RunStore) -> None:
        self._store = store

    async def observe(self) -> None:
        """Read it from the database. Unavailable if that is away: then the gauges stand still."""
        runs, shares = await self._store.outstanding()
        metrics.runs_open.set(runs)
        metrics.shares_outstanding.set(float(shares))


def _count(scope: Any, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    route = getattr(scope.get("route"), "path", None) or "unmatched"
    metrics.http_requests.labels(method, route, str(status)).inc()
    metrics.http_request_seconds.labels(method, route).observe(seconds)
