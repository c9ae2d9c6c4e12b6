"""Probes: /livez, /readyz and /metrics of a service that has no HTTP of its own.

/livez answers while the event loop turns; restart what does not answer. /readyz answers 200
only while the broker and the stores answer and the service is not draining; it recovers by
itself, so it must not be used to restart anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from studio.problems import StudioError

Check = Callable[[], Awaitable[None]]

#: A dependency that takes longer than this to answer a ping is away.
PING_SECONDS = 2.0


class Readiness:
    """Whether a service can do its work now, and if not, why."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self.is_draining = False

    async def problems(self) -> dict[str, str]:
        """What is wrong, by dependency; empty means ready."""
        if self.is_draining:
            return {"service": "It is draining and takes no more work."}
        answers = await asyncio.gather(*(self._ask(check) for check in self._checks.values()))
        return {name: answer for name, answer in zip(self._checks, answers, strict=True) if answer}

    async def _ask(self, check: Check) -> str | None:
        try:
            await asyncio.wait_for(check(), PING_SECONDS)
        except TimeoutError:
            return f"No answer within {PING_SECONDS:g} s."
        except StudioError as problem:
            return problem.says
        return None


def add_probes(app: FastAPI, readiness: Readiness) -> None:
    """Give an application the three endpoints."""

    @app.get("/livez", include_in_schema=False)
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        problems = await readiness.problems()
        status = {"status": "not ready", "problems": problems} if problems else {"status": "ready"}
        return JSONResponse(status, status_code=503 if problems else 200)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class HttpServer:
    """Uvicorn inside our event loop: it neither owns the loop nor the signals."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        config = uvicorn.Config(
            app, host=host, port=port, log_config=None, access_log=False, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen; returns the port, which was free if 0 was asked for."""
        config = self._server.config
        config.load()
        self._server.lifespan = config.lifespan_class(config)
        listener = config.bind_socket()
        port: int = listener.getsockname()[1]
        self._serving = asyncio.create_task(self._server._serve([listener]))
        return port

    async def stop(self, grace: float = 5) -> None:
        """Finish running answers, at most `grace` seconds, then close."""
        self._server.should_exit = True
        if self._serving:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._serving, grace)
