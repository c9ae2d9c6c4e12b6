"""A running simulator: uvicorn in a thread, on a loopback port of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import uvicorn

from tests.simulator.app import simulator
from tests.simulator.settings import SimulatorSettings

_START_SECONDS = 10
#: What an adapter is given, where providers.md says that the base has a path.
_BASE_PATHS = {"openai": "/v1", "replicate": "/v1"}
#: The same of the addresses that take an admin key.
_ADMIN_PATHS = {"fal": "/v1"}


@dataclass(frozen=True)
class RunningSimulator:
    """Where it is, and what a test may do to it."""

    url: str
    keys: dict[str, tuple[str, str]]
    """Valid keys, two accounts per provider."""
    admin_keys: dict[str, tuple[str, str]]
    """Of the same accounts, at the providers that have such keys."""
    door: httpx.Client
    """To what only tests may do."""

    @property
    def base(self) -> dict[str, str]:
        """The base URL of each provider, as its documents count it."""
        return {name: f"{self.url}/{name}{_BASE_PATHS.get(name, '')}" for name in self.keys}

    @property
    def admin_base(self) -> dict[str, str]:
        """The base URL that takes the admin key of a provider."""
        return {name: f"{self.url}/{name}{path}" for name, path in _ADMIN_PATHS.items()}

    def bill(self) -> dict[str, Any]:
        """The calls that were charged, and their total."""
        bill: dict[str, Any] = self.door.get("/bill").raise_for_status().json()
        return bill

    def faults(self, provider: str, kind: str, endpoint: str = "*", **fields: Any) -> None:
        """Order a fault; fields as of `faults.Fault`."""
        order = {"provider": provider, "kind": kind, "endpoint": endpoint, **fields}
        self.door.post("/faults", json=order).raise_for_status()

    def clear_faults(self) -> None:
        """No more faults."""
        self.door.delete("/faults").raise_for_status()

    def advance(self, seconds: float) -> None:
        """Let time pass at the providers: lifetimes, rates and jobs go on."""
        self.door.post("/clock", json={"seconds": seconds}).raise_for_status()

    def reset(self) -> None:
        """As if it had just been started."""
        self.door.post("/reset").raise_for_status()


@contextmanager
def running_simulator(
    settings: SimulatorSettings | None = None, **changes: Any
) -> Iterator[RunningSimulator]:
    """Run it for the length of a `with`; `changes` are fields of SimulatorSettings."""
    settings = replace(settings or SimulatorSettings(), **changes)
    app = simulator(settings)
    # h11: its connections say which client they serve, and can be cut
    config = uvicorn.Config(
        app,
        log_level="critical",
        lifespan="off",
        ws="none",
        http="h11",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    app.state.simulation.sever = lambda client: _sever(server, client)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        _wait(server, thread)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=f"{url}/_sim", verify=False) as door:
            yield RunningSimulator(url, settings.keys, settings.admin_keys, door)
    finally:
        server.should_exit = True
        thread.join(_START_SECONDS)
        listener.close()


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the provider simulator did not start")
        time.sleep(0.01)


def _sever(server: uvicorn.Server, client: Any) -> None:
    """Cut a client off, as a broken network does: no answer, no end of the answer."""
    for connection in list(server.server_state.connections):
        if getattr(connection, "client", None) == tuple(client):
            connection.transport.abort()
