"""Probes: /startupz, /livez, /readyz and /metrics, which mean different things.

/startupz answers 200 once the first set-up is done: the indexes exist and consuming has begun.
    Until then it says what is waited for. A service waits without end for what is away, so a
    limit to that is whoever asks; a restart reads changed secrets.
/readyz answers 200 while the service can do its work: it has started, it is not draining, and what
    its work requires answers: the broker and the stores, and of the gateway only the stores, since
    it accepts runs while the broker is away (docs/adr/0007). What is away besides is told under
    `degraded`. It recovers by itself, so it must not restart anything. One lane that cannot begin
    or be restored does not make a service unready: the other lane works, and a service out of
    rotation would elect no leader (docs/adr/0012). studio_lane_consuming tells of it.
/livez answers 200 while the event loop turns; restart what does not answer. It asks for nothing
    else, because nothing else ends for good: connections heal themselves, lanes that cannot begin
    and long-lived tasks are tried for ever, and a queue that was deleted is declared anew
    (studio.bus.consuming). An outage must never restart a service that would outlast it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from studio import listening, metrics
from studio.problems import StudioError

Check = Callable[[], Awaitable[None]]

#: A dependency that takes longer than this to answer a ping is away.
PING_SECONDS = 2.0

#: Where a service answers those who watch it.
PATHS = ("/startupz", "/livez", "/readyz", "/metrics")


@dataclass(frozen=True, slots=True)
class State:
    """What is wrong, by dependency, and what is known of it."""

    problems: Mapping[str, str]  # empty: it is ready
    degraded: Mapping[str, str] = field(default_factory=dict)  # away, and it works all the same


class Readiness:
    """Whether a service can do its work now, and if not, why."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        service: str = "",
        *,
        requires: Collection[str] | None = None,
    ) -> None:
        """requires: the names of those checks that it is not ready without; None: all."""
        self._checks, self._service = checks, service
        self._requires = frozenset(checks if requires is None else requires)
        self.is_draining = False
        self.waits_for: str | None = None  # what a service that is starting waits for

    async def state(self) -> State:
        """How it is now."""
        if self.is_draining:
            return State({"service": "It is draining and takes no more work."})
        away = await self.away()
        starting = {"service": self.waits_for} if self.waits_for else {}
        problems = {name: says for name, says in away.items() if name in self._requires}
        degraded = {name: says for name, says in away.items() if name not in self._requires}
        return State({**starting, **problems}, degraded)

    async def problems(self) -> Mapping[str, str]:
        """What makes it unready; empty means ready."""
        return (await self.state()).problems

    async def away(self) -> dict[str, str]:
        """The dependencies that do not answer, and what is known of it."""
        answers = await asyncio.gather(*(self._ask(check) for check in self._checks.values()))
        told = dict(zip(self._checks, answers, strict=True))
        for name, answer in told.items():
            metrics.dependency_up.labels(self._service, name).set(answer is None)
        return {name: answer for name, answer in told.items() if answer}

    async def _ask(self, check: Check) -> str | None:
        try:
            await asyncio.wait_for(check(), PING_SECONDS)
        except TimeoutError:
            return f"No answer within {PING_SECONDS:g} s."
        except StudioError as problem:
            return problem.says
        return None


def add_probes(app: FastAPI, readiness: Readiness) -> None:
    """Give an application the four endpoints."""

    @app.get("/startupz", include_in_schema=False)
    async def startupz() -> JSONResponse:
        waits_for = readiness.waits_for
        status = {"status": "starting", "waits_for": waits_for} if waits_for else {"status": "up"}
        return JSONResponse(status, status_code=503 if waits_for else 200)

    @app.get("/livez", include_in_schema=False)
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        state = await readiness.state()
        told = {name: one for name, one in asdict(state).items() if one}
        is_ready = not state.problems
        status = {"status": "ready" if is_ready else "not ready", **told}
        return JSONResponse(status, status_code=200 if is_ready else 503)

    @app.get("/metrics", include_in_schema=False)
    async def scraped() -> Response:
        await readiness.away()  # what is told of dependencies is as new as the scrape
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class HttpServer:
    """Uvicorn inside our event loop: it neither owns the loop nor the signals."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._host, self._port = host, port
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen; returns the port, which was free if 0 was asked for. Misconfigured if taken."""
        config = self._server.config
        config.load()
        self._server.lifespan = config.lifespan_class(config)
        listener = listening.listener("STUDIO_HTTP_PORT", self._host, self._port)
        port: int = listener.getsockname()[1]
        self._serving = asyncio.create_task(self._server._serve([listener]))
        return port

    async def stop(self, grace: float = 5) -> None:
        """Take no more requests and finish the running ones, at most `grace` seconds. Once."""
        serving, self._serving = self._serving, None
        self._server.should_exit = True
        if serving:
            with suppress(TimeoutError):
                await asyncio.wait_for(serving, grace)
