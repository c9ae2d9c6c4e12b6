"""Image Studio as separate processes, started and killed by a test."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

MODULES = {
    "create": "services.create",
    "edit": "services.edit",
    "upscale": "services.upscale",
    "optimizer": "services.optimizer",
    "library": "services.library",
    "gateway": "gateway",
}

STUDIOS = ("create", "edit", "upscale", "optimizer", "library")

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Processes:
    """Six processes with fixed ports, so that a restarted one is found where it was."""

    def __init__(
        self,
        environment: Mapping[str, str],
        logs: Path,
        own: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """own: what only one service is told, by its name."""
        self._logs, self._own = logs, own or {}
        self._given: set[int] = set()
        self.grpc = {name: self._port() for name in MODULES}
        self.http = {name: self._port() for name in MODULES}
        peers = {f"STUDIO_{one.upper()}_GRPC": f"127.0.0.1:{self.grpc[one]}" for one in STUDIOS}
        self._environment = {**os.environ, **peers, "STUDIO_LOG_LEVEL": "INFO", **environment}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.kills: list[str] = []

    @property
    def url(self) -> str:
        """Of the gateway."""
        return f"http://127.0.0.1:{self.http['gateway']}"

    def __enter__(self) -> Self:
        for name in MODULES:
            self.start(name)
        for name in MODULES:
            self.wait_until_ready(name)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End whatever runs; what does not drain within ten seconds is killed."""
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, name: str) -> None:
        """Start one service; its log is appended to. `edit.2` is another replica of edit."""
        service = name.partition(".")[0]
        environment = {
            **self._environment,
            **self._own.get(service, {}),
            "STUDIO_GRPC_PORT": str(self.grpc.setdefault(name, self._port())),
            "STUDIO_HTTP_PORT": str(self.http.setdefault(name, self._port())),
        }
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", MODULES[service]],
                env=environment,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _port(self) -> int:
        """A free port that no replica was given: who has one may not listen on it yet."""
        while (port := free_port()) in self._given:
            pass
        self._given.add(port)
        return port

    def has_ended(self, name: str) -> bool:
        """Whether a process that was started runs no more."""
        return self._running[name].poll() is not None

    def pid(self, name: str) -> int:
        """Of a running service."""
        return self._running[name].pid

    def kill(self, name: str) -> None:
        """SIGKILL: no goodbye."""
        self._running[name].kill()
        self._running[name].wait()
        self.kills.append(name)

    def terminate(self, name: str, patience: float = 40) -> int:
        """SIGTERM, and wait for the drain; returns the exit status."""
        self._running[name].send_signal(signal.SIGTERM)
        return self._running[name].wait(patience)

    def log(self, name: str) -> str:
        """What a service has said so far."""
        return (self._logs / f"{name}.log").read_text(errors="replace")

    def is_ready(self, name: str) -> bool:
        """What /readyz of a service answers now."""
        try:
            url = f"http://127.0.0.1:{self.http[name]}/readyz"
            return httpx.get(url, timeout=3).status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self, name: str, patience: float = 60) -> None:
        """Wait for /readyz; a process that ended tells why."""
        deadline = time.monotonic() + patience
        while not self.is_ready(name):
            if self.has_ended(name):
                raise AssertionError(f"{name} ended at its start:\n{self.log(name)[-3000:]}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} was not ready in time:\n{self.log(name)[-3000:]}")
            time.sleep(0.1)
